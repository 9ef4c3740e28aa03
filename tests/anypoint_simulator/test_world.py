from __future__ import annotations

import collections
import json
import os
import subprocess
import sys

import pytest
from tests.anypoint_simulator.client import NOW, NOW_MS

from anypoint_simulator import Scenario, World, quiet
from anypoint_simulator.catalogue import KINDS, PRODUCTS

FULL = Scenario(now=NOW, entry_ids=False, huge=1, odd_json=0.05)


def bodies(world: World, name: str | None = None) -> list[bytes]:
    """Return the entries of one organization, or of all."""
    chosen = [world.organization(name)] if name else world.organizations
    return [body for item in chosen for body in world.logs[item.id].truth(0, 1 << 60, 1e12, visible=False)]


@pytest.fixture(scope="module")
def world() -> World:
    return World(FULL)


@pytest.fixture(scope="module")
def entries(world: World) -> list[dict]:
    return [json.loads(body) for body in bodies(world)]


def test_the_same_seed_makes_the_same_world_byte_for_byte(world: World) -> None:
    assert bodies(World(FULL)) == bodies(world)


def test_another_seed_makes_another_world(world: World) -> None:
    assert set(bodies(World(Scenario(now=NOW, seed=2)))).isdisjoint(bodies(world))


def test_the_tree_has_a_root_groups_a_grandchild_and_an_empty_group(world: World) -> None:
    depths = collections.Counter(len(item.parents) for item in world.organizations)
    assert depths == {0: 1, 1: 3, 2: 1}
    assert [item.name for item in world.organizations if not world.logs[item.id]] == ["東京支店"]


@pytest.mark.parametrize("groups", [0, 1, 2, 13])
def test_a_world_may_have_any_number_of_groups(groups: int) -> None:
    world = World(quiet(now=NOW, groups=groups, entries_per_day=5))
    assert len({item.id for item in world.organizations}) == groups + 1
    assert len({item.name for item in world.organizations}) == groups + 1


def test_every_documented_kind_of_entry_occurs(entries: list[dict]) -> None:
    found = {
        (e["platform"], e["objects"][0]["objectType"].lower(), e["action"].lower(), e["payload"].get("subaction", ""))
        for e in entries
    }
    wanted = {
        (kind.platform, kind.types[0].lower(), kind.action.lower(), kind.subaction)
        for kind in KINDS
        if kind.platform not in {"Anypoint MQ", "DataGraph"}
    }
    assert wanted <= found
    assert {kind.platform for kind in KINDS} == set(PRODUCTS) == {e["platform"] for e in entries}


def test_logins_are_only_in_the_root(world: World) -> None:
    for item in world.organizations[1:]:
        actions = {json.loads(body)["action"].lower() for body in bodies(world, item.id)}
        assert actions.isdisjoint({"login", "logout"})
    assert sum(json.loads(body)["action"].lower() == "login" for body in bodies(world, world.root.id)) > 200


def test_entries_show_the_oddities_that_are_documented(entries: list[dict]) -> None:
    assert any(len(e["objects"]) == 2 for e in entries)
    assert any(e["userName"] is None and e.get("clientName") for e in entries)
    assert any(e["userName"] == "Anypoint Staff" for e in entries)
    assert any("parentId" in e["objects"][0] for e in entries)
    assert any(e["payload"] == {} for e in entries)
    assert any(e["failed"] for e in entries)
    queues = [e["payload"] for e in entries if e["platform"] == "Anypoint MQ" and "queue" in str(e["objects"]).lower()]
    assert all("properties" not in payload and payload["maxDeliveries"] for payload in queues)
    assert len({e["action"] for e in entries}) > len({e["action"].lower() for e in entries})
    assert any("correlationId" in e for e in entries)


def test_names_are_not_only_ascii(world: World) -> None:
    assert any(not body.isascii() for body in bodies(world))


def test_a_payload_may_have_a_megabyte(world: World) -> None:
    assert sum(len(body) > 1_000_000 for body in bodies(world)) == 1


def test_twins_are_equal_to_the_byte() -> None:
    counts = collections.Counter(bodies(World(quiet(now=NOW, twins=3, entries_per_day=0))))
    assert sorted(counts.values()) == [2, 2, 2]


def test_twins_have_ids_of_their_own_if_entries_have_ids() -> None:
    found = [json.loads(body) for body in bodies(World(quiet(now=NOW, twins=3, entries_per_day=0, entry_ids=True)))]
    assert len({e["id"] for e in found}) == 6
    assert len({e["anypointTransactionId"] for e in found}) == 3


def test_a_long_change_of_rpa_is_split_over_entries_of_one_transaction() -> None:
    found = [json.loads(body) for body in bodies(World(quiet(now=NOW, splits=1, entries_per_day=0)))]
    assert [e["chunk"] for e in found] == [{"index": index, "of": 3} for index in range(3)]
    assert len({(e["timestamp"], e["anypointTransactionId"]) for e in found}) == 1
    assert all(len(e["payload"]["properties"]["definition"]) <= 32768 for e in found)


def test_the_world_is_the_same_in_every_process() -> None:
    program = (
        "import hashlib; from anypoint_simulator import *; world = World(Scenario(now=1759500000.0, days=1));"
        "print(hashlib.sha256(b''.join(b for o in world.organizations for b in"
        " world.logs[o.id].truth(0, 1 << 60, 1e12, visible=False))).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_a_burst_lies_in_one_millisecond() -> None:
    found = [json.loads(body)["timestamp"] for body in bodies(World(quiet(now=NOW, burst=500, entries_per_day=0)))]
    assert len(found) == 500
    assert len(set(found)) == 1


def test_ids_and_organization_ids_are_switches() -> None:
    for ids, organizations in ((True, False), (False, True)):
        world = World(quiet(now=NOW, entry_ids=ids, organization_ids=organizations, entries_per_day=20))
        for body in bodies(world):
            assert ("id" in json.loads(body)) is ids
            assert ("organizationId" in json.loads(body)) is organizations


def test_days_are_busier_than_nights_and_weekends() -> None:
    world = World(quiet(now=NOW, days=14, entries_per_day=300, groups=0))
    hours, weekdays = collections.Counter(), collections.Counter()
    for body in bodies(world):
        moment = json.loads(body)["timestamp"] // 1000
        hours[moment % 86400 // 3600] += 1
        weekdays[(moment // 86400 + 3) % 7] += 1
    assert hours[9] > 5 * hours[3]
    assert weekdays[1] > 2 * weekdays[6]


def test_nothing_happens_after_now_unless_days_ahead_are_asked_for() -> None:
    assert max(json.loads(body)["timestamp"] for body in bodies(World(quiet(now=NOW)))) <= NOW_MS
    ahead = [json.loads(body)["timestamp"] for body in bodies(World(quiet(now=NOW, days_ahead=1)))]
    assert max(ahead) > NOW_MS + 12 * 3600 * 1000


def test_the_incident_can_be_followed_from_the_failures_to_the_deleted_secrets() -> None:
    world = World(quiet(now=NOW, incident=True, entries_per_day=0))
    root = [json.loads(body) for body in bodies(world, world.root.id)]
    assert sum(e["payload"].get("subaction") == "Failure" for e in root) >= 50
    tokens = [e for e in root if e["payload"].get("subaction") == "Token"]
    assert {e["payload"]["properties"]["clientIP"] for e in tokens} == {"203.0.113.66"}
    granted = [e for e in tokens if "error" not in e["payload"]["properties"]]
    intruder = {e["clientId"] for e in granted[-5:]}  # the app that the intruder made
    group = [json.loads(body) for body in bodies(world, world.organizations[1].id)]
    assert {e["clientId"] for e in group} == intruder
    assert {(e["objects"][0]["objectType"].lower(), e["action"].lower()) for e in group} >= {
        ("api policy", "delete"),
        ("queue", "purge"),
        ("secretgroup", "delete"),
    }


def test_odd_json_is_legal_and_really_odd() -> None:
    found = bodies(World(quiet(now=NOW, days=2, odd_json=1)))
    text = b"\n".join(found)
    for mark in (b"340282366920938463463374607431768211457", rb"\ud83d pair", b"1.0E+2", rb"\/", b"[" * 30, b'{\n  "'):
        assert mark in text
    assert rb'"name":"first","name":"second"' in text
    assert all(isinstance(json.loads(body)["timestamp"], int) for body in found)


def test_without_odd_json_every_entry_is_compact() -> None:
    assert not any(b"\n" in body for body in bodies(World(quiet(now=NOW))))
