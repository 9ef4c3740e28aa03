"""A server that sends what a test tells it to, byte by byte if need be."""

from __future__ import annotations

import json
import socketserver
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.pacer import Pacer
from mulesoft_audit.anypoint.planes import Plane
from mulesoft_audit.anypoint.query import AuditQuery
from mulesoft_audit.anypoint.token import TOKEN_PATH, TokenSource
from mulesoft_audit.anypoint.transport import Transport
from mulesoft_audit.clock import Stop
from mulesoft_audit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = "a-token-of-the-raw-server"


@dataclass
class Request:
    """What was asked: the first line's words, the headers as they came, the body."""

    method: str
    path: str
    headers: str
    body: bytes
    send: Callable[[bytes], None]
    over: threading.Event

    def reply(self, status: int, body: object = None, headers: str = "") -> None:
        """Send a whole response; a body of bytes as it is, any other as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send(f"HTTP/1.1 {status} X\r\n{headers}Content-Length: {len(content)}\r\n\r\n".encode() + content)

    def drip(self, text: bytes = b"X-More: 1\r\n", every: float = 0.05) -> None:
        """Send `text` over and over, a byte at a time, until the test or the client ends it."""
        while True:
            for byte in text:
                self.send(bytes([byte]))
                if self.over.wait(every):
                    return


@dataclass
class RawServer:
    """Requests that came so far, and what responds to each: by path, else `reply`."""

    reply: Callable[[Request], object] = lambda request: request.reply(200, {"data": [], "total": 0})
    token: Callable[[Request], object] = lambda request: request.reply(200, {"access_token": TOKEN, "expires_in": 3600})
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def asked(self, path: str) -> list[Request]:
        """Return the requests to a path."""
        return [request for request in self.requests if request.path.startswith(path)]


class _Handler(socketserver.StreamRequestHandler):
    raw: RawServer

    def handle(self) -> None:
        with suppress(OSError, ValueError):
            while line := self.rfile.readline():
                self._one(line.decode())

    def _one(self, line: str) -> None:
        headers, length = "", 0
        while (header := self.rfile.readline().decode()) not in {"\r\n", ""}:
            headers += header
            if header.lower().startswith("content-length:"):
                length = int(header.split(":")[1])
        method, path, _ = line.split(" ", 2)
        request = Request(method, path, headers, self.rfile.read(length), self._send, self.raw.over)
        self.raw.requests.append(request)
        (self.raw.token if path == TOKEN_PATH else self.raw.reply)(request)

    def _send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that were broken off."""


@contextmanager
def raw_server() -> Iterator[RawServer]:
    """Serve on this machine while the context lasts."""
    raw = RawServer()
    with _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"raw": raw})) as server:
        raw.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield raw
        finally:
            raw.over.set()
            server.shutdown()
            thread.join()


@dataclass
class Client:
    """The product's own client of a raw server."""

    transport: Transport
    tokens: TokenSource
    query: AuditQuery
    stop: Stop


def client_of(raw: RawServer, stop: Stop | None = None, timeout: float = 5.0) -> Client:
    """Return a client that is ready to send."""
    stop = stop or Stop()
    transport = Transport(Plane("raw", raw.url, 100_000), Pacer(100_000, stop), stop, timeout=timeout)
    tokens = TokenSource(transport, "client", Secret("the-client-secret"))
    return Client(transport, tokens, AuditQuery(transport, tokens), stop)
