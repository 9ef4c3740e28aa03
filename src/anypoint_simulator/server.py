"""The server: one asyncio protocol per connection, answers in the order of their requests."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

from isal import igzip

from anypoint_simulator.endpoints import answer
from anypoint_simulator.wire import MAX_HEAD, MalformedError, Reply, Request, read_request

if TYPE_CHECKING:
    from anypoint_simulator.state import State

SEND_BUFFER = 4 * 1024 * 1024  # a page of 200 entries leaves in one call
BACKLOG = 1024
WORTH_GZIP = 1024
GZIP_LEVEL = 1
DRIPS = 20
# An RST instead of a FIN: what a client sees when a load balancer drops it.
LINGER_NOT = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """One client's connection; one request of it is answered at a time."""

    def __init__(self, state: State, connections: set[Connection]) -> None:
        self._state = state
        self._connections = connections
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._ip = ""
        self._busy = False
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the client."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server has no other
        self._transport = transport
        self._ip = (transport.get_extra_info("peername") or ("",))[0]
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._transport = None
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Take in what arrived and answer if a request is whole."""
        self._buffer += data
        if b"100-continue" in data and b"\r\n\r\n" in data and self._transport and len(data) < MAX_HEAD:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._next()

    def pause_writing(self) -> None:
        """The client does not read: take no further requests of it."""
        self._full = True

    def resume_writing(self) -> None:
        """It reads again."""
        self._full = False
        self._next()

    def close(self) -> None:
        """Hang up."""
        if self._transport:
            self._transport.abort()

    def _next(self) -> None:
        while self._transport and not self._busy and not self._full and self._buffer:
            try:
                request = read_request(self._buffer, self._ip)
            except MalformedError as problem:
                self._buffer.clear()
                self._send(Reply(problem.status), close=True)
                return
            if request is None:
                return
            self._answer(request)

    def _answer(self, request: Request) -> None:
        reply = answer(self._state, request)
        wanted = self._state.behaviour.gzip and "gzip" in request.headers.get("accept-encoding", "")
        if wanted and len(reply.body) >= WORTH_GZIP:
            reply.body = igzip.compress(reply.body, GZIP_LEVEL)
            reply.headers["Content-Encoding"] = "gzip"
        close = not request.keep_alive
        if not reply.delay:
            self._send(reply, close=close)
            return
        self._busy = True
        asyncio.get_running_loop().call_later(reply.delay, self._send_delayed, reply, close)

    def _send_delayed(self, reply: Reply, close: bool) -> None:
        self._busy = False
        self._send(reply, close=close)
        self._next()

    def _send(self, reply: Reply, *, close: bool) -> None:
        transport = self._transport
        if transport is None:
            return
        if reply.reset or reply.cut:
            self._break(transport, reply)
        elif reply.drip and reply.body:
            transport.write(reply.head(close=close))
            self._busy = True
            self._drip(reply.body, max(1, len(reply.body) // DRIPS), reply.drip / DRIPS, close)
        else:
            transport.write(b"".join((reply.head(close=close), reply.body)))
            if close:
                transport.close()

    def _break(self, transport: asyncio.Transport, reply: Reply) -> None:
        """End the connection before the answer ends."""
        if reply.reset != "answer":
            transport.write(reply.head(close=False) + reply.body[: len(reply.body) // 2])
        if not reply.reset:
            transport.close()
            return
        # What was written must leave before the reset, or the client never sees the beginning.
        asyncio.get_running_loop().call_later(0.02 if reply.reset == "body" else 0, self._reset)

    def _reset(self) -> None:
        if self._transport:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            self._transport.abort()

    def _drip(self, rest: bytes, size: int, pause: float, close: bool) -> None:
        if self._transport is None:
            return
        self._transport.write(rest[:size])
        if len(rest) > size:
            asyncio.get_running_loop().call_later(pause, self._drip, rest[size:], size, pause, close)
            return
        self._busy = False
        if close:
            self._transport.close()
        self._next()


async def listen(state: State, host: str, port: int) -> tuple[asyncio.Server, set[Connection]]:
    """Start to listen; port 0 takes a free one."""
    listener = socket.create_server((host, port), family=_family(host), backlog=BACKLOG)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # accepted sockets inherit it
    connections: set[Connection] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(state, connections), sock=listener, backlog=BACKLOG)
    return server, connections


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
