"""Sources that understand bounds, limits, offsets or order in a way of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.hostile import behaviours
from tests.hostile.behaviours import bounds, cut
from tests.hostile.running import QUICK, assert_done, assert_exact, assert_nothing_missing, collect
from tests.hostile_source import HOUR, MINUTE, ROOT, HostileSource, Query, Response, found, honest, now, page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READ_ALL_THE_SAME = {
    "startDate cut to seconds": bounds(lambda query: query._replace(start=cut(query.start))),
    "endDate cut to seconds": bounds(lambda query: query._replace(end=cut(query.end))),
    "both cut to seconds": bounds(lambda query: query._replace(start=cut(query.start), end=cut(query.end))),
    "endDate taken to the end of its second": bounds(lambda query: query._replace(end=cut(query.end) + 999)),
    "both cut to minutes": bounds(
        lambda query: query._replace(start=query.start // MINUTE * MINUTE, end=query.end // MINUTE * MINUTE)
    ),
    "endDate exclusive": bounds(lambda query: query._replace(end=query.end - 1)),
    "endDate ignored": bounds(lambda query: query._replace(end=1 << 42)),
    "limit clamped to 50": bounds(lambda query: query._replace(limit=min(50, query.limit))),
    "limit clamped to 1 short": bounds(lambda query: query._replace(limit=max(1, query.limit - 1))),
    "limit ignored": bounds(lambda query: query._replace(limit=500)),
    "unordered": behaviours.unordered,
    "descending whatever is asked": behaviours.always_descending,
    "ascending whatever is asked": behaviours.ignores_order,
    "ties in another order each time": behaviours.ties_change_places,
    "offset ignored": behaviours.ignores_offset,
    "offset refused beyond 1,000": lambda source, query: (
        Response([], status=400, raw=b"{}") if query.offset >= 1_000 else honest(source, query)
    ),
    "any offset refused": lambda source, query: (
        Response([], status=400, raw=b"{}") if query.offset else honest(source, query)
    ),
}


@pytest.mark.parametrize("name", READ_ALL_THE_SAME)
def test_a_source_of_its_own_ways_is_read_exactly_once(large: HostileSource, tmp_path: Path, name: str) -> None:
    now_and_late = large.logs[ROOT][1_000].stamp
    large.respond = READ_ALL_THE_SAME[name]
    first = collect(large, tmp_path, "--since", "3d", **QUICK)
    assert first.code in {0, 5}, first.err
    assert_exact(large, tmp_path)
    large.add(ROOT, now_and_late, seed="late")
    large.spread(ROOT, 30, now() - 4 * MINUTE, now() - 2 * MINUTE, seed="new")
    second = collect(large, tmp_path, **QUICK)
    assert second.code in {0, 5}, second.err
    third = collect(large, tmp_path, "--since", "3d", **QUICK)
    assert third.code in {0, 5}, third.err
    assert_exact(large, tmp_path)


@pytest.mark.parametrize("change", [lambda query: query._replace(start=query.start + 1), lambda q: q._replace(start=0)])
def test_a_start_that_is_exclusive_or_ignored_ends_the_run_in_good_time_and_nothing_is_called_complete_wrongly(
    large: HostileSource, tmp_path: Path, change: Callable[[Query], Query]
) -> None:
    large.respond = bounds(change)
    run = collect(large, tmp_path, "--since", "3d", **QUICK)
    assert run.code in {0, 5}
    if run.complete:
        assert_exact(large, tmp_path)
    large.respond = honest
    assert_done(collect(large, tmp_path))
    assert_exact(large, tmp_path)


def test_an_end_that_is_ignored_is_not_taken_for_a_period(large: HostileSource, tmp_path: Path) -> None:
    """What lies outside the bounds belongs to nobody who asked."""
    large.respond = READ_ALL_THE_SAME["endDate ignored"]
    collect(large, tmp_path, "--since", "3d", "--until", "1d", **QUICK)
    run = collect(large, tmp_path, **QUICK)
    assert run.code in {0, 5}
    assert_exact(large, tmp_path)


def test_an_unordered_source_does_not_make_a_part_of_every_entry(large: HostileSource, tmp_path: Path) -> None:
    large.respond = behaviours.unordered
    collect(large, tmp_path, "--since", "3d", **QUICK)
    assert len(list(tmp_path.glob("audit/**/*.gz"))) <= 60
    assert_exact(large, tmp_path)


@pytest.mark.parametrize("count", [199, 200, 201, 400, 700])
@pytest.mark.parametrize("alike", [False, True])
def test_a_millisecond_with_any_number_of_entries_is_read_exactly_once(
    source: HostileSource, tmp_path: Path, count: int, alike: bool
) -> None:
    stamp = now() - 3 * HOUR
    source.add(ROOT, *[stamp] * count)
    if alike:
        entry = source.logs[ROOT][-30]
        source.put(ROOT, [entry] * count)
    if count <= 200 and not alike:  # in a fuller one, places that change hide entries for good
        source.respond = behaviours.ties_change_places
    assert_done(collect(source, tmp_path, "--since", "5d"))
    assert_exact(source, tmp_path)
    source.add(ROOT, stamp, seed="one more")
    if count == 200:
        source.respond = honest
    assert_done(collect(source, tmp_path), 1)
    assert_exact(source, tmp_path)


def test_a_full_millisecond_of_a_source_that_ignores_offsets_is_said(source: HostileSource, tmp_path: Path) -> None:
    source.add(ROOT, *[now() - 3 * HOUR] * 300)
    source.respond = behaviours.ignores_offset
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code == 5
    assert ROOT in run.said
    source.respond = honest
    assert_done(collect(source, tmp_path))
    assert_exact(source, tmp_path)


def test_a_source_that_repeats_its_first_page_for_ever_ends_the_run(large: HostileSource, tmp_path: Path) -> None:
    def stuck(source: HostileSource, query: Query) -> Response:
        return honest(source, query._replace(start=0, offset=0))

    large.respond = stuck
    run = collect(large, tmp_path, "--since", "3d", **QUICK)
    assert run.code == 5
    assert len(large.queries) < 1_000
    large.respond = honest
    assert_done(collect(large, tmp_path))
    assert_exact(large, tmp_path)


def test_an_empty_page_beside_a_total_is_not_the_end(large: HostileSource, tmp_path: Path) -> None:
    def empty(source: HostileSource, query: Query) -> Response:
        return page([], query, len(found(source, query))) if query.number % 3 == 0 else honest(source, query)

    large.respond = empty
    run = collect(large, tmp_path, "--since", "3d", **QUICK)
    assert run.code in {0, 5}
    large.respond = honest
    assert_done(collect(large, tmp_path))
    assert_exact(large, tmp_path)


def test_short_pages_are_not_the_end(large: HostileSource, tmp_path: Path) -> None:
    large.respond = bounds(lambda query: query._replace(limit=min(query.limit, 3 + query.number * 37 % 190)))
    assert_done(collect(large, tmp_path, "--since", "3d", **QUICK))
    assert_exact(large, tmp_path)


def test_no_cursor_is_followed(large: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(large, tmp_path, "--since", "3d"))
    assert large.cursors == 0


def test_entries_deleted_while_they_are_read_cost_no_other(large: HostileSource, tmp_path: Path) -> None:
    large.respond = behaviours.moving(lambda source, query: source.remove(ROOT, 0))
    assert collect(large, tmp_path, "--since", "3d").code == 0
    assert_nothing_missing(large, tmp_path)
    large.respond = honest
    assert_done(collect(large, tmp_path), 0)


def test_an_entry_of_another_time_in_every_page_is_not_taken(source: HostileSource, tmp_path: Path) -> None:
    def stranger(of: HostileSource, query: Query) -> Response:
        given = honest(of, query)
        first = of.logs[query.organization][0]
        outside = not query.start <= first.stamp <= query.end
        return given._replace(entries=[*given.entries, first.body]) if outside else given

    source.respond = stranger
    collect(source, tmp_path, "--since", "5d", **QUICK)
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("every", [2, 3])
def test_pages_that_repeat_the_one_before_are_no_duplicates(large: HostileSource, tmp_path: Path, every: int) -> None:
    last: list[Response] = []

    def repeating(source: HostileSource, query: Query) -> Response:
        given = last[-1] if last and query.number % every == 0 else honest(source, query)
        last.append(given)
        return given

    large.respond = repeating
    for _ in range(2):
        assert collect(large, tmp_path, "--since", "3d", **QUICK).code in {0, 5}
    large.respond = honest
    assert_done(collect(large, tmp_path))
    assert_exact(large, tmp_path)
