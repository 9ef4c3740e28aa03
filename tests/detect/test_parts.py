"""Parts compared in processes of their own give what comparing them in this process gives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.detect.cases import ORGANIZATION, cases, entry
from tests.reading.archives import add, name

from anypoint_simulator import World
from anypoint_simulator.scenario import Scenario
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.detect import parts
from mulesoft_audit.detect.engine import Detector
from mulesoft_audit.detect.rule import load_rules
from mulesoft_audit.ledger.manifest import Damaged
from mulesoft_audit.processes import Processes
from mulesoft_audit.reading import every_core
from mulesoft_audit.reading.blocks import FOREVER
from mulesoft_audit.reading.stream import entries

if TYPE_CHECKING:
    from pathlib import Path

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.detect.finding import Finding

OTHER = "20000000-0000-4000-8000-000000000000"
RULES = load_rules()
LISTS = {"deployers": ["ci"]}


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """An archive with the entries of every case and a simulated incident, odd ones among them, in a part a day."""
    store = LocalStore(tmp_path)
    lines = [line for case in cases() for line in case.entries]
    add(store, ORGANIZATION, lines[::-1])
    world = World(Scenario(now=1_794_000_000, days=2, groups=1, entries_per_day=300, odd_json=0.2, huge=0))
    bodies = [body for log in world.logs.values() for body in log.bodies(range(len(log)), current_names=False)]
    told = [body.replace(b"\n", b" ").replace(b"\r", b" ") for body in bodies]  # as a part holds them
    odd = entry({"action": "purge", "type": "Queue", "object": "q", "by": "?"}, 1_794_000_000_000, 0)
    add(store, OTHER, [*told, odd.replace(b"?", rb"\ud83d")])
    name(store, **{ORGANIZATION: "Aurora", OTHER: "Payments"})
    return store


def found(store: Store, cores: int, since: int = 0) -> tuple[list[Finding], int]:
    detector = Detector(RULES, LISTS)
    seen = parts.seen_in(store, detector.matcher, (since, FOREVER), None, cores=cores)
    return list(detector.findings(seen)), detector.matcher.looked_at


@pytest.mark.parametrize("since", [0, 1_795_166_000_000])
def test_it_is_the_same_in_one_process_and_in_several(store: LocalStore, monkeypatch: pytest.MonkeyPatch, since: int):
    monkeypatch.setattr(every_core, "FEW", 0)
    detector = Detector(RULES, LISTS)
    plain = list(detector.run(entries(store, since)))
    assert plain
    assert found(store, 1, since) == found(store, 2, since) == (plain, detector.matcher.looked_at)


def test_a_store_that_is_no_folder_is_read_here(store: LocalStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(every_core, "FEW", 0)
    expected = found(store, 1)
    monkeypatch.setattr(every_core, "LocalStore", type(None))
    assert found(store, 2) == expected


def test_processes_that_are_killed_cost_nothing_but_time(store: LocalStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(every_core, "FEW", 0)
    expected = found(store, 1)

    class Killed(Processes):
        def worthwhile(self, size: int) -> bool:
            started = super().worthwhile(size)
            for process in self.running:
                process.kill()
                process.join()
            return started

    monkeypatch.setattr(every_core, "Processes", Killed)
    assert found(store, 2) == expected


@pytest.mark.parametrize("cores", [1, 2])
def test_a_damaged_part_ends_it(store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int):
    monkeypatch.setattr(every_core, "FEW", 0)
    damaged = next((tmp_path / "audit" / OTHER).rglob("*.gz"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(Damaged, match=json.dumps(OTHER)[1:-1]):
        found(store, cores)
