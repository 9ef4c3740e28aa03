"""What the balance rests on, as tables: periods, the newest page, and totals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulesoft_audit.collect.period import Due, Kept, Period, due
from mulesoft_audit.collect.rules import Decision, Judged, Totals, decide, judge, may_be_a_cap, middle, worth
from mulesoft_audit.errors import UsageError

DAY = 86_400_000
D = 20_000 * DAY  # 00:00 UTC of some day
NAMES = ("--since", "--until")


def key(time: int, name: int = 0, checksum: int = 0) -> tuple[int, bytes, int]:
    return time, bytes([name]) * 16, checksum


# Since when.


@pytest.mark.parametrize(
    ("since", "proved_from", "period", "kept", "beginning", "expected"),
    [
        pytest.param(0, 0, Period(), Kept(), 0, Due(D - DAY, D - DAY), id="a first run begins a day back"),
        pytest.param(0, 0, Period(), Kept(), D - 9 * DAY, Due(D - 9 * DAY, D - 9 * DAY), id="a new group as others"),
        pytest.param(0, 0, Period(since=D - 3 * DAY), Kept(), D - 9 * DAY, Due(D - 3 * DAY, D - 3 * DAY), id="as told"),
        pytest.param(
            D - 5 * DAY, D - 5 * DAY, Period(since=D - 2 * DAY), Kept(), 0, Due(D - 5 * DAY, D - 5 * DAY),
            id="a later since leaves what was promised",
        ),
        pytest.param(
            D - 5 * DAY, D - 5 * DAY, Period(since=D - 8 * DAY), Kept(), 0, Due(D - 8 * DAY, D - 8 * DAY),
            id="an earlier since extends it",
        ),
        pytest.param(
            D - 5 * DAY, D - 5 * DAY, Period(since=D - 3 * DAY, until=D - DAY), Kept(), 0,
            Due(D - 5 * DAY, D - 3 * DAY), id="from one moment up to another, only that is compared",
        ),
        pytest.param(
            D - 5 * DAY, D - 5 * DAY, Period(since=D - 8 * DAY, until=D - 7 * DAY), Kept(), 0,
            Due(D - 8 * DAY, D - 8 * DAY), id="and it is promised too",
        ),
        pytest.param(
            0, 0, Period(since=D - 99 * DAY), Kept(D - 10 * DAY, D - 8 * DAY), 0, Due(D - 10 * DAY, D - 10 * DAY),
            id="nothing is promised that the source does not keep",
        ),
        pytest.param(
            D - 50 * DAY, D - 50 * DAY, Period(), Kept(D - 10 * DAY, D - 8 * DAY), 0, Due(D - 50 * DAY, D - 8 * DAY),
            id="what may vanish meanwhile is not compared where it was proved",
        ),
        pytest.param(
            D - 50 * DAY, D - 9 * DAY, Period(), Kept(D - 10 * DAY, D - 8 * DAY), 0, Due(D - 50 * DAY, D - 10 * DAY),
            id="and is compared where only a part of it was",
        ),
        pytest.param(
            D - 50 * DAY, 0, Period(), Kept(D - 10 * DAY, D - 8 * DAY), 0, Due(D - 50 * DAY, D - 10 * DAY),
            id="or nothing ever",
        ),
    ],
)  # fmt: skip
def test_since_when_everything_is_due(
    since: int, proved_from: int, period: Period, kept: Kept, beginning: int, expected: Due
) -> None:
    assert due(since, proved_from, period, kept, D + 5, beginning) == expected


days = st.integers(1, 99).map(lambda back: D - back * DAY)


@given(st.just(0) | days, st.just(0) | days, st.none() | days, st.just(0) | st.integers(1, 99), st.just(0) | days)
def test_a_promise_is_never_made_shorter_and_never_longer_than_the_source_keeps(
    since: int, proved_from: int, asked: int | None, retention: int, beginning: int
) -> None:
    kept = Kept.by(retention or None, D + 5)
    found = due(since, proved_from, Period(since=asked), kept, D + 5, beginning)
    assert not since or found.since <= since
    assert found.since >= min(since or D, kept.since) or not kept.since
    assert found.floor >= max(found.since, kept.since)
    assert found.since % DAY == found.floor % DAY == 0


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param(None, Kept(), id="a retention that is not known keeps everything"),
        pytest.param(30, Kept(D - 30 * DAY, D - 28 * DAY), id="the day of the oldest entry, and two more to spare"),
        pytest.param(1 << 20, Kept(0, 2 * DAY), id="longer than there is time"),
    ],
)
def test_what_the_source_keeps(days: int | None, expected: Kept) -> None:
    assert Kept.by(days, D + 5) == expected


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        pytest.param(None, None, (None, None), id="nothing said"),
        pytest.param("", "", (None, None), id="empty says nothing"),
        pytest.param("2d", None, (D - 2 * DAY, None), id="how long ago, back to the start of its day"),
        pytest.param("1970-01-02T03:00:00Z", "1970-01-03T04:00:00Z", None, id="beyond reason"),
        pytest.param("2024-10-01T23:30:00-05:00", None, (1_727_827_200_000, None), id="its day in UTC"),
        pytest.param("3d", "1d", (D - 3 * DAY, D - DAY + 5), id="an end is taken as it is"),
        pytest.param("1d", "2d", None, id="the wrong way round"),
        pytest.param("2999-01-01", None, None, id="in the future"),
        pytest.param(None, "2999-01-01", None, id="until the future"),
        pytest.param("yesterday-ish", None, None, id="unreadable"),
    ],
)
def test_a_period_in_words(since: str | None, until: str | None, expected: Any) -> None:
    if expected is None:
        with pytest.raises(UsageError):
            Period.parse(since, until, D + 5, DAY, names=NAMES)
        return
    found = Period.parse(since, until, D + 5, 7, names=NAMES)
    assert (found.since, found.until, found.look_back) == (*expected, 7)


# The newest page.


@pytest.mark.parametrize(
    ("times", "whole", "known_from", "known", "expected"),
    [
        pytest.param([], True, 0, [], Judged(9, [], 0), id="an empty log is known from the floor on"),
        pytest.param([30, 20], True, 0, [], Judged(9, [0, 1], 0), id="of a whole log all is new"),
        pytest.param([30, 20], False, 0, [], Judged(20, [0], 0), id="the oldest millisecond may have more"),
        pytest.param([30, 30, 20, 20], False, 0, [], Judged(20, [0, 1], 0), id="so may its twins"),
        pytest.param([30, 20], True, 25, [], Judged(24, [0], 0), id="what is not known is not judged"),
        pytest.param([30, 20], True, 0, [20], Judged(9, [0], 0), id="what is known is not new"),
        pytest.param([30, 30], True, 0, [30], Judged(9, [1], 0), id="two equal entries are two"),
        pytest.param([30], True, 0, [20, 30], Judged(9, [], 1), id="what is known and not shown is missing"),
        pytest.param([30, 25], False, 0, [20, 30], Judged(25, [], 0), id="but not if the page does not reach it"),
        pytest.param([20, 30], True, 0, [], None, id="a page out of order tells nothing"),
        pytest.param([7], False, 0, [], Judged(9, [], 0), id="what is older than asked for is not judged"),
    ],
)
def test_the_newest_page(
    times: list[int], whole: bool, known_from: int, known: list[int], expected: Judged | None
) -> None:
    page = [key(time, time) for time in times]
    found = judge(page, whole=whole, floor=10, known_from=known_from or 10, known=[key(time, time) for time in known])
    assert found == expected


few_keys = st.lists(st.builds(key, st.integers(8, 20), st.integers(0, 2), st.integers(0, 1)), max_size=12)


@given(few_keys, few_keys, st.booleans(), st.integers(8, 20))
def test_no_entry_of_the_newest_page_is_called_new_that_is_known(
    seen: list[Any], known: list[Any], whole: bool, known_from: int
) -> None:
    page = sorted(seen, key=lambda one: -one[0])
    found = judge(page, whole=whole, floor=10, known_from=known_from, known=sorted(known))
    assert found is not None
    judged = [one for one in page if one[0] > found.above]
    there = [one for one in known if one[0] > found.above]
    names = {one[1] for one in [*judged, *there]}
    excess = sum(max(0, sum(one[1] == name for one in judged) - sum(one[1] == name for one in there)) for name in names)
    assert len(found.new) == excess
    assert len(judged) - len(found.new) == len(there) - found.missing
    assert all(page[index][0] > found.above >= known_from - 1 for index in found.new)


# Totals.


@pytest.mark.parametrize(
    ("days", "expected", "total", "decision"),
    [
        pytest.param(9, 5, 5, Decision.VERIFIED, id="equal"),
        pytest.param(9, 0, 0, Decision.VERIFIED, id="nothing on both sides"),
        pytest.param(9, None, 5, Decision.READ, id="what is expected cannot be told"),
        pytest.param(9, 5, None, Decision.READ, id="the source does not say"),
        pytest.param(1, 5, 100_000, Decision.READ, id="a single day"),
        pytest.param(9, 0, 100_000, Decision.READ, id="nothing is held"),
        pytest.param(64, 5, 2_400, Decision.READ, id="twelve pages are no more than halving 64 days twice"),
        pytest.param(64, 5, 2_401, Decision.SPLIT, id="thirteen are"),
        pytest.param(64, 5_000, 4_999, Decision.SPLIT, id="fewer than expected"),
        pytest.param(64, 5_000, 0, Decision.READ, id="gone altogether"),
    ],
)
def test_what_to_do_about_a_stretch(days: int, expected: int | None, total: int | None, decision: Decision) -> None:
    assert decide(D, D + days * DAY, expected, total) is decision
    assert decide(D, D + days * DAY - 1, expected, total) is decision


@given(st.integers(DAY + 1, 5_000 * DAY))
def test_the_middle_is_a_midnight_inside_and_halves_get_shorter(length: int) -> None:
    found = middle(D, D + length)
    assert D < found < D + length
    assert found % DAY == 0
    assert abs((found - D) - (D + length - found)) <= 2 * DAY


@pytest.mark.parametrize(
    ("total", "given", "earlier", "later", "expected"),
    [
        pytest.param(10, 12, 4, 6, None, id="halves that add up: it is the entries that differ"),
        pytest.param(10, 12, 4, 5, None, id="a total that moves"),
        pytest.param(1_000, 1_500, 1_000, 500, Totals(cap=1_000), id="counting stops"),
        pytest.param(10, 5, 10, 10, Totals(useless=True), id="more than there is, in each part"),
        pytest.param(None, 5, None, None, Totals(useless=True), id="none"),
        pytest.param(5, 5, None, 5, Totals(useless=True), id="none of a half"),
        pytest.param(0, 5, 0, 0, Totals(useless=True), id="none beside entries, as a number"),
        pytest.param(0, 0, 0, 0, None, id="an empty log"),
    ],
)
def test_what_totals_are_worth(
    total: int | None, given: int, earlier: int | None, later: int | None, expected: Totals | None
) -> None:
    assert worth(total, given, earlier, later) == expected


@pytest.mark.parametrize("found", [Totals(), Totals(cap=10_000), Totals(useless=True)])
def test_what_totals_are_worth_is_kept_as_a_number(found: Totals) -> None:
    assert found.code == (-1 if found.useless else found.cap)


@pytest.mark.parametrize(
    ("total", "expected"), [(0, False), (999, False), (1_000, True), (10_000, True), (10_001, False)]
)
def test_only_a_round_total_may_be_a_cap(total: int, expected: bool) -> None:
    assert may_be_a_cap(total) is expected
