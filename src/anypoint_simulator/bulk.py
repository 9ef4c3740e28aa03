"""Millions of entries in one day without holding them: entry `i` is computed when it is asked for.

Its moment, its order and its bytes follow from `i` alone, so that a log of ten million entries costs no memory
and no time to make, and is the same in every process.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from anypoint_simulator.rhythm import HOUR_MS, HOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anypoint_simulator.entry import Facets

SPREAD = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835
MASK = (1 << 128) - 1
TRANSACTION = b"@" * 32
MOMENT = b"9" * 13


class Bulk:
    """A lazily computed, sorted log.

    Args:
        templates: bodies with `MOMENT` and `TRANSACTION` where those go, each with its facets.
        midnight: the day's start in milliseconds.
        count: how many entries.
        first_sequence: the sequence of the first.
    """

    def __init__(
        self, templates: Sequence[tuple[bytes, Facets]], midnight: int, count: int, first_sequence: int
    ) -> None:
        self._formats = [_as_format(body) for body, _ in templates]
        self._facets = [facets for _, facets in templates]
        self._midnight = midnight
        self._count = count
        self._first = first_sequence
        total = sum(HOURS)
        self._hour_starts = [count * done // total for done in itertools.accumulate(HOURS, initial=0)]
        self._indices = range(count)

    def __len__(self) -> int:
        return self._count

    def moment(self, index: int) -> int:
        """Return an entry's timestamp."""
        hour = bisect_right(self._hour_starts, index) - 1
        start, end = self._hour_starts[hour], self._hour_starts[hour + 1]
        return self._midnight + hour * HOUR_MS + (index - start) * HOUR_MS // (end - start)

    def sequence(self, index: int) -> int:
        """Return an entry's place among those of its millisecond."""
        return self._first + index

    def rank(self, timestamp: int, sequence: int) -> int:
        """Return how many entries come before that key."""
        return bisect_left(self._indices, (timestamp, sequence), key=lambda i: (self.moment(i), self._first + i))

    def facets(self, index: int) -> Facets:
        """Return what filters compare; the transaction is not among it."""
        return self._facets[index * 7919 % len(self._facets)]

    def body(self, index: int) -> bytes:
        """Return an entry's bytes."""
        template = self._formats[index * 7919 % len(self._formats)]
        return template % (self.moment(index), (index + 1) * SPREAD & MASK)

    def bodies(self, start: int, stop: int) -> list[bytes]:
        """Return the bytes of neighbours; a page's worth at once costs half of one by one."""
        formats, many = self._formats, len(self._formats)
        return [
            formats[index * 7919 % many] % (moment, (index + 1) * SPREAD & MASK)
            for index, moment in enumerate(self._moments(start, stop), start)
        ]

    def _moments(self, start: int, stop: int) -> list[int]:
        """Return the timestamps of neighbours, an hour's at a time."""
        moments: list[int] = []
        while start < stop:
            hour = bisect_right(self._hour_starts, start) - 1
            first, after = self._hour_starts[hour], self._hour_starts[hour + 1]
            begin, count = self._midnight + hour * HOUR_MS, after - first
            end = min(stop, after)
            moments += [begin + offset * HOUR_MS // count for offset in range(start - first, end - first)]
            start = end
        return moments


def _as_format(body: bytes) -> bytes:
    escaped = body.replace(b"%", b"%%")
    if (
        escaped.count(MOMENT) != 1
        or escaped.count(TRANSACTION) != 1
        or escaped.index(MOMENT) > escaped.index(TRANSACTION)
    ):
        raise ValueError("a template has one moment and then one transaction")
    return escaped.replace(MOMENT, b"%d").replace(TRANSACTION, b"%032x")
