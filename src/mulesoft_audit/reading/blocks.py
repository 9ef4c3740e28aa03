"""Lines of several parts in order of time, some hundred at once: that costs a part of what each by itself does."""

from __future__ import annotations

from bisect import bisect_left
from heapq import heappop, heappush
from itertools import islice, repeat
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from mulesoft_audit.ledger.manifest import Damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mulesoft_audit.reading.pieces import Loaded, Piece

Line = tuple[int, str, bytes]  #: Unix ms, organization, bytes of an entry
FOREVER = 253_402_214_400_000  #: 9999-12-31 in Unix milliseconds
AT_ONCE_BYTES = 1 << 18  #: of lines of a part, about


class _Open:
    """A piece that is being read: its lines and their times (Unix ms), in order of time, as far as they are left."""

    __slots__ = ("at_once", "key", "lines", "place", "times")

    def __init__(self, found: Loaded, stretch: tuple[int, int], number: int) -> None:
        self.key = found.piece.organization, number
        self.times, self.lines = found.between(*stretch)
        self.place = 0
        self.at_once = max(1, AT_ONCE_BYTES // max(1, found.average))

    def next(self) -> int:
        """Return the time of the next line; `FOREVER` if there is none."""
        return self.times[self.place] if self.place < len(self.times) else FOREVER

    def reach(self, share: int) -> int:
        """Return the time up to which about a `share`-th of what is held at once can be taken."""
        last = self.place + max(1, self.at_once // share)
        return self.times[last - 1] + 1 if last < len(self.times) else FOREVER

    def take(self, until: int) -> Iterator[Line]:
        """Return the lines before a time."""
        start, self.place = self.place, bisect_left(self.times, until, self.place)
        times = self.times[start : self.place]
        return zip(times, repeat(self.key[0]), islice(self.lines, len(times)), strict=False)


def in_blocks(
    loaded: Iterator[tuple[Piece, Loaded | Damaged]], stretch: tuple[int, int], tell: Callable[[Damaged], None]
) -> Iterator[list[Line]]:
    """Yield the lines of pieces that come in order of their first entry, in order of time, many at once."""
    waiting: list[tuple[int, int, _Open]] = []
    coming = next(loaded, None)
    number = 0
    while coming or waiting:
        while coming and (not waiting or coming[0].first <= waiting[0][0]):
            if isinstance(coming[1], Damaged):
                tell(coming[1])
            else:
                number += 1
                _wait(waiting, _Open(coming[1], stretch, number))
            coming = next(loaded, None)
        until, taken = coming[0].first if coming else FOREVER, []
        while waiting and waiting[0][0] < until:
            taken.append(heappop(waiting)[2])
            until = min(until, taken[-1].reach(len(taken)))
        taken.sort(key=attrgetter("key"))  # the order of entries of one time
        block = [line for one in taken for line in one.take(until)]
        if len(taken) > 1:
            block.sort(key=itemgetter(0))
        yield block
        for one in taken:
            _wait(waiting, one)


def _wait(waiting: list[tuple[int, int, _Open]], one: _Open) -> None:
    if (time := one.next()) < FOREVER:
        heappush(waiting, (time, one.key[1], one))
