"""How stretches of time are joined, and cut into slices for several readers."""

from __future__ import annotations

from itertools import pairwise

from mulesoft_audit.anypoint.query import PAGE_LIMIT, Window
from mulesoft_audit.collect.fetch import SECOND

SEVERAL = 2_000  #: entries from which on several readers share a stretch
AT_FIRST = 8  #: readers of one stretch at first
SLICE = 16_000  #: entries of a slice of a long stretch: it is read before an older one is begun
WORTH_TAKING = 10 * PAGE_LIMIT  #: entries left to a reader from which on an idle one takes the later half


def joined(windows: list[Window]) -> list[Window]:
    """Return stretches of time in order, those that touch or overlap as one."""
    found: list[Window] = []
    for start, end in sorted(windows):
        if found and found[-1].end >= start:
            found[-1] = Window(found[-1].start, max(end, found[-1].end))
        else:
            found.append(Window(start, end))
    return found


def pieces(entries: int) -> int:
    """Return into how many slices a stretch of so many entries is cut at first."""
    if entries < SEVERAL:
        return 1
    return max(min(AT_FIRST, entries // WORTH_TAKING), entries // SLICE)


def cut(window: Window, parts: int) -> list[Window]:
    """Return a stretch of time cut into parts of equal length, at whole seconds; fewer if it is too short."""
    length = window.end - window.start
    bounds = [(window.start + length * i // parts) // SECOND * SECOND for i in range(1, parts)]
    edges = sorted({window.start, *(one for one in bounds if window.start < one < window.end), window.end})
    return [Window(a, b) for a, b in pairwise(edges)]
