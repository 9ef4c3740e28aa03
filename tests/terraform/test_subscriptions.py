"""Google's own Pub/Sub (its emulator) takes the subscriptions as they are planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from tests.pubsub_emulator import JAR, running
from tests.terraform.workspace import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.terraform.workspace import Plan, Values

pytestmark = pytest.mark.skipif(JAR is None, reason="Google's Pub/Sub emulator is not installed here")

BASE = f"projects/{PROJECT}"
ENDPOINT = "https://mulesoft-audit-collector-abc.a.run.app"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("emulator")) as address:
        yield f"http://{address}/v1"


def sent(planned: Values, topic: str, dead_letter_topic: str) -> dict[str, Any]:
    """Return what the provider sends of a planned subscription; what is not known yet, made up."""
    body: dict[str, Any] = {
        "topic": f"{BASE}/topics/{topic}",
        "messageRetentionDuration": planned["message_retention_duration"],
        "labels": planned["labels"],
        "expirationPolicy": {},  # ttl = "": never
    }
    assert planned["expiration_policy"] == [{"ttl": ""}]
    if planned["push_config"]:
        account = f"push@{PROJECT}.iam.gserviceaccount.com"
        policy, retry = planned["dead_letter_policy"][0], planned["retry_policy"][0]
        body |= {
            "ackDeadlineSeconds": planned["ack_deadline_seconds"],
            "pushConfig": {
                "pushEndpoint": ENDPOINT,
                "oidcToken": {"serviceAccountEmail": account, "audience": ENDPOINT},
            },
            "retryPolicy": {"minimumBackoff": retry["minimum_backoff"], "maximumBackoff": retry["maximum_backoff"]},
            "deadLetterPolicy": {
                "deadLetterTopic": f"{BASE}/topics/{dead_letter_topic}",
                "maxDeliveryAttempts": policy["max_delivery_attempts"],
            },
        }
    return body


def test_both_subscriptions_are_taken_as_they_are(emulator: str, basic: Plan) -> None:
    topics = [basic.values(f"google_pubsub_topic.{name}")["name"] for name in ("trigger", "dead_letter")]
    for topic in topics:
        requests.put(f"{emulator}/{BASE}/topics/{topic}", json={}, timeout=10).raise_for_status()
    for name, topic in zip(("push", "dead_letter"), topics, strict=True):
        planned = basic.values(f"google_pubsub_subscription.{name}")
        body = sent(planned, topic, topics[1])
        url = f"{emulator}/{BASE}/subscriptions/{planned['name']}"
        answer = requests.put(url, json=body, timeout=10)
        assert answer.ok, answer.text
        kept = requests.get(url, timeout=10).json()
        assert {key: kept.get(key) for key in body if key != "expirationPolicy"} == {
            key: value for key, value in body.items() if key != "expirationPolicy"
        }
