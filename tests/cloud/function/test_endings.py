"""Runs that do not come to their end: killed, told to end, out of time, or never answered."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.cloud.function.harness import TOPIC, Topic, assert_exact, environment, lines, served

from anypoint_simulator import Behaviour, World, quiet, running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cloud.function.conftest import Serve
    from tests.storage_server import StorageServer

    from anypoint_simulator import Anypoint

BACKFILL = {"since": "10d"}


def wait_for_pages(anypoint: Anypoint, pages: int) -> None:
    """Wait until the collector has had so many pages."""
    until = time.monotonic() + 20
    while anypoint.counters.pages < pages:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_an_instance_that_is_killed_midway_is_made_good_by_the_next_delivery(
    serve: Serve, anypoint: Anypoint, storage: StorageServer
) -> None:
    anypoint.change(latency_ms=60)
    rng = random.Random(5)
    statuses = []
    for _ in range(3):
        with serve() as function:
            status = function.later(BACKFILL)
            time.sleep(rng.uniform(0.2, 0.7))
            function.kill()
            statuses.append(status())
    assert statuses[0] == 0
    anypoint.change(latency_ms=0, fault_slow=0)
    with serve() as function:
        assert function.deliver(BACKFILL) == 200
    assert_exact(anypoint, storage)


@pytest.mark.parametrize("threads", ["1", "8"])
def test_sigterm_commits_what_was_read_within_ten_seconds(
    serve: Serve, anypoint: Anypoint, storage: StorageServer, threads: str
) -> None:
    anypoint.change(latency_ms=150)
    with serve(THREADS=threads) as function:
        status = function.later(BACKFILL)
        wait_for_pages(anypoint, 3)
        anypoint.change(fault_slow=1.0, slow_seconds=30)  # what is under way will not come back in time
        time.sleep(0.3)
        assert function.terminate() < 8
        assert status() == 500
    committed = lines(storage).total()
    assert committed > 0
    assert function.runs[0]["interrupted"] == "the instance was told to end"
    assert function.runs[0]["new_entries"] == committed
    anypoint.change(latency_ms=0, fault_slow=0)
    with serve() as function:
        assert function.deliver(BACKFILL) == 200
    assert_exact(anypoint, storage)


def test_a_run_out_of_time_publishes_its_own_continuation_until_all_is_done(
    serve: Serve, anypoint: Anypoint, storage: StorageServer
) -> None:
    anypoint.change(latency_ms=500)
    with (
        Topic() as topic,
        serve(CLOUD_RUN_TIMEOUT_SECONDS="10", CONTINUE_TOPIC=TOPIC, PUBSUB_EMULATOR_HOST=topic.address) as function,
    ):
        waiting: list[dict[str, Any]] = [{**BACKFILL}]
        start = time.strftime("%Y-%m-%dT00:00:00.000Z", time.gmtime(time.time() - 10 * 86_400))
        hops = 0
        while waiting:
            began = time.monotonic()
            assert function.deliver(waiting.pop()) == 200
            assert time.monotonic() - began < 10, "that is later than Cloud Run waits"
            waiting, topic.published = topic.published, []
            hops += bool(waiting)
            for item in waiting:
                left = set(item.pop("organizations", anypoint.organizations))
                assert left <= set(anypoint.organizations)
                assert item == {"since": start, "continued": hops}
            assert hops < 20
        assert hops > 0
        assert topic.paths == {f"/v1/{TOPIC}:publish"}
    assert_exact(anypoint, storage)
    assert function.runs[0]["interrupted"] == "the deadline was reached"
    assert function.runs[0]["new_entries"] > 0
    assert [run["continued"] for run in function.runs] == list(range(hops + 1))
    assert function.runs[-1]["complete"]


def test_more_organizations_than_a_run_has_time_for_are_all_proved_by_those_that_continue_it(
    built: Path, tmp_path: Path, storage: StorageServer
) -> None:
    """Each goes on with those that were not through; otherwise all of them would only ask the first ones again."""
    with (
        running(World(quiet(groups=24, days=1, entries_per_day=5)), Behaviour(token_entries=False)) as anypoint,
        Topic() as topic,
    ):
        with served(built, tmp_path, environment(anypoint, storage)) as function:
            assert function.deliver(BACKFILL) == 200
        anypoint.change(latency_ms=300)
        few = {"REQUESTS_PER_MINUTE": "60", "CLOUD_RUN_TIMEOUT_SECONDS": "6"}
        there = {"CONTINUE_TOPIC": TOPIC, "PUBSUB_EMULATOR_HOST": topic.address}
        proved: set[str] = set()
        with served(built, tmp_path, environment(anypoint, storage, **few, **there)) as function:
            waiting: list[dict[str, Any]] = [{}]
            while waiting:
                assert len(function.runs) < 12
                assert function.deliver(waiting.pop()) == 200
                waiting, topic.published = topic.published, []
                organizations = function.runs[-1]["organizations"]
                proved |= {one["id"] for one in organizations if one["complete"]}
        assert len(function.runs) > 1
        assert proved == set(anypoint.organizations)


def test_a_run_out_of_time_comes_again_where_there_is_no_topic_to_continue_on(
    serve: Serve, anypoint: Anypoint, storage: StorageServer
) -> None:
    anypoint.change(latency_ms=120)
    with serve(CLOUD_RUN_TIMEOUT_SECONDS="2") as function:
        statuses = [function.deliver(BACKFILL)]
        while statuses[-1] != 200:
            statuses.append(function.deliver(BACKFILL))
            assert len(statuses) < 20
    assert set(statuses) == {500, 200}
    assert_exact(anypoint, storage)


def test_a_run_that_gets_nowhere_does_not_continue_for_ever(serve: Serve, anypoint: Anypoint) -> None:
    with (
        Topic() as topic,
        serve(CLOUD_RUN_TIMEOUT_SECONDS="2", CONTINUE_TOPIC=TOPIC, PUBSUB_EMULATOR_HOST=topic.address) as function,
    ):
        assert function.deliver({"since": "1d"}) == 200
        anypoint.change(fault_slow=1.0, slow_seconds=20)
        assert function.deliver({"organizations": [anypoint.root], "since": "1d"}) == 500
    assert not topic.published
    assert any("without any progress" in line["message"] for line in function.lines)


def test_a_continuation_that_cannot_be_published_leaves_the_message_to_come_again(
    serve: Serve, anypoint: Anypoint
) -> None:
    anypoint.change(latency_ms=150)
    with (
        Topic() as topic,
        serve(CLOUD_RUN_TIMEOUT_SECONDS="5", CONTINUE_TOPIC=TOPIC, PUBSUB_EMULATOR_HOST=topic.address) as function,
    ):
        topic.statuses = [503, 403]
        status = function.later(BACKFILL)
        wait_for_pages(anypoint, 4)
        anypoint.change(fault_slow=1.0, slow_seconds=30)  # what is under way will not come back in time
        assert status() == 500
    assert not topic.statuses
    assert "publish" in function.lines[-1]["message"]


@pytest.mark.parametrize("how", ["reset-after-commit", "status-after-commit:503"])
def test_answers_lost_after_the_commit_write_nothing_twice(
    serve: Serve, anypoint: Anypoint, storage: StorageServer, how: str
) -> None:
    for after in (0, 1, 3, 4):
        storage.fail(how, method="insert", after=after)
    with serve() as function:
        assert function.deliver(BACKFILL) == 200
        assert function.deliver({}) == 200
    assert_exact(anypoint, storage)
    assert sum(fault.hits for fault in storage.faults) == 4


def test_an_instance_that_dies_between_part_and_manifest_writes_nothing_twice(
    serve: Serve, anypoint: Anypoint, storage: StorageServer
) -> None:
    with serve() as function:
        storage.fail(lambda _: function.kill(), method="insert", name_glob="*.manifest.json")
        assert function.deliver(BACKFILL) == 0
    storage.heal()
    assert lines(storage).total() > 0
    with serve() as function:
        assert function.deliver(BACKFILL) == 200
    assert_exact(anypoint, storage)
