"""What the source no longer keeps, and what it says about that."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from tests.hostile.behaviours import moving
from tests.hostile.running import QUICK, assert_done, assert_exact, assert_nothing_missing, collect
from tests.hostile_source import DAY, HOUR, ROOT, HostileSource, Query, honest, now

if TYPE_CHECKING:
    from pathlib import Path


def expire(source: HostileSource, days: float) -> list[bytes]:
    """Delete every entry of the root older than that, as retention does; return what went."""
    kept = [entry for entry in source.logs[ROOT] if entry.stamp >= now() - days * DAY]
    gone = [entry.body for entry in source.logs[ROOT] if entry not in kept]
    source.logs[ROOT] = kept
    return gone


def test_runs_after_retention_moved_the_floor_stay_complete_at_one_request(
    source: HostileSource, tmp_path: Path
) -> None:
    source.spread(ROOT, 100, now() - 33 * DAY, now() - 26 * DAY, seed="old")
    source.retention = 40
    assert_done(collect(source, tmp_path, "--since", "34d"))
    source.retention = 30
    gone = expire(source, 30)
    assert gone
    collect(source, tmp_path)
    source.forget()
    run = collect(source, tmp_path)
    assert run.code == 0, run.err
    assert source.asked(ROOT) == 1
    assert_exact(source, tmp_path, gone=gone)


def test_one_entry_that_expires_during_each_reading_costs_no_other(large: HostileSource, tmp_path: Path) -> None:
    large.spread(ROOT, 400, now() - 27 * DAY, now() - 26 * DAY, seed="old")
    large.retention = 30
    large.respond = moving(lambda source, query: source.logs[ROOT].pop(0) and None)
    for _ in range(3):
        assert collect(large, tmp_path, "--since", "31d", **QUICK).code == 0
        assert_nothing_missing(large, tmp_path)
    large.respond = honest
    assert collect(large, tmp_path).new == 0


def test_expiry_hides_no_late_entry(source: HostileSource, tmp_path: Path) -> None:
    source.spread(ROOT, 100, now() - 32 * DAY, now() - 26 * DAY, seed="old")
    source.retention = 40
    assert_done(collect(source, tmp_path, "--since", "33d"))
    source.retention = 30
    gone = expire(source, 30)
    source.add(ROOT, *(now() - 10 * DAY - number * HOUR for number in range(len(gone))), seed="late")
    run = collect(source, tmp_path)
    assert run.code == 0
    assert_nothing_missing(source, tmp_path)


def test_time_before_retention_is_never_recorded_as_covered(source: HostileSource, tmp_path: Path) -> None:
    assert collect(source, tmp_path, "--since", "2020-01-01").code == 0
    floor = now() - 367 * DAY
    for head in tmp_path.glob("state/*/head.json"):
        covered = [int(text) for text in re.findall(r"(?<!\d)1\d{12}(?!\d)", head.read_text())]
        assert covered
        assert min(covered) >= floor
    for path in tmp_path.glob("state/*/*/*/*.manifest.json"):
        assert json.loads(path.read_bytes()).get("since", floor) >= floor


def test_entries_older_than_the_stated_retention_that_are_there_are_said_or_collected(
    source: HostileSource, tmp_path: Path
) -> None:
    source.retention = 30
    source.add(ROOT, now() - 40 * DAY, seed="old")
    run = collect(source, tmp_path, "--since", "50d")
    assert run.code == 0
    assert collect(source, tmp_path).code == 0


@pytest.mark.parametrize(
    "given",
    [{}, [], {"data": None}, {"data": [None, {"retentionPeriod": "x"}]}, {"data": [{"retentionPeriod": -3}]}, b"no"],
)
def test_a_retention_that_cannot_be_understood_keeps_nothing_away(
    source: HostileSource, tmp_path: Path, given: object
) -> None:
    source.retention = given
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code == 0, run.err
    source.add(ROOT, now() - 3 * DAY, seed="late")
    assert collect(source, tmp_path, **QUICK).code == 0
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("days", [b'{"data":[{"retentionPeriod":1e999}]}', b'{"data":[{"retentionPeriod":NaN}]}'])
def test_a_retention_that_is_no_number_is_no_traceback(source: HostileSource, tmp_path: Path, days: bytes) -> None:
    source.retention = days
    collect(source, tmp_path, "--since", "5d", **QUICK)
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("status", [403, 404])
def test_a_retention_that_may_not_be_read_keeps_nothing_away_and_makes_nothing_incomplete(
    source: HostileSource, tmp_path: Path, status: int
) -> None:
    source.retention_status = status
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.add(ROOT, now() - 3 * DAY, seed="late")
    assert_done(collect(source, tmp_path), 1)
    assert_exact(source, tmp_path)


def test_a_retention_that_jumps_is_warned_of_and_not_complete(source: HostileSource, tmp_path: Path) -> None:
    source.spread(ROOT, 100, now() - 90 * DAY, now() - 20 * DAY, seed="old")
    assert_done(collect(source, tmp_path, "--since", "100d"))
    source.retention = 30
    run = collect(source, tmp_path)
    assert not run.complete
    assert run.err


def test_a_retention_of_zero_days_for_one_run_forgets_nothing(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.retention = 1
    collect(source, tmp_path)
    source.retention = 365
    source.add(ROOT, now() - 3 * DAY, seed="late")
    assert_done(collect(source, tmp_path), 1)
    assert_exact(source, tmp_path)


def test_a_retention_that_is_broken_for_good_keeps_nothing_away(source: HostileSource, tmp_path: Path) -> None:
    source.retention_status = 500
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code in {0, 5}
    assert_exact(source, tmp_path)


def test_an_entry_that_expires_between_two_pages_is_no_hole(large: HostileSource, tmp_path: Path) -> None:
    def oldest_goes(source: HostileSource, query: Query) -> None:
        if query.number % 4 == 0:
            source.remove(ROOT, 0)

    large.retention = 30
    large.respond = moving(oldest_goes)
    run = collect(large, tmp_path, "--since", "31d")
    assert run.code == 0, run.err
    assert_nothing_missing(large, tmp_path)
