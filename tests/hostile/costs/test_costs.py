"""What a run costs, counted by the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.hostile.running import assert_done, assert_exact, collect
from tests.hostile_source import DAY, GROUP, HOUR, MINUTE, ROOT, Entry, HostileSource, now, serving

if TYPE_CHECKING:
    from pathlib import Path


def groups(count: int) -> list[str]:
    return [f"{number:08d}-0000-4000-8000-000000000000" for number in range(1, count + 1)]


@pytest.fixture
def many(tmp_path: Path) -> HostileSource:
    """A root with forty groups of ten entries each, some empty."""
    source = HostileSource()
    source.spread(ROOT, 300, now() - 3 * DAY, now() - HOUR)
    for place, one in enumerate(groups(40)):
        source.logs[one] = []
        if place % 4:
            source.spread(one, 10, now() - 3 * DAY, now() - HOUR)
    return source


def test_an_idle_run_is_one_query_an_organization_and_six_requests_more(many: HostileSource, tmp_path: Path) -> None:
    with serving(many):
        assert_done(collect(many, tmp_path, "--since", "4d"))
        many.forget()
        run = collect(many, tmp_path)
        assert_done(run, 0)
    assert [many.asked(one) for one in many.logs] == [1] * 41
    assert many.others.total() <= 6, many.others
    assert all(count == 1 for count in many.others.values()), many.others
    assert run.summary["requests"] <= 41 + 6


@pytest.mark.parametrize("count", [1, 20, 199])
def test_new_entries_cost_hardly_more_than_nothing_new(many: HostileSource, tmp_path: Path, count: int) -> None:
    with serving(many):
        assert_done(collect(many, tmp_path, "--since", "4d"))
        for one in many.logs:
            many.spread(one, count, now() - 30 * MINUTE, now(), seed="new")
        many.forget()
        assert_done(collect(many, tmp_path), 41 * count)
        assert_exact(many, tmp_path)
    assert len(many.queries) <= 41 * 1.1
    assert many.others.total() <= 6


def test_a_full_page_of_new_entries_costs_a_few_requests_more(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.spread(ROOT, 200, now() - 4 * MINUTE, now(), seed="new")
    source.forget()
    assert_done(collect(source, tmp_path), 200)
    assert source.asked(ROOT) <= 5
    assert source.asked(GROUP) == 1


def test_one_late_entry_in_a_year_of_1000_a_day_costs_20_requests_at_most(tmp_path: Path) -> None:
    source = HostileSource()
    beginning = now() // DAY * DAY - 360 * DAY
    stamps = range(beginning, now() - MINUTE, DAY // 1000)
    source.put(ROOT, [Entry(stamp, b'{"timestamp":%d,"action":"a"}' % stamp) for stamp in stamps])
    with serving(source):
        assert_done(collect(source, tmp_path, "--since", "361d"), len(stamps))
        least = len(stamps) / 200
        assert len(source.queries) <= least * 1.03 + 12, "the backfill itself"
        for age in (200, 1):
            stamp = beginning + (360 - age) * DAY + 7 * HOUR + 1
            source.put(ROOT, [Entry(stamp, b'{"timestamp":%d,"action":"late"}' % stamp)])
            source.forget()
            assert_done(collect(source, tmp_path), 1)
            assert len(source.queries) <= 20, f"{age} days old"
        assert_exact(source, tmp_path)


@pytest.mark.parametrize("age", [HOUR, 30 * HOUR, 3 * DAY])
def test_one_late_entry_in_a_small_log_costs_few_requests(source: HostileSource, tmp_path: Path, age: int) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.add(ROOT, now() - age, seed="late")
    source.forget()
    assert_done(collect(source, tmp_path), 1)
    assert source.asked(ROOT) <= (8 if age > 2 * DAY else 1)
    assert source.asked(GROUP) == 1


def test_a_first_run_costs_its_pages_and_a_few_requests(large: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(large, tmp_path, "--since", "3d"))
    assert len(large.queries) + large.others.total() <= 25 + 12


def test_a_since_over_what_is_held_asks_day_by_day_and_reads_nothing(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.forget()
    assert_done(collect(source, tmp_path, "--since", "5d"), 0)
    assert source.asked(ROOT) <= 6 + 3
    assert source.asked(GROUP) <= 6 + 3


def test_forty_organizations_that_are_read_keep_one_token(many: HostileSource, tmp_path: Path) -> None:
    with serving(many):
        assert_done(collect(many, tmp_path, "--since", "4d"))
    tokens = [count for path, count in many.others.items() if path.endswith("/token")]
    assert tokens == [1]


def test_every_page_is_asked_for_as_documented(large: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(large, tmp_path, "--since", "3d"))
    first = len(large.queries)
    assert_done(collect(large, tmp_path))
    assert not large.queries[first].ascending, "an idle run asks for the newest first"
    odd = [query for query in large.queries if query.offset and query.start != query.end]
    assert all(query.limit == 1 for query in odd), "offsets only in one instant, or to look behind a round total"
    assert all(0 < query.limit <= 200 for query in large.queries)
