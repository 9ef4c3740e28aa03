"""Every entry of a slice of time is read once, whatever a source allows itself."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collect.audit_log import ORGANIZATION, AuditLog, body, stamp_of

from mulesoft_audit.anypoint.entry import Page
from mulesoft_audit.anypoint.query import BEHIND_ALL, AuditQuery, LogRefused, QueryRefused, Window
from mulesoft_audit.anypoint.response import TooLarge
from mulesoft_audit.collect.entries import placed
from mulesoft_audit.collect.fetch import MOST_GATHERED, Slice
from mulesoft_audit.collect.unordered import NoProgress, by_halves

if TYPE_CHECKING:
    from collections.abc import Callable

START = 20_000 * 86_400_000
SECOND, HOUR = 1_000, 3_600_000


def slices(log: AuditLog, bounds: list[int]) -> list[Slice]:
    query = cast("AuditQuery", log)
    pairs = pairwise(bounds)
    return [Slice(query, ORGANIZATION, start, stop, bounds[-1]) for start, stop in pairs]


def read(log: AuditLog, *bounds: int) -> Counter[bytes]:
    """Read a window in slices; return what came. Each slice gives whole milliseconds, in order, and its own alone."""
    found: Counter[bytes] = Counter()
    for one in slices(log, list(bounds)):
        last = one.start - 1
        for entries in one.read():
            assert entries.times == sorted(entries.times)
            assert last < entries.times[0]
            last = entries.times[-1]
            assert last < one.stop
            found.update(bytes(line) for line in entries.lines)
    return found


def spread(entries: int, length: int = HOUR, seed: int = 1) -> list[int]:
    rng = random.Random(seed)
    return sorted(START + rng.randrange(length) for _ in range(entries))


CASES = [
    pytest.param({}, id="a source that does as it should"),
    pytest.param({"largest": 50}, id="pages are smaller than asked for"),
    pytest.param({"largest": 1}, id="pages of a single entry"),
    pytest.param({"whole_seconds": True}, id="bounds are cut to whole seconds"),
    pytest.param({"ignores_end": True}, id="the end is ignored"),
    pytest.param({"ordered": False}, id="no order"),
    pytest.param({"total_said": lambda right: None}, id="no totals"),
    pytest.param({"total_said": lambda right: 0}, id="totals of zero"),
    pytest.param({"total_said": lambda right: min(right, 300)}, id="totals that stop at a number"),
    pytest.param({"total_said": lambda right: max(0, right - 7)}, id="totals that lag"),
    pytest.param({"total_said": lambda right: right + 7}, id="totals that say too much"),
    pytest.param({"largest": 50, "whole_seconds": True}, id="small pages and whole seconds"),
    pytest.param({"whole_seconds": True, "total_said": lambda right: None}, id="whole seconds and no totals"),
]

LOGS = [
    pytest.param([], id="nothing"),
    pytest.param([START], id="one entry at the very start"),
    pytest.param([START + HOUR - 1], id="one entry at the very end"),
    pytest.param(spread(199), id="less than a page"),
    pytest.param(spread(200), id="a page"),
    pytest.param(spread(201), id="a page and one"),
    pytest.param(spread(500), id="pages"),
]


@pytest.mark.parametrize("stamps", LOGS)
@pytest.mark.parametrize("behaviour", CASES)
def test_each_entry_of_a_window_is_read_once(behaviour: dict[str, Any], stamps: list[int]) -> None:
    log = AuditLog(**behaviour).add([START - 1, *stamps, START + HOUR])
    if not log.ordered and log.total_said(1_000) != 1_000:
        pytest.skip("nothing is known of such a source")
    assert read(log, START, START + HOUR) == log.truth(START, START + HOUR)
    assert log.queries <= 3 * (len(stamps) // log.largest) + 140


FULL = [
    pytest.param([START + 5] * 200, id="a millisecond of a page"),
    pytest.param([START + 5] * 450 + [START + 6], id="a millisecond of pages and another"),
    pytest.param([START + 4] * 150 + [START + 5] * 150 + [START + 6] * 150, id="full milliseconds one by one"),
    pytest.param([START + 2 * SECOND + n // 2 for n in range(700)], id="a full second"),
]


@pytest.mark.parametrize("stamps", FULL)
@pytest.mark.parametrize("behaviour", CASES)
def test_a_full_millisecond_is_read_once(behaviour: dict[str, Any], stamps: list[int]) -> None:
    log = AuditLog(**behaviour).add([START - 1, *stamps, START + HOUR])
    if not log.ordered and log.total_said(1_000) != 1_000:
        pytest.skip("nothing is known of such a source")
    assert read(log, START, START + HOUR) == log.truth(START, START + HOUR)


@pytest.mark.parametrize("behaviour", CASES)
def test_each_entry_of_several_slices_is_read_once(behaviour: dict[str, Any]) -> None:
    log = AuditLog(**behaviour).add(spread(900))
    bounds = [START, START + HOUR // 3 // SECOND * SECOND, START + HOUR // 2 // SECOND * SECOND, START + HOUR]
    assert read(log, *bounds) == log.truth(START, START + HOUR)


logs = st.lists(
    st.tuples(st.integers(0, 60) | st.integers(0, 60_000), st.sampled_from([1, 1, 1, 2, 20, 230])), max_size=25
)


behaviours = st.fixed_dictionaries(
    {"largest": st.sampled_from([200, 60]), "whole_seconds": st.booleans(), "ignores_end": st.booleans()}
)


@settings(deadline=None, max_examples=40)
@given(behaviours, logs, st.sets(st.integers(1, 59), max_size=3), st.lists(st.integers(1, 59_999), max_size=4))
def test_each_entry_is_read_once_though_others_take_parts_of_a_slice(
    behaviour: dict[str, Any], log_: list[tuple[int, int]], seconds: set[int], taken: list[int]
) -> None:
    log = AuditLog(**behaviour).add(START + at for at, times in log_ for _ in range(times))
    end = START + 60_000
    left = slices(log, [START, *sorted(START + one * SECOND for one in seconds), end])
    found: Counter[bytes] = Counter()
    while left:
        one = left.pop()
        for entries in one.read():
            found.update(bytes(line) for line in entries.lines)
            if taken:
                at = START + taken.pop() // SECOND * SECOND
                stop = one.take_from(at)
                if stop is not None:
                    left.append(Slice(cast("AuditQuery", log), ORGANIZATION, at, stop, end))
        assert one.requests <= 2 * (one.settled // max(1, log.fullest)) + 66
    assert found == log.truth(START, end)


def test_a_slice_is_not_left_to_others_before_where_it_stands_nor_behind_its_end() -> None:
    log = AuditLog().add(spread(900))
    (one,) = slices(log, [START, START + HOUR])
    next(one.read())
    assert one.position > START
    assert one.take_from(one.position) is None
    assert one.take_from(START + HOUR) is None
    assert one.take_from(START + HOUR - 1) == START + HOUR
    assert one.stop == START + HOUR - 1


# Entries that come and go while they are read.


def test_entries_that_arrive_while_others_are_read_take_none_of_their_places() -> None:
    log = AuditLog().add(spread(1_500))
    before = log.truth(START, START + HOUR)

    def arrive(number: int) -> None:
        log.entries.append(body(START + number, 10_000 + number))

    log.before = arrive
    found = read(log, START, START + HOUR)
    assert not before - found
    assert not found - log.truth(START, START + HOUR)
    assert max(found.values()) == 1


def test_entries_that_vanish_while_others_are_read_take_none_with_them() -> None:
    log = AuditLog().add(spread(1_500))
    before = log.truth(START, START + HOUR)

    def vanish(number: int) -> None:
        if number > 1:
            del log.entries[0]

    log.before = vanish
    found = read(log, START, START + HOUR)
    assert not log.truth(START, START + HOUR) - found
    assert not found - before
    assert max(found.values()) == 1


@pytest.mark.parametrize("change", ["arrives", "vanishes"])
def test_an_entry_of_a_full_millisecond_that_changes_takes_no_other_with_it(change: str) -> None:
    log = AuditLog().add([START + 5] * 700)
    log.entries.sort()
    kept = Counter(log.entries[1:])

    def at(number: int) -> None:
        if number == 3 and change == "arrives":
            log.entries.insert(0, body(START + 5, 10_000))
        elif number == 3:
            del log.entries[0]

    log.before = at
    found = read(log, START, START + HOUR)
    assert not kept - found
    assert max(found.values()) == 1


def test_a_page_that_a_replica_gives_again_is_asked_for_again() -> None:
    log = AuditLog().add(spread(1_500))
    pages: list[list[bytes]] = []

    def again(page: list[bytes]) -> list[bytes]:
        pages.append(page)
        return pages[-2] if len(pages) == 3 else page

    log.after = again
    found = read(log, START, START + HOUR)
    assert found == log.truth(START, START + HOUR)


def test_one_page_of_a_millisecond_again_and_again_is_a_hole_and_no_more() -> None:
    stuck = [START + 5] * 450
    log = AuditLog().add([START, *stuck, *spread(300)])
    first: list[list[bytes]] = []

    def again(page: list[bytes]) -> list[bytes]:
        if len({stamp_of(one) for one in page}) == 1 and stamp_of(page[0]) == START + 5:
            first.append(page)
            return first[0]
        return page

    log.after = again
    (one,) = slices(log, [START, START + HOUR])
    found: Counter[bytes] = Counter()
    for entries in one.read():
        found.update(bytes(line) for line in entries.lines)
    rest = Counter({line: n for line, n in log.truth(START, START + HOUR).items() if stamp_of(line) != START + 5})
    assert not rest - found
    assert [(hole.first, hole.last) for hole in one.holes] == [(START + 5, START + 5)]


# Entries that cannot be read.

REASONS: list[Callable[[], Exception]] = [
    lambda: TooLarge("it is too large"),
    lambda: LogRefused("refused", "hint"),
    lambda: QueryRefused("refused", "hint"),
]


@pytest.mark.parametrize("reason", REASONS, ids=["too large", "refused like a log", "refused like a query"])
@pytest.mark.parametrize("which", [[0], [450], [899], [10, 300, 700]], ids=str)
def test_what_cannot_be_read_keeps_nothing_else_from_being_read(
    reason: Callable[[], Exception], which: list[int]
) -> None:
    log = AuditLog().add(spread(900))
    lost = [sorted(log.entries)[index] for index in which]
    log.unreadable = {one: reason() for one in lost}
    (one,) = slices(log, [START, START + HOUR])
    found: Counter[bytes] = Counter()
    for entries in one.read():
        found.update(bytes(line) for line in entries.lines)
    assert found == log.truth(START, START + HOUR) - Counter(lost)
    assert len(one.holes) == len(lost)
    for line in lost:
        assert any(hole.first <= stamp_of(line) <= hole.last for hole in one.holes)
    assert one.requests < 5 + 60 * len(lost)


def test_two_entries_in_a_row_that_cannot_be_read_keep_nothing_else_from_being_read() -> None:
    log = AuditLog().add(spread(900))
    lost = sorted(log.entries)[450:452]
    log.unreadable = {one: TooLarge("it is too large") for one in lost}
    (one,) = slices(log, [START, START + HOUR])
    found: Counter[bytes] = Counter()
    for entries in one.read():
        found.update(bytes(line) for line in entries.lines)
    assert found == log.truth(START, START + HOUR) - Counter(lost)
    assert any(hole.first <= stamp_of(lost[0]) <= hole.last for hole in one.holes)


def test_a_log_that_may_not_be_read_is_no_unreadable_entry() -> None:
    log = AuditLog().add(spread(900))

    def refuse(number: int) -> None:
        raise LogRefused("refused", "hint")

    log.before = refuse
    with pytest.raises(LogRefused):
        read(log, START, START + HOUR)
    assert log.queries <= 4


def test_a_source_that_leads_nowhere_is_given_up() -> None:
    log = AuditLog()
    rng = random.Random(1)
    log.add([START + 5])
    log.after = lambda page: [body(START, rng.randrange(1 << 40)) for _ in range(200)]
    log.total_said = lambda right: 1_000_000
    with pytest.raises(NoProgress):
        read(log, START, START + HOUR)
    assert log.queries < 2 * MOST_GATHERED // 200


# Pages.


def test_an_entry_without_a_time_is_as_old_as_the_one_before_it() -> None:
    page = Page([b'{"a":1}', body(START + 5), b'{"a":2}'], None)
    assert placed(page, START).times == [START, START + 5, START + 5]


@settings(deadline=None, max_examples=30)
@given(logs, st.sampled_from([200, 60]), st.booleans())
def test_each_entry_is_read_once_from_a_source_without_order(
    log_: list[tuple[int, int]], largest: int, totals: bool
) -> None:
    log = AuditLog(ordered=False, largest=largest).add(START + at for at, times in log_ for _ in range(times))
    if not totals:
        log.total_said = lambda right: None
    log.page(ORGANIZATION, Window(START, START + 60_000))
    log.fullest = max(1, log.fullest)  # it is read so after a page that was not in order
    found: list[bytes] = []
    times: list[int] = []

    def ask(window: Window, offset: int, limit: int) -> Page:
        return log.page(ORGANIZATION, window, offset=offset, limit=limit)

    for until, entries in by_halves(ask, lambda: log.fullest, Window(START, START + 60_000), "the log"):
        found += [bytes(line) for line in entries.lines]
        times += entries.times
        assert all(time < until for time in times)
    assert Counter(found) == log.truth(START, START + 60_000)
    assert times == sorted(times)


def test_behind_all_lies_nothing() -> None:
    log = AuditLog().add(spread(5))
    assert log.page(ORGANIZATION, Window(START, START + HOUR), offset=BEHIND_ALL) == Page([], 5)
