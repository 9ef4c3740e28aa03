from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.anypoint_simulator.client import NOW, NOW_MS, Client, entry, simulated

from anypoint_simulator import quiet

VERSIONED = "&getVersionedObjectsInLogs=true"
TOTAL = "?cursorPagination=true&doIncludeTotal=true"


@settings(max_examples=30, deadline=None)
@given(
    limit=st.integers(1, 200), ascending=st.booleans(), platforms=st.sampled_from([[], ["CoreServices"], ["exchange"]])
)
def test_paging_by_cursor_gives_the_truth_whatever_the_page_size(
    reader: Client, limit: int, ascending: bool, platforms: list[str]
) -> None:
    group = reader.anypoint.organizations[1]
    expected = [e for e in reader.truth(group) if not platforms or e["platform"] in platforms]
    found = reader.everything(group, VERSIONED, limit=limit, ascending=ascending, platforms=platforms)
    assert found == (expected if ascending else expected[::-1])


@settings(max_examples=30, deadline=None)
@given(limit=st.integers(1, 200), ascending=st.booleans(), platforms=st.sampled_from([[], ["CoreServices"]]))
def test_paging_by_offset_gives_the_truth_whatever_the_page_size(
    reader: Client, limit: int, ascending: bool, platforms: list[str]
) -> None:
    group = reader.anypoint.organizations[1]
    expected = [e for e in reader.truth(group) if not platforms or e["platform"] in platforms]
    found: list[dict[str, Any]] = []
    while page := reader.query(
        group,
        "?getVersionedObjectsInLogs=true",
        limit=limit,
        ascending=ascending,
        platforms=platforms,
        offset=len(found),
    )["data"]:
        found += page
    assert found == (expected if ascending else expected[::-1])


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("limit", [1, 7, 100, 200])
def test_a_cursor_amid_one_millisecond_neither_skips_nor_repeats(limit: int, ascending: bool) -> None:
    with simulated(quiet(now=NOW, groups=0, entries_per_day=0, burst=150)) as client:
        client.log_in()
        root = client.anypoint.root
        client.anypoint.add_entries(root, [entry(NOW_MS), entry(NOW_MS)])
        found = client.everything(root, VERSIONED, limit=limit, ascending=ascending)
        assert found == client.truth(root)[:: 1 if ascending else -1]


def test_every_page_but_the_empty_one_has_a_cursor(reader: Client) -> None:
    group = reader.anypoint.organizations[1]
    page = reader.query(group, "?cursorPagination=true")
    assert "total" not in page
    assert len(page["data"]) < 200  # the last page with entries has one too
    assert reader.query(group, "?cursorPagination=true", cursor=page["cursor"]) == {"data": []}


def test_the_total_is_of_the_whole_query_on_every_page(client: Client) -> None:
    group = client.anypoint.organizations[1]
    count = len(client.truth(group))
    page = client.query(group, TOTAL, limit=count - 1)
    assert page["total"] == count
    page = client.query(group, TOTAL, limit=count - 1, cursor=page["cursor"])
    assert (page["total"], len(page["data"])) == (count, 1)
    assert client.query(group, TOTAL, cursor=page["cursor"]) == {"data": [], "total": count}
    client.anypoint.change(total_on_empty_page=False)
    assert client.query(group, TOTAL, cursor=page["cursor"]) == {"data": []}


def test_totals_may_be_capped(client: Client) -> None:
    client.anypoint.change(total_cap=10)
    group = client.anypoint.organizations[1]
    assert client.query(group)["total"] == client.query(group, TOTAL)["total"] == 10
    assert len(client.query(group)["data"]) > 10


def test_an_offset_is_ignored_in_cursor_mode_and_a_cursor_in_offset_mode(reader: Client) -> None:
    group = reader.anypoint.organizations[1]
    first = reader.query(group, "?cursorPagination=true", limit=3)
    assert reader.query(group, "?cursorPagination=true", limit=3, offset=2)["data"] == first["data"]
    assert reader.query(group, limit=3, cursor=first["cursor"])["data"] == first["data"]


def test_an_offset_beyond_the_end_is_an_empty_page(reader: Client) -> None:
    group = reader.anypoint.organizations[1]
    for ascending in (True, False):
        page = reader.query(group, offset=1_000_000, ascending=ascending)
        assert page == {"data": [], "total": len(reader.truth(group))}


@pytest.mark.parametrize("cursor", ["x", "1_2", "123_abcd", "1759_" + "0" * 32, "'"])
def test_a_wrong_cursor_is_refused(reader: Client, cursor: str) -> None:
    answer = reader.post(reader.anypoint.root, {"startDate": 0, "cursor": cursor}, "?cursorPagination=true")
    assert answer.status == 400


def test_a_cursor_may_expire(client: Client) -> None:
    client.anypoint.change(cursor_expiry_seconds=30)
    group = client.anypoint.organizations[1]
    body = {"startDate": 0, "cursor": client.query(group, "?cursorPagination=true", limit=1)["cursor"]}
    client.clock.now += 29
    assert client.post(group, body, "?cursorPagination=true").status == 200
    client.clock.now += 2
    assert client.post(group, body, "?cursorPagination=true").status == 400


@pytest.mark.parametrize(
    ("bound", "dates", "filters"), [("query", 400, 400), ("filters", 200, 400), ("nothing", 200, 200)]
)
def test_a_cursor_is_bound_to_what_the_switch_says(client: Client, bound: str, dates: int, filters: int) -> None:
    client.anypoint.change(cursor_bound_to=bound)
    group = client.anypoint.organizations[1]
    cursor = client.query(group, "?cursorPagination=true", limit=1)["cursor"]
    for changed, status in (({}, 200), ({"endDate": NOW_MS}, dates), ({"actions": ["Edit"]}, filters)):
        body = {"startDate": 0, "cursor": cursor, "limit": 2, **changed}
        assert client.post(group, body, "?cursorPagination=true").status == status


def test_an_entry_that_arrives_behind_the_cursor_is_missed_and_ahead_of_it_is_seen(client: Client) -> None:
    group = client.anypoint.organizations[1]
    entries = client.truth(group)
    page = client.query(group, "?cursorPagination=true", limit=20)
    behind, ahead = entry(entries[5]["timestamp"], platform="behind"), entry(NOW_MS, platform="ahead")
    client.anypoint.add_entries(group, [behind, ahead])
    rest = client.query(group, "?cursorPagination=true", cursor=page["cursor"])["data"]
    assert rest[-1] == ahead
    assert behind not in rest
    assert len(rest) == len(entries) - 20 + 1
