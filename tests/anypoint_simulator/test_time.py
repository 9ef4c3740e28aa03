"""Entries that appear late, entries to come, and names that change."""

from __future__ import annotations

import pytest
from tests.anypoint_simulator.client import NOW, NOW_MS, Client, entry, read, simulated

from anypoint_simulator import Behaviour, quiet
from anypoint_simulator.log import with_names
from anypoint_simulator.world import World

VERSIONED = "&getVersionedObjectsInLogs=true"


def test_a_late_share_of_the_entries_appears_after_its_delay() -> None:
    late = Behaviour(late_share=0.3, late_seconds=4 * 3600, token_entries=False)
    with simulated(quiet(now=NOW, entries_per_day=300), late) as client:
        client.log_in()
        group = client.anypoint.organizations[1]
        exists, shown = client.truth(group), client.everything(group, VERSIONED)
        recent = [e for e in exists if e["timestamp"] > NOW_MS - 4 * 3600 * 1000]
        missing = [e for e in exists if e not in shown]
        assert all(e in recent for e in missing)
        assert 0.1 < len(missing) / len(recent) < 0.5
        assert client.truth(group, visible=True) == shown
        client.clock.now += 4 * 3600
        client.log_in()
        assert client.everything(group, VERSIONED) == exists == client.truth(group)


def test_a_late_entry_appears_exactly_when_it_is_due(client: Client) -> None:
    client.anypoint.change(late_share=1, late_seconds=600)
    root = client.anypoint.root
    client.anypoint.add_entries(root, [entry(NOW_MS - 100_000)])
    before = client.query(root)["total"]
    client.clock.now = NOW + 499
    assert client.query(root)["total"] == before
    client.clock.now = NOW + 500
    assert client.query(root)["total"] == before + 1


def test_an_added_entry_may_be_held_back_by_any_time(client: Client) -> None:
    root = client.anypoint.root
    client.anypoint.add_entries(root, [entry(5)], visible_after=86_400)
    assert client.query(root, endDate=5)["total"] == 0
    assert client.truth(root, 5, 5) == [entry(5)]
    assert client.truth(root, 5, 5, visible=True) == []
    client.anypoint.change(clock_offset_seconds=86_400)
    client.log_in()
    assert client.query(root, endDate=5)["total"] == 1


def test_entries_to_come_exist_once_their_time_has() -> None:
    with simulated(quiet(now=NOW, days_ahead=1, entries_per_day=200)) as client:
        client.log_in()
        group = client.anypoint.organizations[1]
        before = client.truth(group)
        assert client.everything(group, VERSIONED) == before
        assert all(e["timestamp"] <= NOW_MS for e in before)
        client.clock.now += 12 * 3600
        client.log_in()
        after = client.everything(group, VERSIONED)
        assert after == client.truth(group)
        assert len(after) > len(before)
        assert after[len(before)]["timestamp"] > NOW_MS


def names(entries: list[dict]) -> set[str]:
    """Return the object names of entries."""
    return {item["objectName"] for e in entries for item in e["objects"]}


def test_old_entries_show_present_names_unless_versioned_objects_are_asked_for() -> None:
    with simulated(quiet(now=NOW, days=5, entries_per_day=200)) as client:
        client.log_in()
        group = client.anypoint.organizations[1]
        then, present = client.everything(group, VERSIONED), client.everything(group)
        assert then == client.truth(group)
        changed = [(old, new) for old, new in zip(then, present, strict=True) if old != new]
        assert changed
        for old, new in changed:
            assert [item["objectId"] for item in old["objects"]] == [item["objectId"] for item in new["objects"]]
            assert {k: v for k, v in old.items() if k != "objects"} == {k: v for k, v in new.items() if k != "objects"}
            assert any("renamed" in item["objectName"] for item in new["objects"])
        assert any("renamed" in name for name in names(then))  # entries after a rename have the new name anyway
        client.anypoint.change(renames=False)
        assert client.everything(group) == then


def test_a_rename_while_it_runs_changes_old_entries(client: Client) -> None:
    root = client.anypoint.root
    client.anypoint.add_entries(root, [entry(7)])
    client.anypoint.rename(root, "u-1", 'some "body" else é')
    assert names(client.query(root, endDate=7)["data"]) == {'some "body" else é'}
    assert names(client.query(root, "?getVersionedObjectsInLogs=true", endDate=7)["data"]) == {"someone"}


@pytest.mark.parametrize(
    "spelled",
    [b'{"timestamp":1,"objects":[{"objectId":"o","objectName" :\r\n"\\u00fcber/n"}]}'],
)
def test_a_rename_leaves_every_other_byte_alone(spelled: bytes) -> None:
    with simulated() as client:
        client.anypoint.add_entries(client.anypoint.root, [spelled])
        found = client.world_entry(spelled)
        assert with_names(found, {"o": "new"}) == spelled.replace(b'"\\u00fcber/n"', b'"new"')


def test_renamed_objects_keep_their_present_name_in_every_spelling() -> None:
    world = World(quiet(now=NOW, days=5, odd_json=1))
    for log in world.logs.values():
        versions = zip(
            log.bodies(range(len(log)), current_names=False),
            log.bodies(range(len(log)), current_names=True),
            strict=True,
        )
        for _, present in versions:
            for item in read(present)["objects"]:
                assert item["objectName"] == log.renamed.get(item["objectId"], item["objectName"])
