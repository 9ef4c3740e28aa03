"""Deliveries as they come in production: in every form, repeated, at once, malformed."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.cloud.function.conftest import VERSION
from tests.cloud.function.harness import TRACE, assert_exact, lines, message, request, truth

if TYPE_CHECKING:
    from tests.cloud.function.conftest import Serve
    from tests.cloud.function.harness import Style
    from tests.storage_server import StorageServer

    from anypoint_simulator import Anypoint

BACKFILL = {"since": "10d"}
DAY = 86_400_000


def test_a_delivery_in_any_form_brings_the_archive_up_to_date(
    serve: Serve, anypoint: Anypoint, storage: StorageServer
) -> None:
    styles: tuple[Style, ...] = ("binary", "structured", "push")
    with serve() as function:
        for style in styles:
            assert function.deliver(BACKFILL, style) == 200
            assert function.deliver({}, style) == 200
            assert function.deliver(None, style) == 200
        assert function.terminate() < 5
    assert_exact(anypoint, storage)
    first, *others = function.runs
    total = sum(len(anypoint.truth(organization)) for organization in anypoint.organizations)
    assert (first["new_entries"], first["severity"], first["complete"]) == (total, "INFO", True)
    assert first["new_parts"] == len(storage.objects("audit/"))
    assert [run["new_entries"] for run in others] == [0] * 8
    assert all(run["lag_seconds"] == pytest.approx(first["lag_seconds"], abs=60) for run in others)
    besides = 1 + 2 * 9  # a token; for each delivery the tree and the retention
    assert sum(run["requests"] for run in function.runs) == anypoint.counters.total("query") + besides
    manifest = next(stored for name, stored in storage.objects("state/").items() if name.endswith(".manifest.json"))
    assert json.loads(manifest.data)["written_by"].endswith(VERSION), "not the built package was run"
    assert anypoint.counters.tokens_issued == 1, "a token survives between invocations"
    assert anypoint.counters.active_tokens == 0, "and is given back at the end"


def test_a_message_may_say_whose_logs_and_of_which_time(
    serve: Serve, anypoint: Anypoint, storage: StorageServer
) -> None:
    chosen = anypoint.organizations[1]
    noon = int(time.time() * 1000) // DAY * DAY - DAY // 2
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(noon / 1000))
    with serve() as function:
        assert function.deliver({"organizations": [chosen], "since": "10d", "until": until}) == 200
    assert lines(storage) == lines(storage, f"{chosen}/")
    assert lines(storage) == truth_until(anypoint, chosen, noon)
    assert function.runs[0]["logging.googleapis.com/labels"]["organization"] == chosen


def truth_until(anypoint: Anypoint, organization: str, end: int) -> Any:
    return truth(anypoint, organization) - truth(anypoint, organization, since=end)


MALFORMED = [
    b"not json",
    b"null",
    b"[]",
    b'"since"',
    b'{"unknown": 1}',
    b'{"organizations": "all"}',
    b'{"organizations": ["../../etc"]}',
    b'{"since": "2999-01-01"}',
    b'{"since": "2d", "until": "3d"}',
    b'{"continued": -1}',
    b"[" * 100_000,
    b"\xff\xfe",
]


def test_what_cannot_be_understood_is_reported_and_acknowledged(
    serve: Serve, anypoint: Anypoint, storage: StorageServer
) -> None:
    path, headers, _ = request(message({}))
    bodies = [b"not json either", b"[1]", b'{"message": 1}', b'{"message": {"data": "*"}}', b'{"message": {"data": 5}}']
    with serve() as function:
        for raw in MALFORMED:
            assert function.post(*request(message(raw=raw))) == 200, raw
        for body in bodies:
            assert function.post(path, headers, body) == 200, body
    errors = [line for line in function.lines if line["severity"] == "ERROR"]
    assert len(errors) == len(function.lines) == len(MALFORMED) + len(bodies)
    assert all(error["message"].startswith("A message was dropped") for error in errors)
    assert not storage.objects()
    assert not anypoint.counters.requests


def test_what_lasts_is_said_and_does_not_come_again(serve: Serve, anypoint: Anypoint, storage: StorageServer) -> None:
    unknown = "00000000-0000-4000-8000-000000000001"
    with serve() as function:
        assert function.deliver({"organizations": [unknown]}) == 200
        anypoint.change(forbidden=(anypoint.organizations[1],))
        assert function.deliver(BACKFILL) == 200
    errors = [str(line) for line in function.lines if line["severity"] == "ERROR"]
    assert any(unknown in error for error in errors)
    assert any(anypoint.organizations[1] in error for error in errors)
    assert not any(run["complete"] for run in function.runs)


def test_missing_settings_fail_the_invocation_before_anything_is_sent(
    serve: Serve, anypoint: Anypoint, storage: StorageServer
) -> None:
    names = ["MULE_ORG_ID", "CLIENT_ID", "CLIENT_SECRET", "GCS_BUCKET"]
    with serve(**dict.fromkeys(names, "")) as function:
        assert function.deliver({}) == 200, "no delivery would find them"
    assert [line["severity"] for line in function.lines] == ["ERROR"]
    assert all(name in function.lines[0]["message"] for name in names)
    assert not storage.seen
    assert not anypoint.counters.requests


def test_deliveries_at_once_and_again_write_every_entry_once(
    serve: Serve, anypoint: Anypoint, storage: StorageServer
) -> None:
    anypoint.change(latency_ms=5)
    messages = [BACKFILL, {}, {"organizations": anypoint.organizations[1:2], "since": "2d"}] * 2
    random.Random(4).shuffle(messages)
    with serve(THREADS="8") as function, serve() as other:
        statuses = [server.later(item) for item in messages for server in (function, other)]
        assert {status() for status in statuses} == {200}
        assert function.deliver(BACKFILL) == 200
    assert_exact(anypoint, storage)
    assert len(function.runs) == len(messages) + 1
    assert len({line["logging.googleapis.com/labels"]["message_id"] for line in function.lines}) == len(function.runs)


def test_one_pace_is_kept_by_all_invocations_of_an_instance(serve: Serve, anypoint: Anypoint) -> None:
    anypoint.change(requests_per_minute=60, latency_ms=5)
    with serve(THREADS="4", REQUESTS_PER_MINUTE="60") as function:
        statuses = [function.later({"since": "1d"}) for _ in range(3)]
        assert {status() for status in statuses} == {200}
    assert anypoint.counters.over_limit == 0


def test_every_line_is_json_and_carries_the_trace(serve: Serve) -> None:
    with serve() as function:
        assert function.deliver(BACKFILL) == 200
        assert function.deliver(BACKFILL, "structured") == 200
        path, headers, body = request(message({}, googclient_traceparent=f"00-{'c' * 32}-{'d' * 16}-00"), "push")
        assert function.post(path, headers, body) == 200
        path, headers, body = request(message({}), "push")
        assert function.post(path, {**headers, "X-Cloud-Trace-Context": f"{'e' * 32}/1;o=1"}, body) == 200
    assert {"severity", "message", "time"} <= set.intersection(*map(set, function.lines))
    traces = list(dict.fromkeys(line["logging.googleapis.com/trace"] for line in function.lines))
    assert traces == [f"projects/audit-project/traces/{trace}" for trace in (TRACE, "c" * 32, "e" * 32)]


def test_a_rotated_secret_is_read_again(
    serve: Serve, anypoint: Anypoint, tmp_path: Any, storage: StorageServer
) -> None:
    file = tmp_path / "secret"
    file.write_text("the old one, which is refused\n")
    with serve(CLIENT_SECRET="", CLIENT_SECRET_FILE=str(file)) as function:
        assert function.deliver(BACKFILL) == 200, "refused: that lasts until somebody does something"
        assert not storage.objects()
        file.write_text(f"{anypoint.client_secret}\n")
        assert function.deliver(BACKFILL) == 200
    assert_exact(anypoint, storage)
    assert "the old one" not in function.output
