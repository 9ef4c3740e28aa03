"""A service that is pinged, written from healthchecks.io's public description of its pinging API."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

CHECK = "/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"


@dataclass
class Pings:
    """What arrived, and how the service responds.

    Attributes:
        url: of the check.
        seen: each ping's path and body, in order.
        statuses: of the next responses; 200 after that.
        hang: seconds before a response.
        location: where redirects lead.
    """

    url: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    hang: float = 0.0
    location: str = ""

    @property
    def paths(self) -> list[str]:
        """What was added to the check's path, ping by ping."""
        return [path.removeprefix(CHECK) for path, _ in self.seen]

    def wait(self, count: int, seconds: float = 10.0) -> None:
        """Wait until that many pings have arrived."""
        until = time.monotonic() + seconds
        while len(self.seen) < count:
            assert time.monotonic() < until, self.seen
            time.sleep(0.02)


@contextmanager
def ping_service(context: ssl.SSLContext | None = None) -> Iterator[Pings]:
    """Serve on this machine until the end of the block; with TLS if there is a context."""
    pings = Pings()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            pings.seen.append((self.path, body.decode()))
            time.sleep(pings.hang)
            self.send_response(pings.statuses.pop(0) if pings.statuses else 200)
            if pings.location:
                self.send_header("Location", pings.location)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"OK")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a client that hung up
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    pings.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}{CHECK}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield pings
    finally:
        server.shutdown()
        server.server_close()
