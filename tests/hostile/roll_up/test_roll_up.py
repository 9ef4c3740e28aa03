"""Logs that repeat others, wholly or nearly, and logs that only look so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.hostile.behaviours import rolls_up
from tests.hostile.running import assert_done, assert_exact, assert_nothing_missing, collect, lines
from tests.hostile_source import DAY, GROUP, HOUR, MINUTE, ROOT, Entry, HostileSource, honest, now, serving

if TYPE_CHECKING:
    from pathlib import Path


def alike(source: HostileSource, count: int) -> None:
    """Put events into both logs that are alike to the byte, and are two."""
    stamps = [now() - DAY - number * MINUTE for number in range(count)]
    same = [Entry(one, b'{"timestamp":%d,"action":"Login","payload":{}}' % one) for one in stamps]
    source.put(ROOT, list(same))
    source.put(GROUP, list(same))


def test_a_log_that_repeats_its_groups_is_kept_once(source: HostileSource, tmp_path: Path) -> None:
    source.respond = rolls_up()
    assert_done(collect(source, tmp_path, "--since", "5d"))
    assert_exact(source, tmp_path)
    assert_done(collect(source, tmp_path), 0)


def test_new_and_late_entries_of_logs_that_repeat_arrive_once(source: HostileSource, tmp_path: Path) -> None:
    source.respond = rolls_up()
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.add(GROUP, now() - MINUTE, now() - 3 * DAY, seed="new")
    source.add(ROOT, now() - MINUTE, now() - 3 * DAY, seed="new")
    assert_done(collect(source, tmp_path), 4)
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_log_that_repeats_a_share_of_a_group_hides_nothing(
    source: HostileSource, tmp_path: Path, share: float
) -> None:
    source.respond = rolls_up(share)
    collect(source, tmp_path, "--since", "5d")
    assert_nothing_missing(source, tmp_path)
    source.add(GROUP, *(now() - MINUTE - number for number in range(10)), seed="new")
    source.add(ROOT, *(now() - MINUTE - number for number in range(10)), seed="new")
    collect(source, tmp_path)
    assert_nothing_missing(source, tmp_path)


def test_alike_events_of_two_separate_logs_are_both_kept(source: HostileSource, tmp_path: Path) -> None:
    alike(source, 50)
    assert_done(collect(source, tmp_path, "--since", "5d"), 460)
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("absent", [0, 6, 11])
def test_a_busy_log_that_lacks_one_entry_of_a_quiet_group_is_taken_for_its_own(tmp_path: Path, absent: int) -> None:
    source = HostileSource()
    source.spread(ROOT, 6000, now() - 5 * DAY, now() - HOUR)
    source.spread(GROUP, 12, now() - 5 * DAY, now() - HOUR)
    source.put(ROOT, [entry for place, entry in enumerate(source.logs[GROUP]) if place != absent])
    with serving(source):
        assert_done(collect(source, tmp_path, "--since", "6d"))
        assert_exact(source, tmp_path)


def test_a_root_collected_first_then_the_tree_drops_nothing_alike(source: HostileSource, tmp_path: Path) -> None:
    alike(source, 50)
    assert_done(collect(source, tmp_path, "--since", "5d", "--org", ROOT))
    assert_done(collect(source, tmp_path, "--since", "5d"))
    assert_exact(source, tmp_path)


def test_a_group_that_holds_nothing_but_alike_events_is_kept(source: HostileSource, tmp_path: Path) -> None:
    source.logs[GROUP] = []
    alike(source, 5)
    collect(source, tmp_path, "--since", "5d")
    assert_nothing_missing(source, tmp_path)


def test_a_log_that_begins_to_repeat_and_ceases_to_loses_nothing(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.respond = rolls_up()
    collect(source, tmp_path)
    assert_nothing_missing(source, tmp_path)
    source.add(GROUP, now() - MINUTE, seed="new")
    source.add(ROOT, now() - MINUTE, seed="new")
    collect(source, tmp_path)
    assert_nothing_missing(source, tmp_path)
    source.respond = honest
    source.add(ROOT, now() - 2 * DAY, seed="late")
    collect(source, tmp_path)
    collect(source, tmp_path, "--since", "5d")
    assert_nothing_missing(source, tmp_path)


def test_entries_that_say_whose_they_are_are_kept_there(tmp_path: Path, source: HostileSource) -> None:
    for one in (ROOT, GROUP):
        source.logs[one] = [
            entry._replace(body=json.dumps(json.loads(entry.body) | {"organizationId": one}).encode())
            for entry in source.logs[one]
        ]
    source.respond = rolls_up()
    assert_done(collect(source, tmp_path, "--since", "5d"))
    assert_exact(source, tmp_path)


def test_a_root_that_repeats_and_was_collected_alone_first_loses_nothing(source: HostileSource, tmp_path: Path) -> None:
    """Its groups' entries lie with the root then; whether they are delivered once more is a matter of doubt."""
    source.respond = rolls_up()
    collect(source, tmp_path, "--since", "5d", "--org", ROOT)
    collect(source, tmp_path, "--since", "5d")
    held = lines(tmp_path, ROOT) + lines(tmp_path, GROUP)
    assert not source.truth(ROOT) + source.truth(GROUP) - held


def test_a_group_read_by_itself_again_without_its_head_writes_nothing_twice(
    source: HostileSource, tmp_path: Path
) -> None:
    source.respond = rolls_up()
    assert_done(collect(source, tmp_path, "--since", "5d"))
    assert_done(collect(source, tmp_path, "--org", GROUP), 0)
    source.add(GROUP, now() - MINUTE, seed="new")
    assert_done(collect(source, tmp_path, "--org", ROOT), 1)
    (tmp_path / "state" / GROUP / "head.json").unlink()
    assert_done(collect(source, tmp_path, "--org", GROUP), 0)
    assert lines(tmp_path, ROOT) + lines(tmp_path, GROUP) == source.truth(ROOT) + source.truth(GROUP)


def test_a_group_under_a_root_that_repeats_is_new_and_keeps_all_its_entries(
    source: HostileSource, tmp_path: Path
) -> None:
    third = "40000000-0000-4000-8000-000000000000"
    source.respond = rolls_up()
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.spread(third, 40, now() - DAY, now() - HOUR)
    assert_done(collect(source, tmp_path), 40)
    assert_exact(source, tmp_path)
