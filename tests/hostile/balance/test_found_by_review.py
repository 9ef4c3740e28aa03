"""Runs that break what docs/guarantees.md says; each test fails on the code it was written for."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from tests.hostile.behaviours import refused, rolls_up
from tests.hostile.running import QUICK, assert_done, assert_exact, collect, difference, lines, start
from tests.hostile_source import (
    DAY,
    GROUP,
    HOUR,
    MINUTE,
    ROOT,
    HostileSource,
    Query,
    Response,
    found,
    honest,
    now,
    page,
    serving,
)

from mulesoft_audit.archive.layout import day_of
from mulesoft_audit.collect.entries import NOTHING
from mulesoft_audit.collect.newest import Newest
from mulesoft_audit.collect.rules import Judged
from mulesoft_audit.collect.search import Search

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from mulesoft_audit.anypoint.query import Window


def pause(seconds: float) -> bool:
    """Let a query wait, and be responded to then."""
    time.sleep(seconds)
    return False


def test_a_busy_root_that_repeats_a_quiet_group_is_kept_once_at_one_request(tmp_path: Path) -> None:
    """Twelve entries of the group in five days, 6,000 of the root: 20 pages show fewer than ten of the twelve."""
    source = HostileSource()
    source.spread(ROOT, 6000, now() - 5 * DAY, now() - HOUR)
    source.spread(GROUP, 12, now() - 5 * DAY, now() - HOUR)
    source.respond = rolls_up()
    with serving(source):
        collect(source, tmp_path, "--since", "6d")
        source.forget()
        collect(source, tmp_path)
        asked = source.asked(ROOT)
        assert_exact(source, tmp_path)
        assert asked == 1, asked


def test_a_deletion_in_the_first_day_hides_no_late_entry_where_retention_is_not_known(
    source: HostileSource, tmp_path: Path
) -> None:
    source.retention_status = 403
    assert_done(collect(source, tmp_path, "--since", "4d"))
    gone = [source.remove(ROOT, 5)]
    assert_done(collect(source, tmp_path))
    source.add(ROOT, source.logs[ROOT][8].stamp + 7, seed="late")
    for _ in range(2):
        if collect(source, tmp_path).complete:
            assert_exact(source, tmp_path, gone=gone)


def test_a_deletion_in_the_first_day_costs_no_search_twice_where_retention_is_not_known(
    source: HostileSource, tmp_path: Path
) -> None:
    source.retention_status = 403
    assert_done(collect(source, tmp_path, "--since", "4d"))
    source.remove(ROOT, 5)
    assert_done(collect(source, tmp_path))
    source.forget()
    assert_done(collect(source, tmp_path), 0)
    assert source.asked(ROOT) == 1


def test_a_first_run_over_all_that_is_kept_becomes_complete_while_entries_expire(tmp_path: Path) -> None:
    """Two entries expire each second, and a query takes a quarter of one."""
    source = HostileSource()
    source.retention = 30
    border = now() - 30 * DAY
    source.add(ROOT, *range(border, border + 10 * MINUTE, 500))
    source.spread(ROOT, 500, now() - 4 * DAY, now() - HOUR)

    def expiring(source: HostileSource, query: Query) -> Response:
        source.logs[ROOT] = [entry for entry in source.logs[ROOT] if entry.stamp >= now() - 30 * DAY]
        return honest(source, query)

    source.respond = expiring
    source.stall = lambda query: pause(0.25)
    with serving(source):
        assert collect(source, tmp_path, "--since", "40d").code == 0
        assert any(collect(source, tmp_path).complete for _ in range(4))


def test_a_repeated_entry_that_a_failed_run_read_again_hides_no_late_one(source: HostileSource, tmp_path: Path) -> None:
    source.respond = rolls_up()
    day = now() // DAY * DAY - 2 * DAY
    source.logs[GROUP] = [one for one in source.logs[GROUP] if one.stamp // DAY != day // DAY]
    source.add(GROUP, day + HOUR, seed="one")
    source.spread(ROOT, 600, day + 2 * HOUR, day + 20 * HOUR, seed="more")
    source.spread(ROOT, 400, day + DAY, now() - HOUR, seed="after")
    assert_done(collect(source, tmp_path, "--since", "5d"))
    assert_exact(source, tmp_path)
    source.add(ROOT, day + 23 * HOUR, seed="late")

    def fails(source: HostileSource, query: Query) -> Response:
        if query.organization == ROOT and query.ascending and query.limit > 1 and query.start > day + 2 * HOUR:
            return Response([], status=500, raw=b"oops")
        return rolls_up()(source, query)

    source.respond = fails
    assert collect(source, tmp_path, **QUICK).code == 5
    source.respond = rolls_up()
    if collect(source, tmp_path).complete:
        assert_exact(source, tmp_path)


def test_a_stale_page_makes_no_repeated_entry_count_twice(source: HostileSource, tmp_path: Path) -> None:
    source.respond = rolls_up()
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.add(GROUP, now() - MINUTE, seed="new")
    source.add(ROOT, now() - int(3.5 * DAY), seed="late")
    newest = source.logs[ROOT][-1].body
    first = []

    def lacks(source: HostileSource, query: Query) -> Response:
        given = rolls_up()(source, query)
        if query.organization == ROOT and not first:
            first.append(query)
            return given._replace(entries=[one for one in given.entries if one != newest])
        return given

    source.respond = lacks
    if collect(source, tmp_path).complete:
        assert_exact(source, tmp_path)


def test_an_entry_counted_once_in_a_run_is_not_forgotten_because_another_arrives(
    source: HostileSource, tmp_path: Path
) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    late = source.add(ROOT, now() - int(3.7 * DAY), seed="late")
    source.forget()

    def lags(source: HostileSource, query: Query) -> Response:
        if query.number == 1:
            return honest(source, query)
        if query.number == 2:
            source.add(ROOT, now() - 100, seed="new")
        return page([entry for entry in found(source, query) if entry.body != late[0]], query)

    source.respond = lags
    if collect(source, tmp_path, "--org", ROOT).complete:
        assert_exact(source, tmp_path, of=ROOT)


def test_the_log_above_that_breaks_keeps_no_group_away(source: HostileSource, tmp_path: Path) -> None:
    """The root's newest page is given; what is read to find out whether it repeats its group is not."""

    def broken_above(source: HostileSource, query: Query) -> Response:
        if query.organization == ROOT and (query.ascending or query.limit == 1):
            return Response([], status=500, raw=b"oops")
        return honest(source, query)

    source.respond = broken_above
    source.stall = lambda query: query.organization == GROUP and pause(0.5)
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code == 5
    assert_exact(source, tmp_path, of=GROUP)


def test_a_group_read_by_itself_writes_nothing_that_the_log_above_brought(
    source: HostileSource, tmp_path: Path
) -> None:
    source.respond = rolls_up()
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.add(GROUP, now() - MINUTE, seed="new")
    assert_done(collect(source, tmp_path, "--org", ROOT))
    assert_done(collect(source, tmp_path, "--org", GROUP))
    total = lines(tmp_path, ROOT) + lines(tmp_path, GROUP)
    assert total == source.truth(ROOT) + source.truth(GROUP)


@pytest.mark.parametrize("first", [(), ("--org", GROUP), ("--since", "1d", "--until", "1h")])
def test_what_balances_is_found_though_another_run_was_the_days_first(
    source: HostileSource, tmp_path: Path, first: tuple[str, ...]
) -> None:
    source.spread(ROOT, 400, now() - 20 * HOUR, now() - HOUR, seed="after")
    assert_done(collect(source, tmp_path, "--since", "5d"))
    log = source.logs[ROOT]
    gone = [source.remove(ROOT, place) for place, one in reversed(list(enumerate(log))) if one.stamp < now() - 3 * DAY]
    source.spread(ROOT, len(gone), now() - 2 * DAY, now() - DAY, seed="late")
    for day in range(1, 8):
        shift = day * DAY / 1000
        source.skew = shift
        environment = {"HOSTILE_SHIFT": str(shift)}
        collect(source, tmp_path, *first, **environment)
        collect(source, tmp_path, **environment)
    assert_exact(source, tmp_path, gone=gone)


def test_a_run_of_a_part_of_the_time_is_not_called_complete_while_a_late_entry_is_missing(
    source: HostileSource, tmp_path: Path
) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.add(ROOT, now() - int(3.5 * DAY), seed="late")
    if collect(source, tmp_path, "--since", "2d", "--until", "1h").complete:
        assert_exact(source, tmp_path)


def test_a_damaged_day_keeps_nothing_else_away_though_the_head_is_lost(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    manifest = sorted(tmp_path.glob(f"state/{ROOT}/*/*/*.manifest.json"))[1]
    manifest.write_bytes(manifest.read_bytes()[:50])
    (tmp_path / f"state/{ROOT}/head.json").unlink()
    source.add(ROOT, now() - MINUTE, seed="new")
    assert collect(source, tmp_path).code == 6
    assert difference(source, tmp_path, ROOT, []) == (0, 0)


def test_a_watch_whose_first_round_fails_still_collects_since_when_it_was_asked_to(
    source: HostileSource, tmp_path: Path
) -> None:
    registry = tmp_path / "state" / "organizations.json"
    registry.parent.mkdir()
    registry.write_bytes(b'{"root":')
    running = start(source, tmp_path, "--every", "1s", "--since", "5d")
    time.sleep(2.5)
    registry.unlink()
    time.sleep(4)
    running.terminate()
    running.communicate(timeout=60)
    assert_exact(source, tmp_path)


def test_a_round_that_ends_late_is_not_complete_while_a_log_it_read_is_refused(
    source: HostileSource, tmp_path: Path
) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.spread(GROUP, 3000, now() - 3 * DAY, now() - 2 * HOUR, seed="late")
    release = threading.Event()
    source.stall = lambda query: query.organization == GROUP and query.ascending and bool(release.wait(30)) and False
    running = start(source, tmp_path, "--every", "1s")
    time.sleep(2.5)
    source.add(ROOT, now() - 1000, seed="new")
    source.respond = refused(ROOT)
    time.sleep(2.5)
    release.set()
    time.sleep(3)
    running.terminate()
    out, _ = running.communicate(timeout=60)
    rounds = [json.loads(line) for line in out.splitlines()]
    assert rounds
    print([(one["complete"], one["until"]) for one in rounds])
    if any(one["complete"] for one in rounds):
        assert_exact(source, tmp_path)


@pytest.mark.parametrize("since_days", [5, 30, 100])
def test_each_border_has_its_turn_while_the_archive_grows(since_days: int) -> None:
    """One day more is held each day; within three times as many days as are held at first, each border is."""
    today = now() // DAY
    looked: set[int] = set()
    first = today - since_days

    class Held:
        def __init__(self, last: int) -> None:
            self.last = last

        def dates(self, start: int, end: int) -> list[date]:
            return [day_of(day * DAY) for day in range(first, self.last + 1)]

    class Stop(Exception):
        pass

    class Asks:
        def total(self, organization: object, window: Window) -> int:
            looked.add(window.start // DAY)
            raise Stop

    length = since_days
    for passed in range(3 * length):
        until = (today + passed) * DAY + HOUR
        newest = Newest(NOTHING, 0, Judged(until, [], 0), first * DAY, until, until - 1, 0)
        with suppress(Stop):
            Search(Asks(), None, Held(today + passed), newest).by_suffix()  # type: ignore[arg-type]  # stand-ins
    assert looked >= set(range(first + 1, today + 1)), sorted(set(range(first + 1, today + 1)) - looked)
