"""What parts hold in order of time, some hundred at once: that costs a part of what each by itself does."""

from __future__ import annotations

from bisect import bisect_left
from heapq import heappop, heappush
from itertools import islice, repeat
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from mulesoft_audit.ledger.manifest import Damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mulesoft_audit.reading.pieces import Piece

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Line = tuple[int, str, bytes]  #: Unix ms, organization, bytes of an entry
FOREVER = 253_402_214_400_000  #: 9999-12-31 in Unix milliseconds
AT_ONCE_BYTES = 1 << 18  #: of lines of a part, about


class Content(Protocol[T_co]):
    """What a part holds: its lines, or what is made of them."""

    def between(self, since: int, until: int) -> tuple[Sequence[int], Iterator[T_co]]:
        """Return what it has from `since` up to but not including `until` (Unix ms): times (Unix ms), and what.

        Both are in order of time.
        """
        ...


class _Open(Generic[T]):
    """A piece that is being read: what is left of it, and its times (Unix ms), in order of time."""

    __slots__ = ("at_once", "items", "key", "place", "times")

    def __init__(self, piece: Piece, content: Content[T], stretch: tuple[int, int], number: int) -> None:
        self.key = piece.organization, number
        self.times, self.items = content.between(*stretch)
        self.place = 0
        self.at_once = max(1, AT_ONCE_BYTES // max(1, piece.average))

    def next(self) -> int:
        """Return the time of the next item; `FOREVER` if there is none."""
        return self.times[self.place] if self.place < len(self.times) else FOREVER

    def reach(self, share: int) -> int:
        """Return the time up to which about a `share`-th of what is held at once can be taken."""
        last = self.place + max(1, self.at_once // share)
        return self.times[last - 1] + 1 if last < len(self.times) else FOREVER

    def take(self, until: int) -> Iterator[tuple[int, str, T]]:
        """Return the items before a time, each with its time and organization."""
        start, self.place = self.place, bisect_left(self.times, until, self.place)
        times = self.times[start : self.place]
        return zip(times, repeat(self.key[0]), islice(self.items, len(times)), strict=False)


def in_blocks(
    loaded: Iterator[tuple[Piece, Content[T] | Damaged]], stretch: tuple[int, int], tell: Callable[[Damaged], None]
) -> Iterator[list[tuple[int, str, T]]]:
    """Yield what pieces hold that come in order of their first entry, in order of time, many at once."""
    waiting: list[tuple[int, int, _Open[T]]] = []
    coming = next(loaded, None)
    number = 0
    while coming or waiting:
        while coming and (not waiting or coming[0].first <= waiting[0][0]):
            piece, content = coming
            if isinstance(content, Damaged):
                tell(content)
            else:
                number += 1
                _wait(waiting, _Open(piece, content, stretch, number))
            coming = next(loaded, None)
        until, taken = coming[0].first if coming else FOREVER, []
        while waiting and waiting[0][0] < until:
            taken.append(heappop(waiting)[2])
            until = min(until, taken[-1].reach(len(taken)))
        taken.sort(key=attrgetter("key"))  # the order of entries of one time
        block = [item for one in taken for item in one.take(until)]
        if len(taken) > 1:
            block.sort(key=itemgetter(0))
        yield block
        for one in taken:
            _wait(waiting, one)


def _wait(waiting: list[tuple[int, int, _Open[T]]], one: _Open[T]) -> None:
    if (time := one.next()) < FOREVER:
        heappush(waiting, (time, one.key[1], one))
