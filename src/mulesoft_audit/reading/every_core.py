"""Making something of the entries of an archive on every core.

A process takes a whole part and gives back what it made of it, which is smaller; here it is put in order of time. In
an archive of few entries, and on one core, all of it is made in this process, a chunk of a part at a time.
"""

from __future__ import annotations

import marshal
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from isal import isal_zlib

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.processes import Processes
from mulesoft_audit.reading.pieces import Loaded, Piece, load
from mulesoft_audit.reading.stream import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.reading.blocks import Content
    from mulesoft_audit.reading.stream import Problem

T = TypeVar("T")

FEW = 4 << 20  #: bytes of parts, some ten thousand entries, below which starting processes takes longer
#: Bytes made of a chunk above which they are packed: of short entries that are much alike, more is made than was read.
LARGE = 1 << 16


class Made(NamedTuple, Generic[T]):
    """What is made of a chunk of a part. All of it is what `marshal` knows.

    Attributes:
        times: Unix ms, in order of time.
        items: one of each time.
        counts: what was counted in the chunk.
    """

    times: list[int]
    items: list[T]
    counts: tuple[int, ...] = ()


class Make(Protocol[T]):
    """Makes something of a chunk of an organization's lines, whose times are Unix ms."""

    def __call__(self, organization: str, times: list[int], lines: list[bytes]) -> Made[T]:
        """Return what is made of it."""
        ...


def made_of(
    store: Store,
    maker: Callable[[], Make[T]],
    stretch: tuple[int, int],
    organizations: Collection[str] | None = None,
    *,
    problem: Problem | None = None,
    count: Callable[[tuple[int, ...]], None] = lambda _: None,
    cores: int = 0,
) -> Iterator[list[tuple[int, str, T]]]:
    """Yield what is made of the entries between two times, in order of time, many at once.

    Args:
        store: the archive.
        maker: returns what makes it, in each process; it is pickled.
        stretch: from the first time up to but not including the second, Unix ms.
        organizations: their ids; None for all.
        problem: as `stream.entries`.
        count: is given the counts of each chunk.
        cores: processes; 0 for as many as there are cores.

    Raises:
        Damaged: a manifest or part is lost or damaged.
        ArchiveError: the archive cannot be read.
    """
    local = store.root if isinstance(store, LocalStore) else None
    processes: Processes[list[bytes]] = Processes(partial(_OfPart, maker, local), FEW, cores)
    make = maker()

    def read(piece: Piece) -> Content[T]:
        if processes.worthwhile(piece.size):
            return _There(processes(piece if local else load(store, piece), stretch), count)
        return _Here(load(store, piece), make, count)

    try:
        yield from in_order(store, read, stretch, organizations, problem)
    finally:
        processes.close()


class _OfPart:
    """What each process does with a part."""

    def __init__(self, maker: Callable[[], Make[Any]], root: Path | None) -> None:
        """Make ready; of an archive in a folder it reads the parts itself."""
        self._make = maker()
        self._store = LocalStore(root) if root else None

    def __call__(self, part: Piece | Loaded, stretch: tuple[int, int]) -> list[bytes]:
        """Return what is made of each chunk, as `_packed` gives it."""
        loaded = load(self._store, part) if self._store and isinstance(part, Piece) else part
        assert isinstance(loaded, Loaded)  # noqa: S101 - only where there is a folder, a piece is given
        organization = loaded.piece.organization
        return [_packed(self._make(organization, *chunk)) for chunk in loaded.chunks(*stretch)]


def _packed(made: Made[Any]) -> bytes:
    """Return what was made as bytes; compressed if it is much."""
    data = marshal.dumps(tuple(made))
    return b"z" + isal_zlib.compress(data, 1) if len(data) > LARGE else b"m" + data


def _unpacked(data: bytes) -> Made[Any]:
    plain = isal_zlib.decompress(memoryview(data)[1:]) if data[:1] == b"z" else memoryview(data)[1:]
    return Made(*marshal.loads(plain))  # noqa: S302 - a process of our own wrote it


@dataclass(frozen=True, slots=True)
class _There(Generic[T]):
    """A part of which a process made it."""

    made: list[bytes]
    count: Callable[[tuple[int, ...]], None]

    def chunks(self, _since: int, _until: int) -> Iterator[tuple[list[int], list[T]]]:
        for data in self.made:
            made = _unpacked(data)
            self.count(made.counts)
            yield made.times, made.items


@dataclass(frozen=True, slots=True)
class _Here(Generic[T]):
    """A part of which it is made as it is asked for."""

    loaded: Loaded
    make: Make[T]
    count: Callable[[tuple[int, ...]], None]

    def chunks(self, since: int, until: int) -> Iterator[tuple[list[int], list[T]]]:
        for times, lines in self.loaded.chunks(since, until):
            made = self.make(self.loaded.piece.organization, times, lines)
            self.count(made.counts)
            yield made.times, made.items
