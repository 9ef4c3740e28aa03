"""Putting what was seen of a day in order of time, in bounded memory: more than fits waits in a temporary file."""

from __future__ import annotations

import heapq
import tempfile
from typing import IO, TYPE_CHECKING

import msgspec

from mulesoft_audit.detect.finding import Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_MEMORY = 50_000  #: entries, some 25 MB
_BLOCK = 500  #: entries that are read back at once from each sorted run

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Seen]).decode


class Ordered:
    """Takes entries in any order, and gives them in theirs. To be used once, and closed."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._in_memory = in_memory
        self._waiting: list[Seen] = []
        self._file: IO[bytes] | None = None
        self._runs: list[list[tuple[int, int]]] = []  # of each sorted run, where its blocks are and how long

    def add(self, seen: Seen) -> None:
        """Take an entry."""
        self._waiting.append(seen)
        if len(self._waiting) >= self._in_memory:
            self._put_aside()

    def __iter__(self) -> Iterator[Seen]:
        """Yield all of them, the earliest first."""
        self._waiting.sort()
        if not self._runs:
            return iter(self._waiting)
        return heapq.merge(self._waiting, *map(self._read, self._runs))

    def close(self) -> None:
        """Remove the temporary file."""
        if self._file is not None:
            self._file.close()

    def _put_aside(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._waiting.sort()
        run = []
        for start in range(0, len(self._waiting), _BLOCK):
            block = _encode(self._waiting[start : start + _BLOCK])
            run.append((self._file.tell(), len(block)))
            self._file.write(block)
        self._runs.append(run)
        self._waiting = []

    def _read(self, run: list[tuple[int, int]]) -> Iterator[Seen]:
        assert self._file is not None  # noqa: S101 - there are runs only where there is a file
        for place, size in run:
            self._file.seek(place)
            yield from _decode(self._file.read(size))
