"""One entry or page that cannot be read is named, and keeps nothing else away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.hostile.behaviours import after, broken, refuses_page_with
from tests.hostile.running import QUICK, Run, assert_done, assert_exact, collect, lines
from tests.hostile_source import GROUP, HOUR, MINUTE, ROOT, Entry, HostileSource, Query, Response, honest, now

if TYPE_CHECKING:
    from pathlib import Path


def assert_all_but(source: HostileSource, archive: Path, body: bytes) -> None:
    truth = source.truth(ROOT)
    truth.subtract([body])
    assert lines(archive, ROOT) == +truth
    assert_exact(source, archive, of=GROUP)


def assert_named(run: Run, stamp: int) -> None:
    """The message names the organization, its id and the time, and says what to do."""
    assert run.code in {4, 5}
    assert not run.complete
    assert not run.of(ROOT)["complete"]
    [error] = run.errors
    assert ROOT in error["message"]
    assert "Root" in error["message"]
    assert f"{datetime.fromtimestamp(stamp / 1000, UTC):%Y-%m-%dT%H:%M}" in error["message"]
    assert error["hint"]


def test_an_entry_of_34_mib_keeps_nothing_else_away(source: HostileSource, tmp_path: Path) -> None:
    stamp = now() - 30 * HOUR
    body = b'{"timestamp":%d,"payload":"%s"}' % (stamp, b"x" * (34 << 20))
    source.put(ROOT, [Entry(stamp, body)])
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert_named(run, stamp)
    assert_all_but(source, tmp_path, body)
    source.forget()
    source.spread(ROOT, 20, now() - 4 * MINUTE, now(), seed="new")
    again = collect(source, tmp_path, **QUICK)
    assert again.new == 20
    assert_named(again, stamp)
    assert_all_but(source, tmp_path, body)
    assert len(source.queries) <= 20, "what is known to be unreadable is not searched for again"


@pytest.mark.parametrize("status", [403, 400, 500])
def test_a_page_that_is_refused_keeps_nothing_else_away(source: HostileSource, tmp_path: Path, status: int) -> None:
    place = 140
    entry = source.logs[ROOT][place]
    source.respond = refuses_page_with(entry.body, status)
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert_named(run, entry.stamp)
    assert_exact(source, tmp_path, of=GROUP)
    held = lines(tmp_path, ROOT)
    alike = [one.body for one in source.logs[ROOT] if one.stamp == entry.stamp]
    assert not (source.truth(ROOT) - held).keys() - set(alike)
    source.respond = honest
    assert_done(collect(source, tmp_path, **QUICK))
    assert_exact(source, tmp_path)


def test_new_entries_arrive_though_the_newest_page_is_refused(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    [bad] = source.add(ROOT, now() - 3 * MINUTE, seed="bad")
    source.spread(ROOT, 20, now() - 2 * MINUTE, now(), seed="new")
    source.respond = refuses_page_with(bad)
    run = collect(source, tmp_path, **QUICK)
    assert run.code == 5
    assert_all_but(source, tmp_path, bad)


def test_a_log_that_is_broken_keeps_no_other_log_away(source: HostileSource, tmp_path: Path) -> None:
    source.respond = lambda of, query: (broken if query.organization == ROOT else honest)(of, query)
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code == 5
    assert ROOT in run.said
    assert run.of(GROUP)["complete"]
    assert_exact(source, tmp_path, of=GROUP)


def test_json_nested_5000_deep_keeps_nothing_else_away(source: HostileSource, tmp_path: Path) -> None:
    stamp = now() - 30 * HOUR
    body = b'{"timestamp":%d,"payload":%s1%s}' % (stamp, b"[" * 5_000, b"]" * 5_000)
    source.put(ROOT, [Entry(stamp, body)])
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    if run.code == 0:
        assert_exact(source, tmp_path)
    else:
        assert_named(run, stamp)
        assert_all_but(source, tmp_path, body)


def test_a_page_that_is_always_cut_keeps_nothing_else_away(source: HostileSource, tmp_path: Path) -> None:
    entry = source.logs[ROOT][140]

    def cut(of: HostileSource, query: Query) -> Response:
        given = honest(of, query)
        whole = b'{"data":[' + b",".join(given.entries)
        return given._replace(raw=whole[:-9]) if entry.body in given.entries else given

    source.respond = cut
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert_named(run, entry.stamp)
    alike = {one.body for one in source.logs[ROOT] if one.stamp == entry.stamp}
    assert not (source.truth(ROOT) - lines(tmp_path, ROOT)).keys() - alike


ODD = [b'"\xc2\xb2"', b'"' + b"1" * 5001 + b'"', b"1e999", b"null", b"-1", b'"yesterday"', b"[]", b"9" * 30, b"1.5e12"]


@pytest.mark.parametrize("spelled", ODD)
def test_a_timestamp_that_is_no_time_is_no_traceback_and_keeps_nothing_else_away(
    source: HostileSource, tmp_path: Path, spelled: bytes
) -> None:
    """The entry itself is kept, or named; an entry of no time has no day of its own."""
    odd = b'{"timestamp":' + spelled + b',"action":"odd"}'
    source.put(ROOT, [Entry(now() - 30 * HOUR, odd)])
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    held = lines(tmp_path, ROOT)
    assert not (source.truth(ROOT) - held).keys() - {odd}
    assert not held - source.truth(ROOT)
    assert held[odd] or not run.complete
    assert_exact(source, tmp_path, of=GROUP)
    collect(source, tmp_path, **QUICK)
    assert not lines(tmp_path, ROOT) - source.truth(ROOT), "it is delivered once, not by every run"


@pytest.mark.parametrize("item", [b"null", b"3", b'"text"', b"[]", b"{}", b'{"timestamp":{}}'])
def test_something_that_is_no_entry_keeps_nothing_else_away(source: HostileSource, tmp_path: Path, item: bytes) -> None:
    source.put(ROOT, [Entry(now() - 30 * HOUR, item)])
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    held = lines(tmp_path, ROOT)
    assert not (source.truth(ROOT) - held).keys() - {item}
    assert held[item] or not run.complete


def test_an_error_that_lasts_after_60_pages_keeps_what_was_read_and_every_run_gets_further(
    tmp_path: Path, large: HostileSource
) -> None:
    large.spread(ROOT, 20_000, now() - 40 * HOUR, now() - HOUR, seed="more")
    kept = [0]
    for _ in range(3):
        large.forget()
        large.respond = after(61, broken)
        run = collect(large, tmp_path, "--since", "3d", **QUICK)
        kept.append(lines(tmp_path, ROOT).total())
        assert kept[-1] >= min(kept[-2] + 5_000, 25_000), kept
        assert run.code == 5 or (run.complete and kept[-1] == 25_000)
    large.respond = honest
    assert_done(collect(large, tmp_path))
    assert_exact(large, tmp_path)
