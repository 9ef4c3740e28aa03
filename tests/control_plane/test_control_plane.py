"""The control plane is only worth something if it refuses what Google would refuse."""

from __future__ import annotations

from typing import Any

import pytest
from tests.control_plane.discovery import APIS, Violation, description
from tests.control_plane.registry import HANDLERS
from tests.control_plane.server import ControlPlane
from tests.control_plane.world import World

JOBS = "v1/projects/p/locations/l/jobs"
FUNCTION = "v2/projects/p/locations/l/functions"


def refused(host: str, verb: str, path: str, body: dict[str, Any] | None = None, **query: str) -> str:
    with pytest.raises(Violation) as failed:
        description(f"{host}.googleapis.com").check(verb, path, {key: [value] for key, value in query.items()}, body)
    return str(failed.value)


RETRIES = {"retryConfig": {"retryCount": "3"}}
INGRESS = {"serviceConfig": {"ingressSettings": "ALLOW_INTERNAL"}}
SOFT = {"softDeletePolicy": {"retentionDurationSeconds": 604800}}


@pytest.mark.parametrize(
    ("said", "host", "verb", "path", "body"),
    [
        ("$.attemptDeadline: want string", "cloudscheduler", "POST", JOBS, {"attemptDeadline": 540}),
        ("$.attemptDeadline: '540' is no", "cloudscheduler", "POST", JOBS, {"attemptDeadline": "540"}),
        ("$.retryConfig.retryCount: want integer", "cloudscheduler", "POST", JOBS, RETRIES),
        ("$.state: output only", "cloudscheduler", "POST", JOBS, {"state": "PAUSED"}),
        ("$.pubsubtarget: unknown property", "cloudscheduler", "POST", JOBS, {"pubsubtarget": {}}),
        ("$.pubsubTarget.data: '{}' is no byte", "cloudscheduler", "POST", JOBS, {"pubsubTarget": {"data": "{}"}}),
        ("ALLOW_INTERNAL' is not in", "cloudfunctions", "POST", FUNCTION, INGRESS),
        ("no such method", "cloudfunctions", "PUT", FUNCTION, {}),
        ("no such method", "pubsub", "POST", "v1/projects/p/topics/t", {}),
        ("retentionDurationSeconds: want string", "storage", "PATCH", "storage/v1/b/x", SOFT),
    ],
)  # fmt: skip
def test_a_request_that_google_describes_otherwise_is_refused(
    said: str, host: str, verb: str, path: str, body: dict[str, Any]
) -> None:
    assert said in refused(host, verb, path, body)


def test_query_parameters_are_held_against_the_description_too() -> None:
    assert "?project: required" in refused("storage", "POST", "storage/v1/b", {"name": "x"})
    assert "?pagesize: unknown" in refused("cloudscheduler", "GET", JOBS, pagesize="3")
    assert "'many' is no integer" in refused("cloudscheduler", "GET", JOBS, pageSize="many")
    mask = refused("cloudscheduler", "PATCH", f"{JOBS}/j", {}, updateMask="schedule,pubsubTarget.topic")
    assert "updateMask: 'pubsubTarget.topic' is no field" in mask


def test_every_handler_answers_a_method_that_exists() -> None:
    known = {method.id for host in APIS for method in description(host).methods}
    assert set(HANDLERS) <= known


def test_the_world_enforces_references_and_etags() -> None:
    world = World()
    world.make("b/x", {})
    policy = world.policy("b/x")
    world.set_policy("b/x", {**policy, "bindings": [{"role": "r", "members": ["user:a"]}]})
    from tests.control_plane.world import Refusal

    with pytest.raises(Refusal, match="concurrent policy changes"):
        world.set_policy("b/x", policy)
    with pytest.raises(Refusal, match="does not exist"):
        world.set_policy("b/x", {**world.policy("b/x"), "bindings": [{"role": "r", "members": [_member("nobody")]}]})


def _member(name: str) -> str:
    return f"serviceAccount:{name}@acme-logs.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    ("fault", "status", "exists"), [("refuse", 503, False), ("break", 503, True), ("deny", 403, False)]
)
def test_faults_happen_before_or_after_the_effect(fault: str, status: int, exists: bool) -> None:
    world = World()
    plane = ControlPlane(world)
    plane.faults = {1: fault}
    answered, _ = plane.answer("POST", "/storage.googleapis.com/storage/v1/b?project=p", b'{"name": "logs"}')
    plane.close()
    assert answered == status
    assert ("b/logs" in world.things) is exists
