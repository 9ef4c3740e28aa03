"""What this tool did not make is not touched, unless it was told to take it over."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from tests.cloud.deploy.harness import Bench, acting, deployment

from mulesoft_audit.cloud.deploy import engine
from mulesoft_audit.cloud.deploy.resource import ADOPTED, LABEL
from mulesoft_audit.errors import AuditError, DeploymentError, UsageError

BUCKET = "b/acme-logs-mulesoft-audit-logs"
TOPIC = "projects/acme-logs/topics/mulesoft-audit-trigger"
ACCOUNT = "projects/acme-logs/serviceAccounts/mulesoft-logs-collector-sa@acme-logs.iam.gserviceaccount.com"
OTHER = {"role": "roles/storage.admin", "members": ["user:owner@example.com"]}


def foreign_bucket(bench: Bench, **changes: Any) -> None:
    thing = {"name": BUCKET[2:], "location": "EUROPE-WEST3", "storageClass": "STANDARD", **changes}
    bench.world.things[BUCKET] = thing
    bench.world.policies[BUCKET] = {"bindings": [dict(OTHER)]}


def test_a_bucket_of_somebody_else_is_refused_before_anything_is_changed(bench: Bench) -> None:
    foreign_bucket(bench)
    with pytest.raises(
        DeploymentError, match=r"not made by this tool and differ.*bucket acme-logs-mulesoft-audit-logs"
    ):
        bench.apply()
    assert bench.mutations() == []


def test_a_plan_shows_the_refusal_and_how_it_differs(bench: Bench) -> None:
    foreign_bucket(bench)
    step = next(step for step in bench.plan() if step.resource.kind == "bucket")
    assert step.action == engine.REFUSED
    assert "versioning.enabled" in [change.field for change in step.changes]
    assert "--adopt" in step.note


def test_one_that_is_as_wanted_is_used_as_it_is(bench: Bench) -> None:
    bench.apply()
    del bench.world.things[BUCKET]["labels"]
    before = len(bench.mutations())
    assert acting(bench.apply()) == []
    assert bench.mutations()[before:] == []
    assert any("used as it is" in step.note for step in bench.plan())


def test_adopting_takes_over_and_destroying_leaves_what_was_adopted(bench: Bench) -> None:
    foreign_bucket(bench, labels={"cost-center": "42"})
    bench.world.things[TOPIC] = {"name": TOPIC}
    bench.apply(adopt=True)
    assert bench.world.things[BUCKET]["labels"] == {"cost-center": "42", LABEL: ADOPTED}
    assert bench.world.things[TOPIC]["labels"] == {LABEL: ADOPTED}
    assert acting(bench.plan()) == []
    bench.config = deployment(delete_after_days=30)
    assert acting(bench.apply()) == ["change bucket acme-logs-mulesoft-audit-logs"]
    assert bench.world.things[BUCKET]["labels"][LABEL] == ADOPTED
    bench.destroy()
    assert {BUCKET, TOPIC} <= set(bench.world.things)


def test_destroying_leaves_nothing_of_ours_and_everything_of_others(bench: Bench) -> None:
    foreign: dict[str, dict[str, Any]] = {
        "projects/acme-logs/topics/orders": {"name": "projects/acme-logs/topics/orders"},
        "projects/acme-logs/alertPolicies/1": {
            "name": "projects/acme-logs/alertPolicies/1",
            "userLabels": {"mulesoft-audit-alert": "run-silent"},
        },
        "projects/acme-logs/serviceAccounts/web@acme-logs.iam.gserviceaccount.com": {"description": "the web shop"},
    }
    bench.world.things.update(foreign)
    bench.apply()
    bench.destroy()
    assert set(bench.world.things) == set(foreign)
    assert [name for name, policy in bench.world.policies.items() if policy["bindings"]] == []
    assert acting(bench.destroy()) == ["leave services Google APIs"]


@pytest.mark.parametrize("fault", ["lose", "break", "refuse", "deny"])
def test_a_destroy_that_fails_anywhere_is_finished_by_the_next(bench: Bench, fault: str) -> None:
    """Fail each write of a destroy in turn; the next destroy leaves nothing of ours."""
    bench.apply()
    start = bench.plane.calls
    bench.destroy()
    writes = [call - start for call in bench.plane.writes if call > start]
    for write in writes[:: 1 if fault == "lose" else 4]:
        bench.apply()
        bench.plane.faults = {bench.plane.calls + write: fault}
        with contextlib.suppress(AuditError):
            bench.destroy()
        bench.plane.faults = {}
        bench.destroy()
        assert set(bench.world.things) == set(), f"{fault} at write {write}"


def test_bindings_of_others_survive_both_ways_with_their_conditions(bench: Bench) -> None:
    bench.apply()
    condition = {"title": "office hours", "expression": "request.time.getHours() < 18"}
    theirs = [
        dict(OTHER),
        {"role": "roles/storage.objectViewer", "members": ["user:a@example.com"], "condition": condition},
    ]
    bench.world.policies[BUCKET]["bindings"] += theirs
    bench.world.policies[BUCKET]["bindings"][0]["members"].append("user:b@example.com")
    bench.world.things[f"{BUCKET}/objects/audit/x"] = {"name": "audit/x", "generation": "1", "updated": ""}
    bench.config = deployment(confine_overwrites=False)
    bench.apply()
    bench.destroy()
    bench.config = deployment()
    bench.destroy()
    left = bench.world.policies[BUCKET]["bindings"]
    assert all(binding in left for binding in theirs)
    assert [m for b in left for m in b["members"]].count("user:b@example.com") == 1
    assert not any("mulesoft-logs-collector-sa" in m for b in left for m in b["members"])


def test_a_policy_that_changes_in_between_is_read_again(bench: Bench) -> None:
    """Somebody else writes to the bucket's policy between our read and our write: both changes stay."""
    bench.apply()
    bench.world.policies[BUCKET]["bindings"].clear()
    original, raced = bench.world.set_policy, []

    def racing(name: str, policy: dict[str, Any]) -> dict[str, Any]:
        if name == BUCKET and not raced:
            raced.append(name)
            bench.world.policies[BUCKET]["bindings"].append(dict(OTHER))
        return original(name, policy)

    bench.world.set_policy = racing
    bench.apply()
    assert OTHER in bench.world.policies[BUCKET]["bindings"]
    assert acting(bench.plan()) == []
    assert any("changed by somebody else" in text for text in bench.told)


def test_a_bucket_with_logs_stays_unless_told_twice(bench: Bench) -> None:
    bench.apply()
    for number in (1, 2):
        key = f"{BUCKET}/objects/audit/org/{number}.json.gz"
        bench.world.things[key] = {"name": f"audit/org/{number}.json.gz", "generation": str(number), "updated": ""}
    assert "leave bucket acme-logs-mulesoft-audit-logs" in acting(bench.destroy())
    assert BUCKET in bench.world.things
    bench.destroy(delete_logs=True)
    assert not [name for name in bench.world.things if name.startswith(BUCKET)]


def test_a_bucket_elsewhere_cannot_be_moved(bench: Bench) -> None:
    bench.apply()
    bench.config = deployment(bucket_location="US")
    with pytest.raises(UsageError, match="lies in EUROPE-WEST3, not in US"):
        bench.apply()


def test_a_disabled_account_of_ours_is_enabled_again(bench: Bench) -> None:
    bench.apply()
    bench.world.things[ACCOUNT]["disabled"] = True
    assert acting(bench.apply()) == ["change account mulesoft-logs-collector-sa"]
    assert acting(bench.plan()) == []


def test_a_paused_schedule_stays_paused(bench: Bench) -> None:
    bench.apply()
    job = next(thing for name, thing in bench.world.things.items() if "/jobs/" in name)
    job["state"] = "PAUSED"
    assert acting(bench.apply()) == []
    assert job["state"] == "PAUSED"


def test_a_second_alert_of_ours_is_deleted(bench: Bench) -> None:
    bench.apply()
    name, alert = next((n, t) for n, t in bench.world.things.items() if "/alertPolicies/" in n)
    bench.world.things[f"{name}9"] = {**alert, "name": f"{name}9"}
    bench.apply()
    assert f"{name}9" not in bench.world.things
    assert acting(bench.plan()) == []
