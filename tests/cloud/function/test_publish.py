"""Publishing: in requests that Pub/Sub accepts, repeated until it answers."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from tests.cloud.function.harness import TOPIC, Topic

from mulesoft_audit.cloud.google.errors import Uncertain
from mulesoft_audit.cloud.publish import MAX_BYTES, Publisher, batches, publisher
from mulesoft_audit.errors import CredentialsError, DeploymentError, PermissionMissing, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Iterator[Topic]:
    with Topic() as topic:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", topic.address)
        yield topic


def test_many_messages_are_published_in_order(topic: Topic) -> None:
    messages = [json.dumps({"n": n}).encode() for n in range(2500)]
    identities = publisher(TOPIC)(messages)
    assert topic.published == [{"n": n} for n in range(2500)]
    assert identities == [str(n + 1) for n in range(2500)]


def test_a_request_holds_a_thousand_messages_and_ten_megabytes_at_most() -> None:
    messages = [b"x" * 2_000_000] * 7 + [b"y"] * 2001
    found = list(batches(messages))
    assert [base64.b64decode(item["data"]) for batch in found for item in batch] == messages
    assert all(len(batch) <= 1000 and len(json.dumps(batch)) < 10_000_000 for batch in found)
    assert MAX_BYTES < 10_000_000


def test_what_may_pass_is_tried_again(topic: Topic) -> None:
    topic.statuses = [503, 429, 500]
    waits: list[float] = []
    assert Publisher(TOPIC, sleep=waits.append).publish([b"{}"]) == ["1"]
    assert len(waits) == 3
    assert waits == sorted(waits)


def test_what_will_not_pass_is_reported_in_the_end(topic: Topic) -> None:
    topic.statuses = [503] * 9
    with pytest.raises(Uncertain, match=TOPIC):
        Publisher(TOPIC, sleep=lambda _: None).publish([b"{}"])
    assert len(topic.statuses) == 4


@pytest.mark.parametrize(
    ("status", "kind"), [(403, PermissionMissing), (401, CredentialsError), (404, DeploymentError)]
)
def test_a_refusal_is_not_tried_again(topic: Topic, status: int, kind: type[Exception]) -> None:
    topic.statuses = [status, 200]
    with pytest.raises(kind, match=TOPIC):
        publisher(TOPIC)([b"{}"])
    assert topic.statuses == [200]


def test_nobody_listening_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:9")
    with pytest.raises(Uncertain, match="no answer"):
        Publisher(TOPIC, sleep=lambda _: None).publish([b"{}"])


@pytest.mark.parametrize("topic_name", ["audit", "projects/p/subscriptions/s", "projects//topics/t", ""])
def test_what_is_no_topic_is_refused(topic_name: str) -> None:
    with pytest.raises(UsageError, match="expected projects/PROJECT/topics/TOPIC"):
        publisher(topic_name)


def test_credentials_that_are_missing_are_said_to_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(CredentialsError, match="no Application Default Credentials"):
        publisher(TOPIC)
