"""From any partial state, and after a failure at any call, applying ends in the same place."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cloud.deploy.harness import VALUE, Bench, Killed, acting, deployment, source
from tests.control_plane import ControlPlane, World
from tests.control_plane.server import FAULTS

from mulesoft_audit.cloud.deploy import engine
from mulesoft_audit.errors import AuditError

# What Google makes along with a function or a secret, and only Google can make again.
GOOGLES_OWN = ("/versions/", "/services/", "/triggers/", "/subscriptions/eventarc-")
# Every call is tried with MULESOFT_AUDIT_EXHAUSTIVE=1 (some minutes); otherwise every eighth, and every write.
STRIDE = 1 if os.environ.get("MULESOFT_AUDIT_EXHAUSTIVE") else 8


def ended(world: World) -> str:
    """Return the end state, without what may differ: how often the secret was stored, and its salted fingerprint."""
    state = json.loads(world.snapshot())
    for name in [one for one in state["things"] if "/versions/" in one and not one.endswith("/versions/1")]:
        del state["things"][name]
    text = json.dumps(state, indent=1, sort_keys=True)
    for thing in state["things"].values():
        for note in thing.get("annotations", {}).values():
            text = text.replace(note, "fingerprint")
    return without_numbers(text)


def without_numbers(text: str) -> str:
    """Return the text with feeds and alerts numbered alike: Google numbers them as they come."""
    return re.sub(
        r"feed-\d+|alertPolicies/\d+|notificationChannels/\d+", lambda match: match[0].rstrip("0123456789") + "N", text
    )


@dataclass(frozen=True)
class Clean:
    """An apply without trouble: where it ends, how many calls it takes, and which of them change something."""

    state: str
    calls: int
    writes: tuple[int, ...]

    def __repr__(self) -> str:
        return "Clean(…)"


@pytest.fixture(scope="module")
def clean() -> Clean:
    with ControlPlane(World()) as plane:
        bench = Bench(plane)
        bench.apply()
        assert plane.violations == []
        return Clean(ended(plane.world), plane.calls, tuple(plane.writes))


def recovered(faults: dict[int, str], lives: int = -1, lag: int = 0) -> tuple[str, list[str], list[str]]:
    """Apply with trouble, then again without; return where it ends, what is left to do, and what was not allowed."""
    with ControlPlane(World(lag=lag)) as plane:
        bench = Bench(plane)
        plane.faults = dict(faults)
        with contextlib.suppress(AuditError, Killed):
            bench.apply(lives=lives)
        plane.faults = {}
        bench.apply()
        left = acting(bench.plan())
        bench.close()
        return ended(plane.world), left, plane.violations


def test_an_apply_that_is_killed_before_any_call_is_finished_by_the_next(clean: Clean) -> None:
    for lives in range(0, clean.calls, STRIDE):
        assert recovered({}, lives=lives) == (clean.state, [], []), f"killed before call {lives + 1}"


def test_an_answer_lost_after_any_write_leaves_no_trace(clean: Clean) -> None:
    for call in clean.writes:
        assert recovered({call: "lose"}) == (clean.state, [], []), f"lost the answer to call {call}"


def test_a_process_killed_right_after_any_write_leaves_no_trace(clean: Clean) -> None:
    for call in clean.writes[:: max(1, STRIDE // 2)]:
        assert recovered({}, lives=call) == (clean.state, [], []), f"killed after call {call}"


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_at_any_call_leaves_no_trace(clean: Clean, fault: str) -> None:
    stride = 3 * STRIDE
    for call in range(1 + 4 * sorted(FAULTS).index(fault) % stride, clean.calls + 1, stride):
        assert recovered({call: fault}) == (clean.state, [], []), f"{fault} at call {call}"


@settings(max_examples=120 // STRIDE, deadline=None, derandomize=True)
@given(st.data())
def test_many_faults_at_once_and_a_slow_world_change_nothing_about_the_end(clean: Clean, data: st.DataObject) -> None:
    calls = data.draw(st.lists(st.integers(1, 250), max_size=12, unique=True))
    faults = {call: data.draw(st.sampled_from(sorted(FAULTS))) for call in calls}
    lag = data.draw(st.integers(0, 3))
    lives = data.draw(st.integers(20, 300))
    assert recovered(faults, lives=lives, lag=lag) == (clean.state, [], [])


def test_any_part_that_is_missing_is_made_again() -> None:
    """Delete random things behind the tool's back: one apply brings them back."""
    chance = random.Random(4)
    for _ in range(36 // STRIDE):
        with ControlPlane(World()) as plane:
            bench = Bench(plane)
            bench.apply()
            removable = [name for name in plane.world.things if not any(part in name for part in GOOGLES_OWN)]
            for name in chance.sample(removable, 3):
                plane.world.things.pop(name, None)
                plane.world.policies.pop(name, None)
            bench.apply()
            assert acting(bench.plan()) == []
            bench.close()
            assert plane.violations == []


def test_a_second_apply_changes_nothing(bench: Bench) -> None:
    bench.apply()
    before = len(bench.mutations())
    assert acting(bench.apply()) == []
    assert bench.mutations()[before:] == []


def test_a_plan_reads_only(bench: Bench) -> None:
    bench.plan()
    bench.apply()
    done = len(bench.mutations())
    bench.plan()
    assert len(bench.mutations()) == done


@pytest.mark.parametrize("lag", [1, 4])
def test_waits_are_bounded_and_shown(bench: Bench, lag: int) -> None:
    bench.world.lag = lag
    start = bench.world.clock.now
    bench.apply()
    assert bench.world.clock.now - start < 1200
    assert any(text.startswith("waiting to") for text in bench.told)


def test_what_never_shows_is_reported_with_what_it_waited_for(bench: Bench) -> None:
    bench.world.lag = 1000
    with pytest.raises(AuditError, match="Google APIs: Waited 300 s to enable APIs, in vain"):
        bench.apply()


def test_the_secret_is_in_no_request_but_the_one_that_stores_it(bench: Bench) -> None:
    import base64

    bench.apply()
    forms = (VALUE, base64.b64encode(VALUE.encode()).decode())
    carrying = [path for _, path, query, body in bench.world.log if any(f in json.dumps([query, body]) for f in forms)]
    assert carrying == [
        "secretmanager.googleapis.com/v1/projects/acme-logs/secrets/mulesoft-audit-client-secret:addVersion"
    ]
    plan = json.dumps([step.summary() for step in bench.plan()])
    assert not any(form in plan + repr(bench.config) + "".join(bench.told) for form in forms)


def test_another_secret_is_stored_once_more(bench: Bench) -> None:
    from mulesoft_audit.secret import Secret

    bench.apply()
    bench.config = deployment(client_secret=Secret("another"))
    assert acting(bench.apply()) == ["change secret mulesoft-audit-client-secret"]
    bench.config = deployment(client_secret=None)
    assert acting(bench.apply()) == []
    versions = bench.world.below("projects/acme-logs/secrets/mulesoft-audit-client-secret/versions/")
    assert [version["payload"] for version in versions] == [VALUE, "another"]


def test_settings_that_change_are_changed_in_place(bench: Bench) -> None:
    bench.apply()
    bench.config = deployment(
        memory="1Gi",
        schedule="*/15 * * * *",
        delete_after_days=90,
        environment={"HTTP_TIMEOUT": "30"},
        labels={"team": "secops"},
        channels=("projects/acme-logs/notificationChannels/1",),
        delivery_attempts=5,
    )
    bench.source = source("def main(event): return 1\n")
    changed = {step.resource.kind for step in bench.apply() if step.action == engine.CHANGE}
    assert changed == {"bucket", "topic", "subscription", "function", "job", "alert", "channel", "delivery"}
    assert acting(bench.plan()) == []
    function = next(thing for name, thing in bench.world.things.items() if "/functions/" in name)
    assert function["serviceConfig"]["environmentVariables"]["HTTP_TIMEOUT"] == "30"
    bench.config = deployment(labels={"team": "secops"})
    bench.apply()
    function = next(thing for name, thing in bench.world.things.items() if "/functions/" in name)
    assert "HTTP_TIMEOUT" not in function["serviceConfig"]["environmentVariables"]


def test_an_unchanged_source_is_not_uploaded_again(bench: Bench) -> None:
    bench.apply()
    assert len(bench.world.uploads) == 1
    bench.config = deployment(memory="1Gi")
    bench.apply()
    assert len(bench.world.uploads) == 1
