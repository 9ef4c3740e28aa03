"""Where an archive differs from its source is found by totals, at few requests."""

from __future__ import annotations

import dataclasses
import math
import random
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collect.archive_of import again, archive_of, newest_of, search_in
from tests.collect.audit_log import ORGANIZATION, AuditLog, body, stamp_of

from mulesoft_audit.anypoint.query import PAGE_LIMIT, Window
from mulesoft_audit.archive.layout import day_of
from mulesoft_audit.collect.newest import total_only

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization

DAY, HOUR = 86_400_000, 3_600_000
START = 20_000 * DAY
LENGTH = 64  #: days
BUSY = 20  #: the day of 100 entries an hour; every other one has two
LAST = START + (LENGTH - 1) * DAY  #: 00:00 UTC of the day that the newest page is of
UNTIL = LAST + 20 * HOUR


def stamps() -> list[int]:
    rng = random.Random(5)
    found = [START + hour * HOUR + rng.randrange(HOUR) for hour in range(24 * LENGTH - 24) for _ in range(2)]
    found += [START + BUSY * DAY + hour * HOUR + rng.randrange(HOUR) for hour in range(24) for _ in range(98)]
    return found + [LAST + n * 60_000 for n in range(500)]


HELD = AuditLog().add(stamps()).entries


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that holds `HELD`; no test writes there."""
    folder = tmp_path_factory.mktemp("archive")
    archive_of(folder, HELD)
    return folder


def source(late: Iterable[int] = (), gone: Iterable[int] = ()) -> AuditLog:
    """Return a log like the archive, but for late entries at some times, and entries gone by their place."""
    lost = {HELD[index] for index in gone}
    log = AuditLog([one for one in HELD if one not in lost])
    log.entries += [body(stamp, 100_000 + n) for n, stamp in enumerate(late)]
    return log


def halves(log: AuditLog, folder: Path) -> list[Window]:
    """Search the whole archive by halves, as a run does whose total differs."""
    newest = newest_of(log, START, UNTIL)
    search = search_in(log, again(folder), newest)
    return search.by_halves(START, log.total(ORGANIZATION, Window(START, newest.border + 1)))


def differences(log: AuditLog) -> Counter[int]:
    """Return at which times a log has more entries than the archive, or fewer."""
    found = Counter(stamp_of(one) for one in log.entries)
    found.subtract(Counter(stamp_of(one) for one in HELD))
    return Counter({stamp: n for stamp, n in found.items() if n})


def covers(windows: list[Window], stamp: int) -> bool:
    return any(one.start <= stamp < one.end for one in windows)


def assert_apart(windows: list[Window]) -> None:
    """Check that stretches are in order and do not touch."""
    assert all(one.start < one.end for one in windows)
    assert all(one.end < after.start for one, after in pairwise(windows))


# By halves.


def test_what_is_equal_costs_one_request(folder: Path) -> None:
    log = source()
    assert halves(log, folder) == []
    assert log.queries == 1


times = st.integers(START, LAST - 1) | st.integers(START + BUSY * DAY, START + BUSY * DAY + DAY - 1)
places = st.integers(0, len(HELD) - 501)


@settings(max_examples=20)
@given(st.lists(times, max_size=5), st.sets(places, max_size=5))
def test_what_differs_one_way_lies_within_what_is_found(folder: Path, late: list[int], gone: set[int]) -> None:
    for log in (source(late), source(gone=gone)):
        windows = halves(log, folder)
        assert_apart(windows)
        assert all(covers(windows, stamp) for stamp in differences(log))
        assert bool(windows) == bool(differences(log))


@settings(max_examples=20)
@given(st.lists(times, max_size=5), st.sets(places, max_size=5))
def test_what_is_not_found_balances_and_few_requests_are_sent(folder: Path, late: list[int], gone: set[int]) -> None:
    log = source(late, gone)
    windows = halves(log, folder)
    assert_apart(windows)
    outside = [n for stamp, n in differences(log).items() if not covers(windows, stamp)]
    assert sum(outside) == 0
    levels = 2 * math.ceil(math.log2(LENGTH)) + math.ceil(math.log2(24))
    assert log.queries <= 1 + (len(late) + len(gone)) * levels


@pytest.mark.parametrize(
    ("late", "entries"),
    [
        pytest.param([START], 12 * PAGE_LIMIT, id="the first millisecond"),
        pytest.param([START + 7 * DAY - 1], 12 * PAGE_LIMIT, id="the last millisecond of a day"),
        pytest.param([START + 7 * DAY, START + 8 * DAY], 12 * PAGE_LIMIT, id="two days that touch"),
        pytest.param([START + BUSY * DAY], 2 * PAGE_LIMIT, id="of a full day, the hours"),
        pytest.param([START + BUSY * DAY + DAY - 1], 2 * PAGE_LIMIT, id="of a full day, the last hours"),
        pytest.param([LAST - 1], 12 * PAGE_LIMIT, id="the day before the last"),
        pytest.param([LAST + 5], 12 * PAGE_LIMIT, id="the last day, before what the page shows"),
    ],
)
def test_what_is_found_is_read_faster_than_it_is_searched_on(folder: Path, late: list[int], entries: int) -> None:
    log = source(late)
    windows = halves(log, folder)
    assert len(windows) == 1
    assert all(covers(windows, stamp) for stamp in late)
    assert log.truth(*windows[0]).total() <= entries


def test_what_is_found_up_to_what_the_page_shows_is_read_to_the_end(folder: Path) -> None:
    log = source([LAST + 5])
    assert LAST + 5 < newest_of(log, START, UNTIL).border < UNTIL
    assert halves(log, folder)[-1].end == UNTIL


def test_hours_are_not_told_apart_in_a_day_whose_counts_differ(tmp_path: Path) -> None:
    entries = [one for one in HELD if day_of(stamp_of(one)) == day_of(START + BUSY * DAY)]
    days = archive_of(tmp_path, entries)
    log = AuditLog(entries[1:]).add([START + BUSY * DAY] * 3)
    day = days.get(day_of(START + BUSY * DAY))
    day.settle(0, DAY, len(entries) - 1, [], whole=True)
    days.note(day)
    first = START + BUSY * DAY
    newest = total_only(cast("AuditQuery", log), ORGANIZATION, first, first + DAY, 0)
    search = search_in(log, days, newest)
    assert search.by_halves(first, newest.total) == [Window(first, first + DAY)]
    assert log.queries == 0


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("said", [None, 0], ids=["none", "zero"])
def test_one_total_that_says_nothing_hides_no_difference(folder: Path, said: int | None, number: int) -> None:
    late = START + 33 * DAY + 5
    log = source([late])
    newest = newest_of(log, START, UNTIL)
    total = log.total(ORGANIZATION, Window(START, newest.border + 1))
    search = search_in(log, again(folder), newest)
    log.total_said = lambda right: said if log.queries == number else right
    assert covers(search.by_halves(START, total), late)


def test_where_the_source_says_no_total_everything_is_read(folder: Path) -> None:
    log = source()
    assert search_in(log, again(folder), newest_of(log, START, UNTIL)).by_halves(START, None) == [Window(START, UNTIL)]
    assert log.queries == 0


# Day by day.


@settings(max_examples=15)
@given(st.lists(times, max_size=4), st.sets(places, max_size=4), st.sets(st.integers(0, LENGTH - 2), max_size=9))
def test_day_by_day_each_day_that_differs_is_found_and_no_other(
    folder: Path, late: list[int], gone: set[int], but: set[int]
) -> None:
    log = source(late, gone)
    search = search_in(log, again(folder), newest_of(log, START, UNTIL))
    windows = search.by_day([day_of(START + day * DAY) for day in but])
    by_day: Counter[int] = Counter()
    for stamp, n in differences(log).items():
        by_day[(stamp - START) // DAY] += n
    differ = {day for day, n in by_day.items() if n}
    found = {day for day in range(LENGTH) if covers(windows, START + day * DAY)}
    assert differ - but <= found
    assert found - differ <= but
    assert log.queries <= LENGTH


def test_days_that_are_in_no_manifest_are_compared_as_well(tmp_path: Path) -> None:
    days = archive_of(tmp_path, [body(START + 2 * DAY), *(body(START + 8 * DAY + n) for n in range(300))])
    log = AuditLog().add([START + 5, START + 5 * DAY, START + 2 * DAY])
    log.entries += [body(START + 8 * DAY + n) for n in range(300)]
    windows = search_in(log, days, newest_of(log, START, START + 9 * DAY)).by_day(())
    assert windows == [Window(START, START + 2 * DAY), Window(START + 3 * DAY, START + 8 * DAY)]


def test_an_empty_archive_is_not_compared_by_day(tmp_path: Path) -> None:
    log = source()
    search = search_in(log, again(tmp_path), newest_of(log, START, UNTIL))
    assert search.by_day(()) == []
    assert search.by_suffix() == []
    assert log.queries == 0


# From some day on.


def test_from_some_day_on_what_is_equal_costs_one_request(folder: Path) -> None:
    log = source()
    assert search_in(log, again(folder), newest_of(log, START, UNTIL)).by_suffix() == []
    assert log.queries == 1


def test_what_balances_is_found_on_the_day_whose_border_lies_between(folder: Path) -> None:
    late, place = START + 10 * DAY + 5, HELD.index(next(one for one in HELD if stamp_of(one) > START + 40 * DAY))
    found = []
    for later in range(LENGTH):
        log = source([late], [place])
        newest = newest_of(log, START, UNTIL + later * DAY)
        windows = search_in(log, again(folder), newest).by_suffix()
        if windows:
            assert all(covers(windows, stamp) for stamp in differences(log))
            found.append(later)
    assert LENGTH // 4 < len(found) < LENGTH


class Asked(AuditLog):
    """A log that remembers from when on it was asked for totals."""

    starts: tuple[int, ...] = ()

    def total(self, organization: Organization, window: Window) -> int | None:
        self.starts += (window.start,)
        return super().total(organization, window)


@pytest.mark.parametrize("moves", [0, 1], ids=["nothing is dropped", "each day the oldest one is dropped"])
@pytest.mark.parametrize("length", [2, 3, 8, 9])
def test_each_border_has_its_turn(tmp_path: Path, length: int, moves: int) -> None:
    held = [body(START + day * DAY) for day in range(3 * length)]
    log, days = Asked(held), archive_of(tmp_path, held)
    counted = dict(days.counted)
    for later in range(length):
        floor = START + (1 + later) * DAY * moves
        end = floor + length * DAY if moves else START + 3 * length * DAY
        now = START + (3 * length + later) * DAY
        days.counted = {day: one for day, one in counted.items() if day < day_of(end).isoformat()}
        newest = dataclasses.replace(newest_of(log, floor, end), until=now, border=end - 1, newer=0)
        assert search_in(log, days, newest).by_suffix() == []
        assert log.queries == 1
    assert len(set(log.starts)) == length
    assert not moves or START + length * DAY in log.starts, "each border there was on all of these days"
