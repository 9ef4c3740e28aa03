"""What parts hold in order of time, some hundred at once: that costs a part of what each by itself does."""

from __future__ import annotations

from bisect import bisect_left
from heapq import heappop, heappush
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from mulesoft_audit.ledger.manifest import Damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from mulesoft_audit.reading.pieces import Piece

T = TypeVar("T")

Line = tuple[int, str, bytes]  #: Unix ms, organization, bytes of an entry
FOREVER = 253_402_214_400_000  #: 9999-12-31 in Unix milliseconds


class Content(Protocol[T]):
    """What a part holds: its lines, or what is made of them."""

    def chunks(self, since: int, until: int) -> Iterator[tuple[list[int], list[T]]]:
        """Yield what it has from `since` up to but not including `until` (Unix ms): times (Unix ms), and what.

        All is in order of time, and what is of one millisecond is in one chunk.
        """
        ...


class _Open(Generic[T]):
    """A piece that is being read: a chunk of it, from `place` on."""

    __slots__ = ("_chunks", "_items", "key", "place", "times")

    def __init__(self, piece: Piece, content: Content[T], stretch: tuple[int, int], number: int) -> None:
        self.key = piece.organization, number
        self._chunks = content.chunks(*stretch)
        self._next_chunk()

    def _next_chunk(self) -> None:
        self.place = 0
        self.times: list[int] = []
        self._items: list[T] = []
        for times, items in self._chunks:
            if times:
                self.times, self._items = times, items
                return

    @property
    def next(self) -> int:
        """The time of the next item; `FOREVER` if there is none."""
        return self.times[self.place] if self.times else FOREVER

    @property
    def reach(self) -> int:
        """The time up to which, without it, what is next is in memory."""
        return self.times[-1] + 1

    def take(self, until: int) -> list[tuple[int, str, T]]:
        """Return the items before a time, at most `reach`, each with its time and organization."""
        start, self.place = self.place, bisect_left(self.times, until, self.place)
        chosen = slice(start, self.place)
        found = list(zip(self.times[chosen], repeat(self.key[0]), self._items[chosen], strict=False))
        if self.place == len(self.times):
            self._next_chunk()
        return found


def in_blocks(
    begun: Iterator[tuple[Piece, Future[Content[T] | Damaged]]],
    stretch: tuple[int, int],
    tell: Callable[[Damaged], None],
) -> Iterator[list[tuple[int, str, T]]]:
    """Yield what pieces hold that come in order of their first entry, in order of time, many at once.

    One that is still being read is waited for when its time comes.
    """
    waiting: list[tuple[int, int, _Open[T]]] = []
    coming = next(begun, None)
    number = 0
    while coming or waiting:
        while coming and (not waiting or coming[0].first <= waiting[0][0]):
            piece, content = coming[0], coming[1].result()
            if isinstance(content, Damaged):
                tell(content)
            else:
                number += 1
                _wait(waiting, _Open(piece, content, stretch, number))
            coming = next(begun, None)
        until, taken = coming[0].first if coming else FOREVER, []
        while waiting and waiting[0][0] < until:
            taken.append(heappop(waiting)[2])
            until = min(until, taken[-1].reach)
        taken.sort(key=attrgetter("key"))  # the order of entries of one time
        block = [item for one in taken for item in one.take(until)]
        if len(taken) > 1:
            block.sort(key=itemgetter(0))
        yield block
        for one in taken:
            _wait(waiting, one)


def _wait(waiting: list[tuple[int, int, _Open[T]]], one: _Open[T]) -> None:
    if (time := one.next) < FOREVER:
        heappush(waiting, (time, one.key[1], one))
