"""What one request may take: so much time, whatever the server sends, and so much memory.

A server that sends a byte now and then is never silent, so that a timeout between two bytes does not end it. Every read
of the socket, of headers and body alike, goes through here instead, and looks at the clock and at `Stop`.
"""

from __future__ import annotations

import io
import time
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection, HTTPSConnection

from mulesoft_audit.anypoint.response import TooSlow

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Iterator

    from mulesoft_audit.clock import Stop

LOOK = 0.25  #: seconds after which a read that waits looks whether it is time to stop
LAST_RESPONSE = 1.0  #: seconds that a response under way is still waited for when it is time to stop
LARGE = 4 << 20  #: bytes of a body beyond which only one request at a time goes on reading

_bounds: ContextVar[Bounds | None] = ContextVar("bounds", default=None)


class Bounds:
    """The bounds of one request."""

    def __init__(self, seconds: float, silence: float, stop: Stop | None, large: threading.Lock) -> None:
        """Begin now.

        Args:
            seconds: for all of the request, from the connection to the last byte of the body.
            silence: seconds without a byte.
            stop: breaks the request off when it is time to stop; None goes on.
            large: held by the one request that reads a large body.
        """
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._silence = silence
        self._stop = stop
        self._stop_seen = 0.0
        self._large = large
        self._holds_large = False

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Bound whatever this thread reads from Anypoint in this context."""
        before = _bounds.set(self)
        try:
            yield
        finally:
            _bounds.reset(before)

    def check(self) -> None:
        """Look at the clock and at `Stop`. What is nearly here when it is time to stop is still taken.

        Raises:
            BadResponse: the time is over.
            Interrupted: it is time to stop.
        """
        now = time.monotonic()
        if now >= self._until:
            raise TooSlow(f"its response took longer than {self._seconds:.0f} s")
        if self._stop is not None and self._stop.asked:
            self._stop_seen = self._stop_seen or now
            if now - self._stop_seen >= LAST_RESPONSE:
                self._stop.check()

    def read_into(self, connection: socket.socket, buffer: memoryview) -> int:
        """Receive some bytes; return how many, 0 at the end.

        Raises:
            TimeoutError: silence for too long.
            BadResponse, Interrupted: as `check`.
        """
        silent_until = time.monotonic() + self._silence
        while True:
            self.check()
            connection.settimeout(max(0.001, min(LOOK, self._until - time.monotonic())))
            try:
                return connection.recv_into(buffer)
            except TimeoutError:
                if time.monotonic() >= silent_until:
                    raise

    def allow(self, size: int) -> None:
        """Wait until a body of `size` bytes may be read on. The wait does not count as the server's time.

        Raises:
            Interrupted: it is time to stop.
        """
        if size <= LARGE or self._holds_large:
            return
        began = time.monotonic()
        while not self._large.acquire(timeout=LOOK):
            if self._stop is not None:
                self._stop.check()
        self._holds_large = True
        self._until += time.monotonic() - began

    def release(self) -> None:
        """Let another request read a large body."""
        if self._holds_large:
            self._holds_large = False
            self._large.release()


class _BoundedSocket(io.RawIOBase):
    """The reading end of a connection, within the bounds of the request that is under way."""

    def __init__(self, connection: socket.socket, held: io.RawIOBase, bounds: Bounds) -> None:
        super().__init__()
        self._connection = connection
        self._held = held  # the connection stays open until this is closed
        self._bounds = bounds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._bounds.read_into(self._connection, buffer)

    def close(self) -> None:
        self._held.close()
        super().close()


class _BoundedResponse(HTTPResponse):
    """A response, also of a proxy, whose every byte is read within bounds."""

    def __init__(self, sock: socket.socket, *args: object, **options: object) -> None:
        super().__init__(sock, *args, **options)  # type: ignore[arg-type]
        bounds = _bounds.get()
        if bounds is not None:
            held = sock.makefile("rb", buffering=0)
            self.fp.close()
            self.fp = io.BufferedReader(_BoundedSocket(sock, held, bounds))


class BoundedConnection(HTTPConnection):
    """A plain connection that keeps to the bounds."""

    response_class = _BoundedResponse


class BoundedTlsConnection(HTTPSConnection):
    """A connection with TLS that keeps to the bounds."""

    response_class = _BoundedResponse
