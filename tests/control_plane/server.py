"""The HTTP side: routing by host in the path, validation, faults, and a record of every request."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

# Imported for their handlers.
from tests.control_plane import (  # noqa: F401 - each adds its routes
    chronicle,
    chronicle_content,
    compute,
    identity,
    messaging,
    storage,
)
from tests.control_plane.discovery import Violation, description
from tests.control_plane.registry import HANDLERS, Json, Request
from tests.control_plane.world import Refusal, World

#: what can go wrong with a call: (answer instead of doing it) or (do it, then answer this or nothing)
FAULTS = {
    "refuse": (503, False),
    "limit": (429, False),
    "deny": (403, False),
    "lose": (0, True),
    "break": (503, True),
}


class ControlPlane:
    """A control plane on this machine.

    Attributes:
        world: what exists.
        faults: the number of a call: what goes wrong with it. Each happens once.
        refusals: by a part of the path, the status and the error object that it is refused with, always.
        calls: how many calls there were.
        writes: the numbers of those that may change something.
        methods: those that were called.
        authorized: the calls that carried credentials.
        violations: requests that Google's descriptions do not allow. Tests end by checking that there are none.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults: dict[int, str] = {}
        self.refusals: dict[str, tuple[int, Json]] = {}
        self.calls = 0
        self.writes: list[int] = []
        self.violations: list[str] = []
        self.methods: set[str] = set()
        self.authorized: list[str] = []
        self.lock = threading.Lock()
        plane = self

        class Handler(_Handler):
            control = plane

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Give up the port."""
        self._server.server_close()

    def answer(self, verb: str, target: str, body: bytes) -> tuple[int, Json]:
        """Answer one request; status 0 means to hang up."""
        with self.lock:
            self.calls += 1
            if verb != "GET":
                self.writes.append(self.calls)
            fault = self.faults.pop(self.calls, "")
            status, takes_effect = FAULTS.get(fault, (200, True))
            if not takes_effect:
                return status, self._faulty(status, verb, target)
            for part, (refused, error) in self.refusals.items():
                if part in target.split("?")[0]:
                    return refused, {"error": {"code": refused, **error}}
            try:
                result = self._serve(verb, target, body)
            except Violation as error:
                self.violations.append(str(error))
                return 400, _error(400, "INVALID_ARGUMENT", f"violates the API's description: {error}")
            except (KeyError, TypeError, AttributeError) as error:
                self.violations.append(f"the control plane stumbled over {verb} {target}: {error!r}")
                return 500, _error(500, "INTERNAL", "stumbled")
            except Refusal as error:
                return error.status, _error(error.status, error.reason, error.message, error.detail)
            return status, (result if status == 200 else _error(503, "UNAVAILABLE", "The service is unavailable."))

    def _faulty(self, status: int, verb: str, target: str) -> Json:
        text = {503: "The service is unavailable.", 429: "Quota exceeded."}.get(status)
        return _error(
            status, "", text or f"Permission 'simulated.{verb.lower()}.denied' denied on {target.split('?')[0]}"
        )

    def _serve(self, verb: str, target: str, body: bytes) -> Json:
        parts = urlsplit(target)
        host, _, path = parts.path.lstrip("/").partition("/")
        query = parse_qs(parts.query, keep_blank_values=True)
        sent = json.loads(body) if body else None
        self.world.log.append((verb, f"{host}/{path}", query, sent))
        if "chronicle" in host:
            return chronicle.serve(self.world, host, verb, unquote(path), query, sent)
        call = description(host).check(verb, path, query, sent)
        if call.method not in HANDLERS:
            raise Violation(f"{call.method} is not part of this control plane")
        self._enabled(host)
        self.methods.add(call.method)
        params = {name: unquote(value) for name, value in call.path.items()}
        return HANDLERS[call.method](Request(self.world, params, query, sent or {}))

    def _enabled(self, host: str) -> None:
        if host in ("storage.googleapis.com", "serviceusage.googleapis.com"):
            return
        if host not in self.world.enabled or self.world.hidden(f"api {host}"):
            text = f"{host} has not been used in project {self.world.project} before or it is disabled."
            raise Refusal(403, "PERMISSION_DENIED", text, {"reason": "SERVICE_DISABLED"})


def _error(status: int, reason: str, message: str, detail: dict[str, str] | None = None) -> Json:
    return {"error": {"code": status, "status": reason, "message": message, "details": [detail] if detail else []}}


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    control: ControlPlane
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization"):
            self.control.authorized.append(f"{self.command} {self.path}")
        status, answer = self.control.answer(self.command, self.path, body)
        if status == 0:
            self.close_connection = True
            return
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
