from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from tests.anypoint_simulator.client import NOW, entry, simulated

from anypoint_simulator import World, quiet

if TYPE_CHECKING:
    from anypoint_simulator.log import Log

MILLION = 1_000_000


@pytest.fixture(scope="module")
def log() -> Log:
    world = World(quiet(now=NOW, bulk=MILLION, entries_per_day=0))
    return world.logs[world.organizations[1].id]


def test_a_million_entries_are_ready_at_once() -> None:
    started = time.perf_counter()
    World(quiet(now=NOW, bulk=3 * MILLION, entries_per_day=0))
    assert time.perf_counter() - started < 6


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
