"""Sets of stretches of time, as sorted lists of disjoint [start, end) pairs of Unix milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Interval = tuple[int, int]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the intervals merged: sorted, disjoint, none touching another, none empty."""
    merged: list[Interval] = []
    for start, end in sorted((s, e) for s, e in intervals if s < e):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def minus(intervals: Iterable[Interval], taken: Iterable[Interval]) -> list[Interval]:
    """Return what is in `intervals` and not in `taken`."""
    left = union(intervals)
    for start, end in union(taken):
        cut: list[Interval] = []
        for a, b in left:
            cut += [(a, min(b, start)), (max(a, end), b)]
        left = [(a, b) for a, b in cut if a < b]
    return left


def common(intervals: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """Return what is in both."""
    intervals = union(intervals)
    return minus(intervals, minus(intervals, others))
