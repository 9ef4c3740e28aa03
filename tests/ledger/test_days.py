"""Days are counted without being read, and what lies below a cap is found from that."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mulesoft_audit.archive.layout import day_start
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.collect.search import below_cap, under_cap
from mulesoft_audit.ledger.days import Days, split_by_day
from mulesoft_audit.ledger.head import Counted

DAY = 86_400_000
FIRST = day_start(date(2026, 10, 1))


def days(*sources: int) -> Days:
    counted = {date(2026, 10, 1 + n).isoformat(): Counted(1, 1, one, one) for n, one in enumerate(sources) if one}
    return Days(LocalStore(Path("nowhere")), "org", counted)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param(0, None, 60, id="everything"),
        pytest.param(FIRST + DAY, None, 50, id="from a day on"),
        pytest.param(FIRST, FIRST + DAY, 10, id="one day"),
        pytest.param(FIRST + 9 * DAY, None, 0, id="nothing"),
    ],
)
def test_what_the_source_had_is_counted(start: int, end: int | None, expected: int) -> None:
    assert days(10, 20, 30).source(start, end) == days(10, 20, 30).held(start, end) == expected


def test_up_to_a_midnight_or_a_day_without_a_manifest_nothing_is_read() -> None:
    assert days(10, 20).source_up_to(FIRST, FIRST + DAY) == 10
    assert days(10, 20).source_up_to(FIRST, FIRST + 3 * DAY + 5) == 30


def test_up_to_the_middle_of_a_day_that_differs_nothing_can_be_told() -> None:
    one = days(10, 20)
    one.counted["2026-10-02"] = Counted(1, 1, 20, 21)
    assert one.source_up_to(FIRST, FIRST + DAY + 5) is None


def test_an_archive_that_was_emptied_is_counted_as_empty(tmp_path: Path) -> None:
    one = Days(LocalStore(tmp_path), "org", {"2026-10-01": Counted(1, 1, 5, 5)})
    assert one.refresh() == (True, 0)
    assert one.held() == 0


def test_a_stretch_is_split_by_day() -> None:
    found = list(split_by_day(FIRST + 5, FIRST + DAY + 7))
    assert found == [(date(2026, 10, 1), 5, DAY), (date(2026, 10, 2), 0, 7)]


@pytest.mark.parametrize(
    ("sources", "cap", "expected"),
    [
        pytest.param([400, 400, 400], 10_000, 0, id="all is below"),
        pytest.param([400, 400, 400], 1_001, 1, id="two days and a page"),
        pytest.param([400, 400, 400], 1_000, 2, id="one day"),
        pytest.param([400, 400, 400], 600, None, id="not even the newest"),
        pytest.param([], 1_000, None, id="nothing is held"),
    ],
)
def test_from_when_on_there_is_less_than_a_cap(sources: list[int], cap: int, expected: int | None) -> None:
    found = below_cap(days(*sources), FIRST, cap)
    assert found == (None if expected is None else FIRST + expected * DAY)


def test_stretches_of_less_than_a_cap_are_as_long_as_may_be() -> None:
    found = under_cap(days(4, 5, 20, 3, 3), FIRST, FIRST + 5 * DAY, 10)
    assert [((a - FIRST) // DAY, (b - FIRST) // DAY) for a, b in found] == [(0, 2), (2, 3), (3, 5)]


def test_a_manifest_of_a_day_that_no_calendar_has_is_none(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.create("state/org/2026/13/45.manifest.json", b"{}")
    one = Days(store, "org", {})
    one.refresh()
    assert not one.counted
