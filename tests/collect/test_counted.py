"""What was counted in a run and never brought."""

from __future__ import annotations

import pytest

from mulesoft_audit.collect.counted import CountedTotals

FLOOR = 1_000


@pytest.mark.parametrize(
    ("rounds", "owed"),
    [  # each: total, expected before, expected, arrived
        pytest.param([(10, 10, 10, 0)], 0, id="even at once"),
        pytest.param([(10, 7, 7, 0)], 3, id="counted and not brought yet"),
        pytest.param([(10, 7, 7, 0), (10, 10, 10, 0)], 0, id="brought by a reading"),
        pytest.param([(10, 7, 7, 0), (9, 9, 9, 0)], 1, id="one of them was never brought"),
        pytest.param([(10, 7, 7, 0), (10, 10, 10, 1)], 1, id="another arrived in its place"),
        pytest.param([(10, 7, 7, 0), (7, 7, 7, 0)], 3, id="counted no more"),
        pytest.param([(None, 7, 7, 0)], 0, id="a source that does not say"),
    ],
)
def test_what_is_owed(rounds: list[tuple[int | None, int, int, int]], owed: int) -> None:
    totals = CountedTotals()
    for total, before, expected, arrived in rounds:
        totals.note(FLOOR, total, before=before, expected=expected, arrived=arrived)
    assert totals.owed(FLOOR) == owed


def test_what_is_owed_is_told_apart_by_the_time_from_which_on_it_was_counted() -> None:
    totals = CountedTotals()
    totals.note(FLOOR, 10, before=7, expected=7, arrived=0)
    totals.note(FLOOR + 1, 6, before=6, expected=6, arrived=0)
    assert (totals.owed(FLOOR), totals.owed(FLOOR + 1)) == (3, 0)


def test_a_total_is_repeated_if_what_is_expected_is_the_same_too() -> None:
    totals = CountedTotals()
    told = []
    for total, expected in ((10, 7), (10, 7), (10, 8), (10, 8), (11, 8)):
        totals.note(FLOOR, total, before=expected, expected=expected, arrived=0)
        told.append(totals.repeated)
    assert told == [False, True, False, True, False]
