"""Deletions, accidents and wrong clocks: equal counts are not equal entries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.hostile.behaviours import refused
from tests.hostile.running import assert_done, assert_exact, assert_nothing_missing, collect
from tests.hostile_source import DAY, GROUP, HOUR, ROOT, HostileSource, now

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("place", [0, 100, -1])
def test_an_entry_that_the_source_deleted_stays_and_the_runs_stay_complete(
    source: HostileSource, tmp_path: Path, place: int
) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    gone = [source.remove(ROOT, place)]
    assert_done(collect(source, tmp_path), 0)
    source.forget()
    assert_done(collect(source, tmp_path), 0)
    assert source.asked(ROOT) == 1, "one deletion must not make every later run look for it"
    assert_exact(source, tmp_path, gone=gone)


def test_a_deletion_does_not_hide_a_late_entry_of_a_later_run(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    gone = [source.remove(ROOT, 100)]
    assert_done(collect(source, tmp_path), 0)
    source.add(ROOT, now() - 3 * DAY, seed="late")
    assert_done(collect(source, tmp_path), 1)
    assert_exact(source, tmp_path, gone=gone)


def test_a_since_finds_at_once_what_balances_by_accident(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    gone = [source.remove(ROOT, 40) for _ in range(5)]
    source.add(ROOT, *(now() - DAY - number * HOUR for number in range(5)), seed="late")
    run = collect(source, tmp_path, "--since", "5d")
    assert run.code == 0
    assert run.new == 5
    assert_exact(source, tmp_path, gone=gone)


def test_what_balances_by_accident_is_found_within_days(source: HostileSource, tmp_path: Path) -> None:
    """Once a day one more total, over a suffix that starts at a border that moves on."""
    assert_done(collect(source, tmp_path, "--since", "5d"))
    gone = [source.remove(ROOT, 40) for _ in range(5)]
    source.add(ROOT, *(now() - DAY - number * HOUR for number in range(5)), seed="late")
    for day in range(1, 10):
        run = collect(source, tmp_path, HOSTILE_SHIFT=str(day * 86_400))
        assert run.code == 0
        if run.new:
            break
    assert_exact(source, tmp_path, gone=gone)


def test_the_clock_ten_days_ahead_for_one_run_loses_nothing(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    collect(source, tmp_path, HOSTILE_SHIFT=str(10 * 86_400))
    source.spread(ROOT, 237, now() - 2 * HOUR, now(), seed="new")
    assert_done(collect(source, tmp_path), 237)
    assert_exact(source, tmp_path)


def test_a_clock_that_is_ahead_does_not_shorten_what_is_compared(source: HostileSource, tmp_path: Path) -> None:
    source.retention = 30
    assert_done(collect(source, tmp_path, "--since", "29d"))
    source.add(ROOT, now() - 27 * DAY, seed="late")
    run = collect(source, tmp_path, HOSTILE_SHIFT=str(5 * 86_400))
    assert (run.complete, run.new) == (True, 1)
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("days", [-10, -1, 2])
def test_a_wrong_clock_at_the_first_run_loses_nothing_since_its_since(
    source: HostileSource, tmp_path: Path, days: int
) -> None:
    collect(source, tmp_path, "--since", "2020-01-01" if days < 0 else "8d", HOSTILE_SHIFT=str(days * 86_400))
    assert_done(collect(source, tmp_path))
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("skew", [-2 * 86_400, -3_600, 3_600, 2 * 86_400])
def test_a_date_header_that_is_wrong_loses_nothing(source: HostileSource, tmp_path: Path, skew: float) -> None:
    source.skew = skew
    collect(source, tmp_path, "--since", "5d")
    source.skew = 0
    source.spread(ROOT, 20, now() - HOUR, now(), seed="new")
    assert_done(collect(source, tmp_path))
    assert_exact(source, tmp_path)


def test_an_idle_run_changes_no_object_but_what_says_that_it_ran(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    assert_done(collect(source, tmp_path), 0)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert_done(collect(source, tmp_path), 0)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    changed = {str(path.relative_to(tmp_path)) for path in before | after if before.get(path) != after.get(path)}
    assert changed <= {"state/last-run.json"}
    assert (tmp_path / "state/last-run.json").exists()


def test_a_group_that_may_not_be_read_is_named_and_neither_it_nor_the_run_is_complete(
    source: HostileSource, tmp_path: Path
) -> None:
    source.respond = refused(GROUP)
    run = collect(source, tmp_path, "--since", "5d")
    assert run.code == 4
    assert not run.complete
    assert not run.of(GROUP)["complete"]
    assert run.of(ROOT)["complete"]
    assert GROUP in run.said
    assert "Group" in run.said
    assert_exact(source, tmp_path, of=ROOT)


def test_a_group_that_may_be_read_again_is_caught_up(source: HostileSource, tmp_path: Path) -> None:
    source.respond = refused(GROUP)
    assert collect(source, tmp_path, "--since", "5d").code == 4
    source.respond = refused("nobody")
    assert_done(collect(source, tmp_path), 60)
    assert_exact(source, tmp_path)


def test_half_of_a_log_deleted_is_said_and_nothing_is_delivered_again(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    gone = [source.remove(ROOT, 150) for _ in range(150)]
    run = collect(source, tmp_path)
    assert run.new == 0
    assert run.err or run.code, "150 entries vanish and nobody says a word"
    assert_exact(source, tmp_path, gone=gone)


def test_a_renamed_object_is_not_a_new_entry(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    before = source.truth(ROOT)
    log = source.logs[ROOT]
    log[:] = [one._replace(body=re.sub(b'"objectName": "n"', b'"objectName": "m"', one.body)) for one in log]
    assert collect(source, tmp_path).new == 0
    source.add(ROOT, now() - 3 * DAY, seed="late")
    late = source.truth(ROOT)
    assert collect(source, tmp_path, "--since", "5d").new == 1
    log[:] = [one._replace(body=one.body.replace(b'"objectName": "m"', b'"objectName": "n"')) for one in log]
    assert source.truth(ROOT).total() == late.total() == before.total() + 1
    assert_exact(source, tmp_path)


def test_a_source_that_spells_everything_otherwise_is_noticed(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    log = source.logs[ROOT]
    log[:] = [one._replace(body=one.body.replace(b'"v": ', b'"version": ')) for one in log]
    source.add(ROOT, now() - 3 * DAY, seed="late")
    run = collect(source, tmp_path, "--since", "5d")
    assert not run.complete
    assert run.code, "most of what is held is not recognized any more"


def test_what_a_run_with_an_until_left_arrives_later(source: HostileSource, tmp_path: Path) -> None:
    run = collect(source, tmp_path, "--since", "5d", "--until", "2d")
    assert run.code == 0
    assert_done(collect(source, tmp_path))
    assert_nothing_missing(source, tmp_path)
    assert_exact(source, tmp_path)
