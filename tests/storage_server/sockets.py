"""The socket side: HTTP/1.1 with keep-alive, and connections that can be cut."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.storage_server.errors import PHRASES
from tests.storage_server.wire import Headers, Request, Response

if TYPE_CHECKING:
    from tests.storage_server.server import StorageServer

_RESET = struct.pack("ii", 1, 0)


class Listener(ThreadingHTTPServer):
    """Accepts connections and knows the open ones, so that stopping leaves no thread and no socket."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, owner: StorageServer, port: int) -> None:
        self.owner = owner
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), Connection)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    def server_bind(self) -> None:
        """Bind without looking the host's name up, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop accepting, end every connection, wait for their threads."""
        self.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget it."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error."""
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self.owner.crashes.append(error)


class Connection(BaseHTTPRequestHandler):
    """One client's connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def _serve(self) -> None:
        from tests.storage_server.server import Cut

        if self.server.owner.refuses():
            self._cut()
            return
        body = self._body()
        base = f"http://{self.headers.get('Host') or f'127.0.0.1:{self.server.server_port}'}"
        request = Request(self.command, self.path, Headers(self.headers.items()), body, base)
        try:
            self._send(self.server.owner.answer(request))
        except Cut as cut:
            if cut.response is not None:
                self._send(cut.response, half=True)
            self._cut()

    do_GET = do_POST = do_PUT = _serve  # noqa: N815 - the base class's names
    do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def _send(self, response: Response, *, half: bool = False) -> None:
        """Write head and body at once: one packet for a small answer."""
        known = response.status in set(HTTPStatus)
        phrase = PHRASES.get(response.status) or (HTTPStatus(response.status).phrase if known else "Planned")
        head = [f"HTTP/1.1 {response.status} {phrase}", "Server: StorageTestServer"]
        head += [f"{key}: {value}" for key, value in response.headers.items()]
        if response.status not in (204, 304):
            head.append(f"Content-Length: {len(response.body)}")
        body = b"" if self.command == "HEAD" else response.body
        if half:
            body = body[: len(body) // 2]
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)

    def _cut(self) -> None:
        """End the connection as a crash would: whatever is unsent is lost, the peer sees a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.rfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: `StorageServer.seen` has it all."""
