"""The function as it runs in production: built, served by functions-framework in a process, posted to over HTTP."""

from __future__ import annotations

import base64
import gzip
import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.storage_server import StorageServer

    from anypoint_simulator import Anypoint

BUCKET = "audit-archive"
TOPIC = "projects/audit-project/topics/audit-trigger"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
Style = Literal["binary", "structured", "push"]
_numbers = itertools.count(1)


def environment(anypoint: Anypoint, storage: StorageServer, **more: str) -> dict[str, str]:
    """Return the environment of a deployed function, with Anypoint and Google on this machine."""
    settings = {
        "MULE_ORG_ID": anypoint.root,
        "CLIENT_ID": anypoint.client_id,
        "CLIENT_SECRET": anypoint.client_secret,
        "GCS_BUCKET": BUCKET,
        "ANYPOINT_BASE_URL": anypoint.url,
        "REQUESTS_PER_MINUTE": "100000",
        "STORAGE_EMULATOR_HOST": storage.url,
        "CLOUD_RUN_TIMEOUT_SECONDS": "600",
    }
    return {name: value for name, value in {**settings, **more}.items() if value}


def message(data: object = None, *, raw: bytes | None = None, **attributes: str) -> dict[str, Any]:
    """Return a Pub/Sub message as it is pushed."""
    body = raw if raw is not None else b"" if data is None else json.dumps(data).encode()
    number = str(next(_numbers))
    return {
        "data": base64.b64encode(body).decode(),
        "attributes": attributes,
        "messageId": number,
        "message_id": number,
        "publishTime": "2026-01-01T00:00:00Z",
    }


def request(published: dict[str, Any], style: Style = "binary") -> tuple[str, dict[str, str], bytes]:
    """Return path, headers and body of the delivery of a message: by Eventarc, or by a push subscription."""
    envelope = {"message": published, "subscription": "projects/audit-project/subscriptions/audit"}
    event = {
        "id": published["messageId"],
        "source": f"//pubsub.googleapis.com/{TOPIC}",
        "specversion": "1.0",
        "type": "google.cloud.pubsub.topic.v1.messagePublished",
    }
    if style == "push":
        return f"/{TOPIC}", {"Content-Type": "application/json"}, json.dumps(envelope).encode()
    if style == "structured":
        body = {**event, "traceparent": PARENT, "datacontenttype": "application/json", "data": envelope}
        return "/", {"Content-Type": "application/cloudevents+json"}, json.dumps(body).encode()
    headers = {f"ce-{name}": value for name, value in event.items()}
    return "/", {**headers, "traceparent": PARENT, "Content-Type": "application/json"}, json.dumps(envelope).encode()


@dataclass
class Function:
    """A server of the function. `output` fills while it runs."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    answers: list[bytes] = field(default_factory=list)

    def deliver(self, data: object = None, style: Style = "binary", timeout: float = 60.0, **more: Any) -> int:
        """Deliver a message; return the status, 0 if the connection was cut."""
        return self.post(*request(message(data, **more), style), timeout=timeout)

    def post(self, path: str, headers: dict[str, str], body: bytes, timeout: float = 60.0) -> int:
        """Post anything; return the status, 0 if the connection was cut."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            self.answers.append(str(answer.headers).encode() + answer.read())
        except (http.client.HTTPException, ConnectionError):
            return 0
        else:
            return answer.status
        finally:
            connection.close()

    def later(self, data: object = None, style: Style = "binary") -> Callable[[], int]:
        """Deliver a message in a thread; return what waits for its status."""
        statuses: list[int] = []
        thread = threading.Thread(target=lambda: statuses.append(self.deliver(data, style)))
        thread.start()

        def status() -> int:
            thread.join(60)
            return statuses[0]

        return status

    def kill(self) -> None:
        """Take the power away: SIGKILL to the server and its workers."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def terminate(self) -> float:
        """Send SIGTERM, as Cloud Run does; return how many seconds it took to end."""
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(30)
        return time.monotonic() - began

    @property
    def output(self) -> str:
        """All it has written to standard output and error."""
        return self.log.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log lines, each of which has to be a JSON object."""
        return [json.loads(line) for line in self.output.splitlines()]

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The summaries it logged."""
        return [line for line in self.lines if line.get("event") == "run"]


@contextmanager
def served(source: Path, folder: Path, settings: dict[str, str], python: str = sys.executable) -> Iterator[Function]:
    """Serve a built function while the context lasts; nothing of this process's environment reaches it."""
    port, log = free_port(), folder / f"function-{next(_numbers)}.log"
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(source), "PORT": str(port), **settings}
    command = [python, "-m", "functions_framework", "--target", "main", "--host", "127.0.0.1"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=source, env=env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        wait_for(port, process, log)
        yield Function(process, port, log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path, seconds: float = 20.0) -> None:
    """Wait until a process listens on a port."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"nothing listens on {port}: {log.read_text()}")


def lines(storage: StorageServer, organization: str = "") -> Counter[bytes]:
    """Return every line of every part as a multiset, read with nothing of the collector's own code."""
    found: Counter[bytes] = Counter()
    for stored in storage.objects(f"audit/{organization}").values():
        found.update(gzip.decompress(stored.data)[:-1].split(b"\n"))
    return found


def truth(anypoint: Anypoint, organization: str, since: int = 0) -> Counter[bytes]:
    """Return what the archive has to hold of an organization; the worlds here have no line breaks in entries."""
    return Counter(anypoint.truth(organization, since))


def assert_exact(anypoint: Anypoint, storage: StorageServer, since: int = 0) -> None:
    """Check that the archive holds every entry of every organization once."""
    for organization in anypoint.organizations:
        assert lines(storage, f"{organization}/") == truth(anypoint, organization, since), organization


class Topic:
    """A Pub/Sub topic that only keeps what is published to it; `address` goes into PUBSUB_EMULATOR_HOST."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.paths: set[str] = set()
        topic = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = topic.statuses.pop(0) if topic.statuses else 200
                topic.paths.add(self.path)
                identities = []
                for item in body["messages"] if status == 200 else []:
                    topic.published.append(json.loads(base64.b64decode(item["data"])))
                    identities.append(str(len(topic.published)))
                answer = json.dumps({"messageIds": identities} if status == 200 else {"error": {"message": "no"}})
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
