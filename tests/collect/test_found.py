"""Real faults of reading a slice, each with the test that fails. Not marked as expected to fail: they lose entries.

Each goes to test_fetch.py once it holds.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collect.audit_log import ORGANIZATION, AuditLog, stamp_of
from tests.collect.test_fetch import CASES, HOUR, SECOND, START, logs, read, slices, spread

from mulesoft_audit.anypoint.response import TooLarge
from mulesoft_audit.collect.fetch import Slice

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.query import AuditQuery

FULL = [
    pytest.param([START + 5] * 200, id="a millisecond of a page"),
    pytest.param([START + 5] * 450 + [START + 6], id="a millisecond of pages and another"),
    pytest.param([START + 4] * 150 + [START + 5] * 150 + [START + 6] * 150, id="full milliseconds one by one"),
    pytest.param([START + 2 * SECOND + n // 2 for n in range(700)], id="a full second"),
]


# A page whose entries are all of one millisecond later than the slice's position moves it to that millisecond. The
# next page is the same, as it must be; it is taken for one given again and again: a hole, and the whole millisecond
# is lost. `_before` must not be compared where the position moved (offset 0). With pages of one entry: `allowed` in
# `_next_page` does not count what is gathered, so that a long millisecond is given up.
@pytest.mark.parametrize("stamps", FULL)
@pytest.mark.parametrize("behaviour", CASES)
def test_a_full_millisecond_is_read_once(behaviour: dict[str, Any], stamps: list[int]) -> None:
    log = AuditLog(**behaviour).add([START - 1, *stamps, START + HOUR])
    if not log.ordered and log.total_said(1_000) != 1_000:
        pytest.skip("nothing is known of such a source")
    assert read(log, START, START + HOUR) == log.truth(START, START + HOUR)


# The same, for any log.
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


# A page of an earlier position that is given again has one entry left once those of another time are left out, so that
# it does not count as repeated; and the offset goes up by all of it: the next 199 entries are passed over.
def test_a_page_that_a_replica_gives_again_is_asked_for_again() -> None:
    log = AuditLog().add(spread(1_500))
    pages: list[list[bytes]] = []

    def again(page: list[bytes]) -> list[bytes]:
        pages.append(page)
        return pages[-2] if len(pages) == 3 else page

    log.after = again
    found = read(log, START, START + HOUR)
    assert found == log.truth(START, START + HOUR)


# What lies behind one that cannot be read is asked for one by one; where that cannot be read either, the whole rest of
# the slice fails.
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
