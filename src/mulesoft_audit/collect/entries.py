"""Entries with their times and keys, as a page gives them."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from mulesoft_audit.anypoint.entry import recognize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msgspec import Raw

    from mulesoft_audit.anypoint.entry import Page


class Entries(NamedTuple):
    """Entries with their times (Unix ms) and keys (identity, checksum), three lists of one length."""

    lines: list[Raw | bytes]
    times: list[int]
    keys: list[tuple[bytes, int]]

    def between(self, start: int, end: int) -> Entries:
        """Return those whose time is from `start` up to but not including `end`."""
        lines, times, keys = self
        if in_order(times):
            chosen = slice(bisect_left(times, start), bisect_left(times, end))
            return Entries(lines[chosen], times[chosen], keys[chosen])
        return self.chosen([index for index, time in enumerate(self.times) if start <= time < end])

    def chosen(self, indices: list[int]) -> Entries:
        """Return those with these indices, in that order."""
        lines, times, keys = self
        return Entries([lines[i] for i in indices], [times[i] for i in indices], [keys[i] for i in indices])


NOTHING = Entries([], [], [])


def joined(parts: Sequence[Entries]) -> Entries:
    """Return the entries of all parts."""
    if len(parts) == 1:
        return parts[0]
    return Entries(
        [line for part in parts for line in part.lines],
        [time for part in parts for time in part.times],
        [key for part in parts for key in part.keys],
    )


def placed(page: Page, otherwise: int) -> Entries:
    """Return a page's entries with times; one that names no time is taken to be as old as the one before it."""
    lines, stamps, keys = recognize(page.entries)
    times: list[int] = []
    for stamp in stamps:
        if stamp is not None:
            otherwise = stamp
        times.append(otherwise)
    return Entries(lines, times, keys)


def in_order(times: list[int]) -> bool:
    """Return whether times never go back."""
    return times == sorted(times)
