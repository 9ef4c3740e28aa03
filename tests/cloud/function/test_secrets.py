"""No secret in any output: every failure is run with known secrets, and all that came out is scanned for them."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from tests.cloud.function.harness import BUCKET, TOPIC, message, request, served
from tests.plain_source import CLIENT_ID, CLIENT_SECRET, ROOT, PlainSource, serving

from mulesoft_audit.cloud import function as module
from mulesoft_audit.cloud.function import handle, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.storage_server import StorageServer

NOW = int(time.time() * 1000)


@pytest.fixture
def source() -> Iterator[PlainSource]:
    source = PlainSource(tokens=Remembered())
    source.fill(ROOT, 300, NOW - 86_400_000, NOW)
    with serving(source):
        yield source


class Remembered(dict[str, float]):
    """Tokens, of which none is forgotten."""

    def __init__(self) -> None:
        self.ever: set[str] = set()

    def __setitem__(self, token: str, expiry: float) -> None:
        self.ever.add(token)
        super().__setitem__(token, expiry)


def spellings(secret: str) -> list[bytes]:
    """Return how a secret may look in some output."""
    return [secret.encode(), quote(secret, safe="").encode(), base64.b64encode(secret.encode()).rstrip(b"=")[:-1]]


def refuse_everything(source: PlainSource, storage: StorageServer) -> None:
    source.refused.add(ROOT)


def refuse_the_tree(source: PlainSource, storage: StorageServer) -> None:
    source.hierarchy_status = 403


def deny_writing(source: PlainSource, storage: StorageServer) -> None:
    storage.deny("storage.objects.create")


def deny_reading(source: PlainSource, storage: StorageServer) -> None:
    storage.deny("storage.objects.get", "storage.objects.list")


def garble(source: PlainSource, storage: StorageServer) -> None:
    source.faults = 0.2


def expire_tokens(source: PlainSource, storage: StorageServer) -> None:
    source.tokens.clear()
    source.token_seconds = 0.2
    source.latency = 0.05


def test_no_failure_tells_a_secret(source: PlainSource, storage: StorageServer, built: Path, tmp_path: Path) -> None:
    failures = [refuse_everything, refuse_the_tree, deny_writing, deny_reading, garble, expire_tokens]
    settings = {
        "MULE_ORG_ID": ROOT,
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": CLIENT_SECRET,
        "GCS_BUCKET": BUCKET,
        "ANYPOINT_BASE_URL": source.url,
        "REQUESTS_PER_MINUTE": "100000",
        "STORAGE_EMULATOR_HOST": storage.url,
        "CONTINUE_TOPIC": TOPIC,
        "CLOUD_RUN_TIMEOUT_SECONDS": "4",
        "PUBSUB_EMULATOR_HOST": "127.0.0.1:9",
    }
    statuses, output, answers = [], "", []
    with served(built, tmp_path, settings) as function:
        for raw in (CLIENT_SECRET.encode(), f'{{"client_secret": "{CLIENT_SECRET}"}}'.encode()):
            assert function.post(*request(message(raw=raw))) == 200
        for failure in failures:
            storage.heal()
            source.refused.clear()
            source.hierarchy_status, source.faults, source.latency = 200, 0.0, 0.0
            failure(source, storage)
            statuses.append(function.deliver({"since": "2d"}))
        source.latency = 2.0
        statuses.append(function.deliver({"since": "2d"}))  # out of time, and nobody to publish to
        output, answers = function.output, function.answers
    assert statuses[:4] == [200] * 4, "what is refused stays so"
    assert statuses[-1] == 500
    wrong = {"RATE_SHARE": CLIENT_SECRET, "CLIENT_ID": "somebody else"}
    for name, value in wrong.items():
        source.latency = 0.0
        with served(built, tmp_path, {**settings, name: value}) as function:
            assert function.deliver({}) == 200
        output += function.output
        answers += function.answers
    assert isinstance(source.tokens, Remembered)
    tokens = source.tokens.ever
    assert len(tokens) > 1
    everything = output.encode() + b"".join(answers)
    assert len(output.splitlines()) > 10
    for secret in (CLIENT_SECRET, *tokens):
        for spelling in spellings(secret):
            assert spelling not in everything, secret


class Event:
    def __init__(self, data: object) -> None:
        self.data = data

    def get_attributes(self) -> dict[str, Any]:
        return {"id": "1"}


def test_a_failure_nobody_foresaw_is_logged_without_secrets_and_comes_again(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLIENT_SECRET", "unforeseen-secret")

    def fail(*_: object) -> bool:
        raise RuntimeError("the header was Bearer unforeseen-secret")

    monkeypatch.setattr(module, "_run", fail)
    monkeypatch.setattr(module, "end_with_sigterm", lambda _: None)
    prepare()
    assert handle(Event({"message": {"data": ""}})) is False
    output = capfd.readouterr()
    assert "RuntimeError" in output.err
    assert "unforeseen-secret" not in output.out + output.err
    assert len(output.err.splitlines()) == 1
