"""A second, deliberately plain Anypoint, written from the facts alone and sharing no line with the simulator.

The collector is tried against both: what one of them misreads, the other may not.
"""

from __future__ import annotations

import json
import random
import secrets
import socket
import struct
import threading
import time
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT_ID, CLIENT_SECRET = "plain-client", "plain-secret-value"
ROOT = "0a000000-0000-4000-8000-000000000000"


@dataclass
class PlainSource:
    """What the source holds and how it misbehaves. `logs`: per organization, (timestamp, visible from, bytes)."""

    logs: dict[str, list[tuple[int, float, bytes]]] = field(default_factory=lambda: {ROOT: []})
    names: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    hierarchy_status: int = 200
    hierarchy_delay: float = 0.0
    token_seconds: float = 3600.0
    faults: float = 0.0
    seed: int = 1
    per_minute: int = 0
    latency: float = 0.0
    total_cap: int = 0
    cursor_seconds: float = 0.0
    total_on_last_page: bool = True
    order: Any = None
    rolls_up: bool = False
    answer: Any = None
    clock: Any = time.time
    url: str = ""
    tokens: dict[str, float] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    minute: tuple[int, int] = (0, 0)
    lock: threading.Lock = field(default_factory=threading.Lock)
    before_query: Any = None

    def add(self, organization: str, timestamp: int, body: bytes, visible: float = 0.0) -> None:
        """Add an entry; it shows from `visible` (epoch seconds) on."""
        with self.lock:
            self.logs.setdefault(organization, []).append((timestamp, visible, body))
            self.logs[organization].sort(key=lambda item: item[0])

    def fill(self, organization: str, count: int, start: int, end: int, seed: int = 7) -> None:
        """Add `count` entries between `start` and `end` (Unix ms), without ids, some of them twins."""
        rng = random.Random(seed)
        items = self.logs.setdefault(organization, [])
        while len(items) < count:
            stamp = rng.randrange(start, end)
            body = entry(stamp, rng)
            items += [(stamp, 0.0, body)] * (2 if rng.random() < 0.02 else 1)
        items.sort(key=lambda item: item[0])

    def truth(self, organization: str) -> Counter[bytes]:
        """Return every entry as a line of the archive must have it."""
        return Counter(body.replace(b"\n", b"") for _, _, body in self.logs.get(organization, []))


def entry(stamp: int, rng: random.Random, **more: object) -> bytes:
    """Return one entry's bytes."""
    value = {
        "timestamp": stamp,
        "platform": "CoreServices",
        "action": rng.choice(["Login", "Edit", "Create"]),
        "userId": str(uuid.UUID(int=rng.getrandbits(128))),
        "userName": "zoë",
        "objects": [{"objectType": "User", "objectId": str(rng.getrandbits(40)), "objectName": "n"}],
        "payload": {"subaction": "s", "properties": {"v": rng.getrandbits(90)}},
        **more,
    }
    return json.dumps(value, ensure_ascii=rng.random() < 0.5, indent=1 if rng.random() < 0.05 else None).encode()


def _ms(value: object) -> int:
    if isinstance(value, int):
        return value
    moment = datetime.fromisoformat(str(value))
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    source: PlainSource

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def reply(
        self, status: int, value: object = None, raw: bytes | None = None, kind: str = "application/json"
    ) -> None:
        body = raw if raw is not None else (b"" if value is None else json.dumps(value).encode())
        self.source.counts[str(status)] += 1
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def authorized(self) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.source.tokens.get(token, 0) > time.time()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if not self.authorized():
            self.reply(401)
        elif path == "/accounts/api/me":
            self.reply(200, {"user": {"organization": {"id": ROOT}}})
        elif path.endswith("/hierarchy"):
            self.hierarchy(path.split("/")[-2])
        else:
            self.reply(404)

    def hierarchy(self, root: str) -> None:
        source = self.source
        source.counts["hierarchies"] += 1
        time.sleep(source.hierarchy_delay)
        if source.hierarchy_status != 200 or root != ROOT:
            self.reply(source.hierarchy_status if source.hierarchy_status != 200 else 404, {"message": "no"})
            return
        below = [{"id": i, "name": source.names.get(i, ""), "subOrganizations": []} for i in source.logs if i != ROOT]
        self.reply(200, {"id": ROOT, "name": "Root", "subOrganizations": below})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        source = self.source
        if source.answer and source.answer(self, url.path):
            return
        if url.path.endswith("/oauth2/token"):
            fields = json.loads(body)
            if (fields.get("client_id"), fields.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
                self.reply(401, {"error": "invalid_client"})
                return
            token = secrets.token_hex(16)
            source.tokens[token] = time.time() + source.token_seconds
            source.counts["tokens"] += 1
            self.reply(200, {"access_token": token, "token_type": "bearer", "expires_in": source.token_seconds})
        elif url.path.endswith("/oauth2/revoke"):
            source.tokens.pop(parse_qs(body.decode())["token"][0], None)
            source.counts["revoked"] += 1
            self.reply(200, {})
        elif url.path.startswith("/audit/v2/organizations/") and url.path.endswith("/query"):
            self.audit(url.path.split("/")[4], parse_qs(url.query), json.loads(body))
        else:
            self.reply(404)

    def over_limit(self) -> bool:
        source = self.source
        if not source.per_minute:
            return False
        with source.lock:
            minute = int(source.clock() // 60)
            used = source.minute[1] + 1 if source.minute[0] == minute else 1
            source.minute = (minute, used)
            return used > source.per_minute

    def audit(self, organization: str, options: dict[str, list[str]], query: dict[str, Any]) -> None:
        source = self.source
        source.counts["queries"] += 1
        if source.before_query:
            source.before_query(source)
        if source.latency:
            time.sleep(source.latency)
        if self.over_limit():
            source.counts["over limit"] += 1
            self.reply(503)
            return
        if not self.authorized():
            self.reply(401)
            return
        if organization not in source.logs or organization in source.refused:
            self.reply(403 if organization in source.refused else 404, {"message": "no"})
            return
        with source.lock:
            body = self.page(organization, options, query)
            fault = random.Random(f"{source.seed}/{source.counts['queries']}").random()
        if body is None:
            self.reply(400, {"message": "bad cursor"})
        elif fault >= source.faults:
            self.reply(200, raw=body)
        else:
            self.misbehave(fault / source.faults, body)

    def misbehave(self, which: float, body: bytes) -> None:
        self.source.counts["faults"] += 1
        if which < 0.4:
            self.reply((500, 502, 504)[int(which * 1000) % 3], raw=b"<html>oops</html>", kind="text/html")
        elif which < 0.55:
            self.reset()
        elif which < 0.7:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.reset()
        elif which < 0.85:
            self.reply(200, raw=body[: len(body) * 2 // 3])
        else:
            self.reply(200, raw=b"<html><body>Please log in</body></html>", kind="text/html")

    def page(self, organization: str, options: dict[str, list[str]], query: dict[str, Any]) -> bytes | None:
        source = self.source
        start, end, limit = _ms(query["startDate"]), _ms(query["endDate"]), min(200, query.get("limit", 200))
        versioned = options.get("getVersionedObjectsInLogs") == ["true"]
        now = time.time()
        held = source.logs[organization]
        if source.rolls_up and organization == ROOT:
            held = sorted((item for log in source.logs.values() for item in log), key=lambda item: item[0])
        found = [body for stamp, visible, body in held if start <= stamp <= end and visible <= now]
        if query.get("ascending") is False:
            found.reverse()
        if source.order:
            found = source.order(found)
        if not versioned:
            found = [body.replace(b'"objectName": "n"', b'"objectName": "renamed"') for body in found]
        total = min(len(found), source.total_cap) if source.total_cap else len(found)
        if options.get("cursorPagination") != ["true"]:
            offset = query.get("offset", 0)
            return b'{"data":[' + b",".join(found[offset : offset + limit]) + b'],"total":%d}' % total
        position = 0
        if "cursor" in query:
            given, _, place = str(query["cursor"]).partition("_")
            if source.cursor_seconds and now - float(given) > source.cursor_seconds:
                return None
            position = int(place)
        data = found[position : position + limit]
        parts = [b'{"data":[' + b",".join(data) + b"]"]
        if data:
            parts.append(b',"cursor":"%f_%d"' % (now, position + len(data)))
        if options.get("doIncludeTotal") == ["true"] and (data or source.total_on_last_page):
            parts.append(b',"total":%d' % total)
        return b"".join(parts) + b"}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that a killed collector, or a fault, broke off."""


@contextmanager
def serving(source: PlainSource) -> Iterator[PlainSource]:
    """Serve `source` on this machine while the context lasts."""
    handler = type("Handler", (_Handler,), {"source": source})
    server = _Server(("127.0.0.1", 0), handler)
    source.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield source
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
