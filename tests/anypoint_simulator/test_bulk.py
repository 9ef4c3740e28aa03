from __future__ import annotations

import json
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from tests.anypoint_simulator.client import NOW, NOW_MS, Client, Clock, entry, simulated

from anypoint_simulator import Behaviour, World, quiet, running

if TYPE_CHECKING:
    from anypoint_simulator.log import Log

MILLION = 1_000_000


@pytest.fixture(scope="module")
def log() -> Log:
    world = World(quiet(now=NOW, bulk=MILLION, entries_per_day=0))
    return world.logs[world.organizations[1].id]


def test_bulk_entries_are_in_order_within_one_day(log: Log) -> None:
    assert len(log) == MILLION
    keys = [log.key(position) for position in range(0, MILLION, 997)]
    assert keys == sorted(keys)
    assert log.key(0)[0] // 86_400_000 == log.key(MILLION - 1)[0] // 86_400_000 == NOW * 1000 // 86_400_000 - 1


def test_bulk_entries_differ_and_say_their_own_moment(log: Log) -> None:
    found = log.bodies(range(5000, 7000), current_names=False)
    assert len(set(found)) == 2000
    for position, body in zip(range(5000, 7000), found, strict=True):
        assert json.loads(body)["timestamp"] == log.key(position)[0]
    assert 1000 < sum(map(len, found)) / 2000 < 1300


def test_a_page_over_the_turn_of_an_hour_is_the_same_as_its_entries_one_by_one(log: Log) -> None:
    turn = log.rank(log.key(0)[0] + 3_600_000)
    found = log.bodies(range(turn - 300, turn + 300), current_names=False)
    assert found == [log.bodies([position], current_names=False)[0] for position in range(turn - 300, turn + 300)]


def test_rank_finds_every_position_again(log: Log) -> None:
    for position in range(0, MILLION, 9973):
        assert log.rank(*log.key(position)) == position


def test_entries_added_to_a_bulk_log_lie_between_its_own() -> None:
    with simulated(quiet(now=NOW, bulk=5000, entries_per_day=0)) as client:
        client.log_in()
        group = client.anypoint.organizations[1]
        times = [e["timestamp"] for e in client.truth(group)]
        added = [times[10], times[10] + 1, times[4990] + 1]
        client.anypoint.add_entries(group, [entry(moment, platform="added") for moment in added])
        found = client.everything(group)
        assert found == client.truth(group)
        assert [e["timestamp"] for e in found] == sorted([*times, *added])
        assert [e["timestamp"] for e in client.everything(group, platforms=["added"])] == added


def test_a_page_newest_first_is_the_same_page_turned_round(log: Log) -> None:
    backwards = range(6999, 4999, -1)
    assert log.bodies(backwards, current_names=False) == log.bodies(range(5000, 7000), current_names=False)[::-1]


@pytest.mark.parametrize("held", [0, 300])
def test_a_page_of_millions_by_offset_costs_no_more_than_a_page(held: int) -> None:
    """What a query asks of the log: positions by bisection and one page of bodies, never a look at every entry."""
    world = World(quiet(now=NOW, bulk=3 * MILLION, entries_per_day=0))
    group = world.organizations[1].id
    with running(world, Behaviour(token_entries=False), clock=lambda: NOW) as anypoint:
        log = world.logs[group]
        moments = [log.key(position)[0] for position in range(0, 3 * MILLION, MILLION // 10)]
        anypoint.add_entries(group, [entry(moments[index % 30], platform="added") for index in range(held)])
        client = Client(anypoint, Clock())
        client.log_in()
        read_one_by_one = Mock(wraps=log.key)
        log.key = read_one_by_one
        for moment in moments:
            upwards = client.query(group, startDate=moment, endDate=NOW_MS, limit=200)
            downwards = client.query(group, startDate=0, endDate=moment, limit=200, ascending=False)
            at_it = client.query(group, startDate=moment, endDate=moment)["total"]
            assert upwards["total"] + downwards["total"] - at_it == 3 * MILLION + held
            assert upwards["data"][0]["timestamp"] == downwards["data"][0]["timestamp"] == moment
            assert len(upwards["data"]) == 200
        client.http.clear()
    assert read_one_by_one.call_count == 0


def test_the_total_of_any_range_of_a_bulk_log_is_that_of_its_entries(log: Log) -> None:
    moments = [log.key(position)[0] for position in range(5000)]
    for first, last in ((0, 0), (0, 4998), (17, 18), (1000, 4000)):
        inside = sum(moments[first] <= moment <= moments[last] for moment in moments)
        assert len(log.span(moments[first], moments[last])) == inside
        assert len(log.span(moments[last], moments[first] - 1)) == 0
