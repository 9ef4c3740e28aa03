"""Intervals obey the laws of sets."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mulesoft_audit.ledger.intervals import Interval, common, minus, union

intervals = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


def points(items: list[Interval]) -> set[int]:
    return {point for start, end in items for point in range(start, end)}


@given(intervals)
def test_a_union_is_sorted_disjoint_and_covers_the_same(items: list[Interval]) -> None:
    merged = union(items)
    assert points(merged) == points(items)
    assert all(a[1] < b[0] for a, b in pairwise(merged))


@given(intervals, intervals)
def test_minus_and_common_are_those_of_sets(a: list[Interval], b: list[Interval]) -> None:
    assert points(minus(a, b)) == points(a) - points(b)
    assert points(common(a, b)) == points(a) & points(b)
