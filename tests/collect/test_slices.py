"""How stretches of time are joined and cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulesoft_audit.anypoint.query import Window
from mulesoft_audit.collect.slices import AT_FIRST, SEVERAL, cut, joined, pieces

DAY = 86_400_000
START = 20_000 * DAY


@given(st.integers(0, 10 * DAY), st.integers(1, 3 * DAY), st.integers(1, 300))
def test_a_cut_stretch_is_the_same_stretch(start: int, length: int, parts: int) -> None:
    window = Window(start, start + length)
    found = cut(window, parts)
    assert (found[0].start, found[-1].end) == window
    assert all(one.end == after.start for one, after in pairwise(found))
    assert all(one.start < one.end for one in found)
    assert len(found) <= parts
    assert all(one.start % 1000 == 0 for one in found[1:])


@pytest.mark.parametrize(
    ("length", "parts", "expected"),
    [
        pytest.param(9_000, 3, [0, 3_000, 6_000, 9_000], id="parts of equal length"),
        pytest.param(10_000, 3, [0, 3_000, 6_000, 10_000], id="at whole seconds"),
        pytest.param(2_500, 5, [0, 1_000, 2_000, 2_500], id="no part twice"),
        pytest.param(999, 8, [0, 999], id="less than a second is not cut"),
        pytest.param(9_000, 1, [0, 9_000], id="one part"),
    ],
)
def test_where_a_stretch_is_cut(length: int, parts: int, expected: list[int]) -> None:
    found = cut(Window(START, START + length), parts)
    assert [one.start - START for one in found] + [found[-1].end - START] == expected


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param(0, 1, id="nothing is one slice"),
        pytest.param(SEVERAL - 1, 1, id="little is one slice"),
        pytest.param(SEVERAL, 1, id="nobody helps for less than is worth taking"),
        pytest.param(6_000, 3, id="some"),
        pytest.param(100_000, AT_FIRST, id="no more than so many readers"),
        pytest.param(1_600_000, 100, id="a long stretch is read slice after slice"),
    ],
)
def test_how_many_slices(entries: int, expected: int) -> None:
    assert pieces(entries) == expected


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param([(5, 9), (1, 3)], [(1, 3), (5, 9)], id="put in order"),
        pytest.param([(1, 3), (3, 5)], [(1, 5)], id="those that touch"),
        pytest.param([(1, 9), (3, 5)], [(1, 9)], id="one inside another"),
        pytest.param([(1, 4), (3, 5), (5, 6)], [(1, 6)], id="those that overlap"),
    ],
)
def test_stretches_joined(windows: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    assert joined([Window(*one) for one in windows]) == [Window(*one) for one in expected]


stretches = st.tuples(st.integers(0, 60), st.integers(1, 9)).map(lambda one: Window(one[0], sum(one)))


@given(st.lists(stretches, max_size=8))
def test_stretches_joined_are_the_same_time_in_order_and_apart(windows: list[Window]) -> None:
    found = joined(windows)
    assert {t for one in found for t in range(*one)} == {t for one in windows for t in range(*one)}
    assert all(one.end < after.start for one, after in pairwise(found))
    assert joined(found) == found
