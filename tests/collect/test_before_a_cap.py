"""Where totals stop at some number: what is compared all the same, and what totals are asked for to find out."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collect.archive_of import again, archive_of, newest_of, search_in
from tests.collect.audit_log import ORGANIZATION, AuditLog, body

from mulesoft_audit.anypoint.query import Window
from mulesoft_audit.collect.search import below_cap, in_the_middle, sure_total, under_cap

if TYPE_CHECKING:
    from pathlib import Path

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.ledger.days import Days

DAY, HOUR = 86_400_000, 3_600_000
START = 20_000 * DAY


def day_of_entries(*counts: int) -> list[bytes]:
    """Return entries of some days in a row, so many each."""
    return [body(START + day * DAY + n, n) for day, count in enumerate(counts) for n in range(count)]


@pytest.mark.parametrize(
    ("counts", "cap", "expected"),
    [
        pytest.param([], 1_000, None, id="an empty archive"),
        pytest.param([5, 5, 5], 1_000, START, id="all of it"),
        pytest.param([700, 5, 90], 700, START + DAY, id="what is newer than too many"),
        pytest.param([5, 600, 199], 1_000, START + DAY, id="with room for a page"),
        pytest.param([5, 600, 200], 1_000, START + 2 * DAY, id="and no less"),
        pytest.param([5, 5, 800], 1_000, None, id="nothing, where the newest day has as many"),
        pytest.param([5, 0, 0, 900, 0, 5], 1_000, START + 5 * DAY, id="from a day that has any"),
    ],
)
def test_from_when_on_a_cap_cannot_bite(tmp_path: Path, counts: list[int], cap: int, expected: int | None) -> None:
    assert below_cap(archive_of(tmp_path, day_of_entries(*counts)), START, cap) == expected


counts_of_days = st.lists(st.sampled_from([0, 0, 1, 5, 40, 60]), min_size=1, max_size=8)


@settings(max_examples=25)
@given(counts_of_days)
def test_stretches_before_a_cap_are_all_the_time_there_is(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int]
) -> None:
    days = archive_of(tmp_path_factory.mktemp("archive"), day_of_entries(*counts))
    end = START + len(counts) * DAY
    found = under_cap(days, START, end, 60)
    assert (found[0].start, found[-1].end) == (START, end)
    assert all(one.end == after.start for one, after in pairwise(found))
    held = [counts[(one.start - START) // DAY : (one.end - START) // DAY] for one in found]
    assert all(sum(of) < 60 or sum(map(bool, of)) == 1 for of in held)
    assert all(sum(of) + after[0] >= 60 for of, after in pairwise(held)), "each is as long as may be"


def before_cap(log: AuditLog, days: Days, until: int, most: int = 3) -> tuple[list[Window], list[Window]]:
    """Compare what is older than the last day of 30 before a cap of 100."""
    newest = newest_of(log, START + 30 * DAY, until)
    return search_in(log, days, newest).before_cap(START, 100, most)


def test_before_a_cap_a_few_stretches_are_compared_and_those_that_differ_are_found(tmp_path: Path) -> None:
    held = day_of_entries(*[30] * 31)
    log, days = AuditLog(held[5:]), archive_of(tmp_path, held)
    different, looked = before_cap(log, days, START + 31 * DAY, 99)
    assert different == [Window(START, START + 3 * DAY)]
    assert looked == [Window(START + day * DAY, START + (day + 3) * DAY) for day in range(0, 30, 3)]
    assert len(before_cap(log, days, START + 31 * DAY)[1]) == log.queries == 3


def test_before_a_cap_a_late_entry_of_a_day_without_any_is_found(tmp_path: Path) -> None:
    held = day_of_entries(99, 0, 99, 0, *[30] * 27)
    log, days = AuditLog([*held, body(START + DAY)]), archive_of(tmp_path, held)
    different, looked = before_cap(log, days, START + 31 * DAY, 99)
    assert different == [looked[0]] == [Window(START, START + 2 * DAY)]


@pytest.mark.parametrize("every", [DAY, 6 * HOUR, HOUR, HOUR // 6])
@pytest.mark.parametrize("most", [1, 3])
def test_before_a_cap_each_stretch_is_compared_sometimes_whenever_runs_are(
    tmp_path: Path, every: int, most: int
) -> None:
    held = day_of_entries(*[99] * 12, *[0] * 18, 5)
    log, days = AuditLog(held), archive_of(tmp_path, held)
    looked = [before_cap(log, days, START + 31 * DAY + run * every, most)[1] for run in range(100)]
    assert {len(one) for one in looked} == {most}
    assert {window.start for one in looked for window in one} == {START + day * DAY for day in range(12)}


def test_what_has_as_many_entries_as_a_cap_is_not_said_to_be_compared(tmp_path: Path) -> None:
    held = day_of_entries(100, 99, *[0] * 28, 5)
    log, days = AuditLog(held), archive_of(tmp_path, held)
    log.total_said = lambda right: min(right, 100)
    different, looked = before_cap(log, days, START + 31 * DAY)
    assert different == []
    assert looked == [Window(START + DAY, START + 30 * DAY)]


# A moment in the middle, and a total that is sure.


@pytest.mark.parametrize(
    "stamps",
    [
        pytest.param([START, START + DAY], id="two days"),
        pytest.param([START + 5, START + 9 * DAY], id="two days far apart"),
        pytest.param([START + 8 * DAY, START + 9 * DAY], id="two late days"),
        pytest.param([START + 3 * HOUR, START + 4 * HOUR], id="two hours of a day"),
        pytest.param([START + DAY + n * HOUR for n in range(24)], id="each hour of a day"),
        pytest.param([START + DAY, START + DAY + HOUR - 1], id="two ends of an hour"),
    ],
)
def test_before_and_after_a_moment_in_the_middle_are_entries(tmp_path: Path, stamps: list[int]) -> None:
    days = archive_of(tmp_path, [body(stamp) for stamp in stamps])
    moment = in_the_middle(days, START, START + 10 * DAY)
    assert min(stamps) < moment <= max(stamps)


def test_where_there_are_no_entries_the_middle_is_that_of_the_time(tmp_path: Path) -> None:
    assert in_the_middle(again(tmp_path), START, START + 10 * DAY) == START + 5 * DAY


@pytest.mark.parametrize(
    ("said", "expected", "queries"),
    [
        pytest.param([5, 5], 5, 2, id="the same twice"),
        pytest.param([4, 5, 5], 5, 3, id="one that lagged"),
        pytest.param([4, 5, 4, 5], 5, 4, id="another each time: the last one"),
        pytest.param([None, None], None, 2, id="none"),
        pytest.param([None, 5, 5], 5, 3, id="none at first"),
    ],
)
def test_a_total_is_sure_that_comes_twice(said: list[int | None], expected: int | None, queries: int) -> None:
    log = AuditLog()
    totals = iter(said)
    log.total_said = lambda right: next(totals)
    assert sure_total(cast("AuditQuery", log), ORGANIZATION, Window(START, START + DAY)) == expected
    assert log.queries == queries
