"""The push subscription: what keeps it from starting runs, and what makes it start too many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.cloud.deploy.harness import Bench, deployed
from tests.control_plane import ControlPlane, World
from tests.doctor.test_google import FUNCTION, PROJECT, failing, looked

from mulesoft_audit.doctor.finding import State

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBSCRIPTION = f"{PROJECT}/subscriptions/mulesoft-audit-trigger-push"


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A deployment with its feed."""
    with ControlPlane(World()) as plane:
        made = Bench(plane)
        deployed(made.world, made.config)
        made.apply()
        made.world.log.clear()
        yield made
        made.close()
        assert (made.mutations(), plane.violations) == ([], [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"topic": "_deleted-topic_"}, "takes from _deleted-topic_, not from"),
        ({"pushConfig": {}}, "calls nothing"),
        ({"pushConfig": {"pushEndpoint": "https://o.example/"}}, "https://o.example/, which is not the function"),
        ({"pushConfig": {"pushEndpoint": "https://collector-uc.a.run.app/"}}, "calls without a token"),
    ],
)
def test_a_subscription_that_starts_no_run_is_found_so(bench: Bench, changes: dict[str, Any], words: str) -> None:
    bench.world.things[SUBSCRIPTION].update(changes)
    found = looked(bench)
    assert failing(found) == {"delivery"}
    assert words in found["delivery"].detail


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ackDeadlineSeconds": 10}, "waits 10 s for runs of up to 570 s"),
        ({"deadLetterPolicy": {}}, "sets nothing aside"),
    ],
)
def test_a_subscription_that_delivers_too_often_is_pointed_out(
    bench: Bench, changes: dict[str, Any], words: str
) -> None:
    bench.world.things[SUBSCRIPTION].update(changes)
    found = looked(bench)["delivery"]
    assert (found.state, words in found.detail) == (State.WARN, True)


def test_without_its_subscription_nothing_reaches_the_function(bench: Bench) -> None:
    del bench.world.things[SUBSCRIPTION]
    found = looked(bench)
    assert failing(found) == {"delivery", "roles: dead letters"}
    bench.world.things[FUNCTION]["eventTrigger"] = {"eventType": "google.cloud.pubsub.topic.v1.messagePublished"}
    found = looked(bench)
    assert (found["function"].state, found["delivery"].state) == (State.WARN, State.SKIPPED)
    assert "540 s at most" in found["function"].detail
