"""What becomes visible late, whatever its age, arrives with the next plain run, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.hostile.behaviours import moving
from tests.hostile.running import assert_done, assert_exact, collect, settle
from tests.hostile_source import DAY, GROUP, HOUR, MINUTE, ROOT, SECOND, Entry, HostileSource, Query, now

if TYPE_CHECKING:
    from pathlib import Path

AGES = [2 * HOUR, 30 * HOUR, 3 * DAY, 20 * DAY, 80 * DAY]


def test_late_entries_of_any_age_arrive_with_the_next_plain_run_once(source: HostileSource, tmp_path: Path) -> None:
    source.add(ROOT, now() - 89 * DAY)
    assert_done(collect(source, tmp_path, "--since", "90d"), 361)
    source.add(ROOT, *(now() - age for age in AGES), seed="late")
    source.add(GROUP, *(now() - age for age in AGES), seed="late")
    assert_done(collect(source, tmp_path), 2 * len(AGES))
    assert_exact(source, tmp_path)
    assert_done(collect(source, tmp_path), 0)


@pytest.mark.parametrize("age", AGES[1:])
def test_one_late_entry_is_found_by_itself(source: HostileSource, tmp_path: Path, age: int) -> None:
    source.add(ROOT, now() - 89 * DAY)
    assert_done(collect(source, tmp_path, "--since", "90d"))
    source.add(GROUP, now() - age, seed="late")
    assert_done(collect(source, tmp_path), 1)
    assert_exact(source, tmp_path)


def test_a_late_entry_before_everything_that_is_held_arrives(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "40d"), 360)
    source.add(GROUP, now() - 39 * DAY, seed="late")
    assert_done(collect(source, tmp_path), 1)
    assert_exact(source, tmp_path)


def test_an_entry_before_the_archive_begins_is_nobodys_business(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"), 360)
    source.add(ROOT, now() - 8 * DAY, seed="old")
    assert_done(collect(source, tmp_path), 0)


def test_a_second_event_that_is_alike_to_the_byte_arrives(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.put(ROOT, [source.logs[ROOT][17], source.logs[ROOT][-1]])
    assert_done(collect(source, tmp_path), 2)
    assert_exact(source, tmp_path)


def test_a_late_entry_at_the_millisecond_of_a_held_one_arrives(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    for place in (5, 150, -1):
        source.add(ROOT, source.logs[ROOT][place].stamp, seed=f"late {place}")
    assert_done(collect(source, tmp_path), 3)
    assert_exact(source, tmp_path)


def test_late_entries_at_the_first_and_last_millisecond_of_days_arrive(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    midnight = now() // DAY * DAY
    source.add(ROOT, *(midnight - age * DAY - early for age in (0, 1, 3) for early in (0, 1)), seed="late")
    assert_done(collect(source, tmp_path), 6)
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("count", [1, 199, 200, 201, 650])
def test_any_number_of_new_entries_arrives(source: HostileSource, tmp_path: Path, count: int) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.spread(ROOT, count, now() - 4 * MINUTE, now(), seed="new")
    assert_done(collect(source, tmp_path), count)
    assert_exact(source, tmp_path)


def test_new_and_late_entries_together_arrive(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.spread(ROOT, 150, now() - 4 * MINUTE, now(), seed="new")
    source.spread(ROOT, 150, now() - 3 * DAY, now() - 2 * DAY, seed="late")
    assert_done(collect(source, tmp_path), 300)
    assert_exact(source, tmp_path)


def test_entries_that_become_visible_while_a_run_reads_are_delivered_or_left_to_the_next(
    source: HostileSource, tmp_path: Path
) -> None:
    def late(of: HostileSource, query: Query) -> None:
        if query.number % 2 == 0 and query.number <= 12:
            of.add(ROOT, now() - 3 * DAY - query.number * HOUR, seed=f"late {query.number}")

    source.respond = moving(late)
    run = settle(source, tmp_path, "--since", "5d")
    assert run.code == 0
    source.respond = moving(lambda of, query: None)
    assert_done(collect(source, tmp_path))
    assert_exact(source, tmp_path)


def test_a_source_in_which_an_entry_appears_at_every_query_is_never_called_complete_wrongly(
    source: HostileSource, tmp_path: Path
) -> None:
    source.respond = moving(
        lambda of, query: of.add(ROOT, now() - 90 * HOUR - query.number * SECOND, seed=query.number)
    )
    for _ in range(3):
        run = collect(source, tmp_path, "--since", "5d")
        assert run.code == 0, run.err
        assert not run.complete, "an entry appeared at its last query too"
    source.respond = moving(lambda of, query: None)
    assert_done(collect(source, tmp_path))
    assert_exact(source, tmp_path)


def test_an_entry_of_the_future_is_not_lost_when_its_time_comes(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.add(ROOT, now() + HOUR, seed="future")
    collect(source, tmp_path)
    source.skew = 3700
    run = collect(source, tmp_path, HOSTILE_SHIFT="3700")
    assert_done(run)
    assert_exact(source, tmp_path)


def test_every_entry_of_a_log_that_was_empty_arrives(tmp_path: Path, source: HostileSource) -> None:
    kept, source.logs[GROUP] = source.logs[GROUP], []
    assert_done(collect(source, tmp_path, "--since", "5d"), 300)
    source.put(GROUP, kept)
    assert_done(collect(source, tmp_path), 60)
    assert_exact(source, tmp_path)


def test_an_entry_that_takes_the_place_of_a_held_one_is_delivered(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    stamp = source.logs[ROOT][-1].stamp
    gone = [source.remove(ROOT, -1)]
    source.put(ROOT, [Entry(stamp, b'{"timestamp":%d,"action":"another"}' % stamp)])
    run = collect(source, tmp_path)
    assert run.new == 1
    assert_exact(source, tmp_path, gone=gone)
