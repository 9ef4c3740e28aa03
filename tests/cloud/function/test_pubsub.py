"""The whole chain, driven by Google's own Pub/Sub emulator: published, pushed, collected, continued, repeated."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tests.cloud.function.harness import BUCKET, assert_exact, environment, served
from tests.pubsub_emulator import JAR, running

from mulesoft_audit.archive.gcs import GcsStore
from mulesoft_audit.cloud.fanout import fan_out
from mulesoft_audit.cloud.publish import publisher
from mulesoft_audit.settings import Settings
from mulesoft_audit.wiring import find_organizations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.storage_server import StorageServer

    from anypoint_simulator import Anypoint

DAY = 86_400_000
_numbers = itertools.count(1)


pytestmark = pytest.mark.skipif(JAR is None, reason="Google's Pub/Sub emulator is not installed here")


class Emulator:
    """A running emulator, and a topic of it."""

    def __init__(self, address: str, number: int) -> None:
        self.address = address
        self.topic = f"projects/audit-project/topics/audit-{number}"
        self._subscription = f"projects/audit-project/subscriptions/audit-{number}"

    def put(self, name: str, body: dict[str, Any]) -> None:
        """Create a topic or a subscription."""
        answer = requests.put(f"http://{self.address}/v1/{name}", json=body, timeout=10)
        assert answer.ok, answer.text

    def publish_attributes(self) -> None:
        """Publish a message without data, as Cloud Scheduler may."""
        body = {"messages": [{"attributes": {"by": "scheduler"}}]}
        answer = requests.post(f"http://{self.address}/v1/{self.topic}:publish", json=body, timeout=10)
        assert answer.ok, answer.text

    def push_to(self, port: int) -> None:
        """Push the topic's messages to the function, as `gcloud` would set it up."""
        endpoint = f"http://127.0.0.1:{port}/{self.topic}"
        self.put(self.topic, {})
        self.put(
            self._subscription,
            {
                "topic": self.topic,
                "pushConfig": {"pushEndpoint": endpoint},
                "ackDeadlineSeconds": 600,
                "retryPolicy": {"minimumBackoff": "1s", "maximumBackoff": "2s"},
            },
        )


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("emulator")) as address:
        yield address


@pytest.fixture
def emulator(address: str, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
    return Emulator(address, next(_numbers))


def wait_until(done: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def test_a_backfill_by_pubsub_ends_complete(
    emulator: Emulator,
    anypoint: Anypoint,
    storage: StorageServer,
    built: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Spans are fanned out and pushed; runs out of time continue themselves; the archive ends exact."""
    from tests.cloud.function.test_fanout import opened

    source = opened(anypoint.url, anypoint.root, anypoint.client_id, anypoint.client_secret)
    organizations = find_organizations(source, Settings(mule_org_id=anypoint.root), ()).organizations
    settings = environment(
        anypoint,
        storage,
        CONTINUE_TOPIC=emulator.topic,
        PUBSUB_EMULATOR_HOST=emulator.address,
        CLOUD_RUN_TIMEOUT_SECONDS="2",
    )
    with served(built, tmp_path, settings) as function:
        emulator.push_to(function.port)
        anypoint.change(latency_ms=150)
        now = int(time.time() * 1000)
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage.url)
        store = GcsStore(BUCKET)
        sent = fan_out(organizations, now - 4 * DAY, now, source.query, store, publisher(emulator.topic), size=700)
        anypoint.change(latency_ms=140)
        source.close()

        def collected() -> bool:
            finished = [run for run in function.runs if not run["interrupted"]]
            return len(finished) >= sent and all(run["exit_code"] == 0 for run in finished)

        wait_until(collected, "the spans are collected")
        assert any(run["continued"] for run in function.runs), "one went on for another"
    assert_exact(anypoint, storage)


def test_what_failed_is_delivered_again_and_an_empty_message_is_a_run(
    emulator: Emulator, anypoint: Anypoint, storage: StorageServer, built: Path, tmp_path: Path
) -> None:
    settings = environment(anypoint, storage, CLOUD_RUN_TIMEOUT_SECONDS="2")
    with served(built, tmp_path, settings) as function:
        emulator.push_to(function.port)
        anypoint.change(latency_ms=1_500)
        publish = publisher(emulator.topic)
        publish([b"not json at all", b'{"since": "10d"}'])
        wait_until(lambda: sum("stopped" in str(line).lower() for line in function.lines) >= 2, "it came again")
        anypoint.change(latency_ms=0)
        wait_until(lambda: any(run["complete"] for run in function.runs), "and ended well")
        runs = len(function.runs)
        emulator.publish_attributes()
        wait_until(lambda: len(function.runs) > runs, "the empty message is a run")
        dropped = [line for line in function.lines if line["message"].startswith("A message was dropped")]
        assert len(dropped) == 1, "what cannot be understood does not come again"
    assert_exact(anypoint, storage)
