"""`collect --every`: rounds of balances by a process that stays up. No test waits for minutes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import pytest
from tests.archives import lines
from tests.plain_source import CLIENT_ID, CLIENT_SECRET, ROOT, PlainSource, entry, serving

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.clock import Stop, SystemClock
from mulesoft_audit.collect.period import Period
from mulesoft_audit.collect.watch import FRESH_SECONDS, interval_kept, watch
from mulesoft_audit.errors import Interrupted, UsageError
from mulesoft_audit.settings import load
from mulesoft_audit.wiring import find_organizations, open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mulesoft_audit.collect.summary import Summary

GROUPS = [f"0b000000-0000-4000-8000-00000000000{number}" for number in range(3)]
DAY = 86_400_000


@pytest.fixture
def source() -> Iterator[PlainSource]:
    found = PlainSource(logs={ROOT: [], **{name: [] for name in GROUPS}})
    now = int(time.time() * 1000)
    for name in found.logs:
        found.fill(name, 40, now - 3_600_000, now - 60_000, seed=hash(name) % 1000)
    with serving(found):
        yield found


def add(source: PlainSource, organization: str, seed: int) -> bytes:
    """Add an entry of this moment; return it as a line of the archive."""
    stamp = int(time.time() * 1000) - 200
    body = entry(stamp, random.Random(seed))
    source.add(organization, stamp, body)
    return body.replace(b"\n", b"")


def until(true: Callable[[], bool], seconds: float = 8.0) -> float:
    """Wait until something is true; return for how many seconds."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise AssertionError("it did not become true")
        time.sleep(0.05)
    return time.monotonic() - began


def is_archived(archive: Path, organization: str, line: bytes) -> bool:
    return line in lines(archive, organization)


@contextmanager
def staying_up(source: PlainSource, archive: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **{name: value for name, value in os.environ.items() if name.isupper()},
        "ANYPOINT_BASE_URL": source.url,
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": CLIENT_SECRET,
        "REQUESTS_PER_MINUTE": "100000",
    }
    program = [sys.executable, "-m", "mulesoft_audit", "collect", "--archive", str(archive), "--every", "1s", "--json"]
    with subprocess.Popen(
        [*program, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def asked(source: PlainSource) -> int:
    return sum(count for name, count in source.counts.items() if name.isdigit())


def test_new_entries_arrive_in_the_next_round_and_only_changes_are_told(source: PlainSource, tmp_path: Path) -> None:
    with staying_up(source, tmp_path, "--since", "2d") as process:
        until(lambda: all(lines(tmp_path, name) == source.truth(name) for name in source.logs))
        time.sleep(2.5)
        new = add(source, GROUPS[0], 1)
        waited = until(lambda: new in lines(tmp_path, GROUPS[0]))
        time.sleep(2.5)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        out, err = process.communicate(timeout=60)
    assert waited < 1 + 2
    assert time.monotonic() - began < 5
    assert process.returncode == Interrupted.exit_code, err
    told = [json.loads(line)["new_entries"] for line in out.splitlines()]
    assert told == [sum(map(len, source.logs.values())) - 1, 1]


def test_from_visible_to_archived_takes_the_interval_and_two_seconds_at_most(
    source: PlainSource, tmp_path: Path
) -> None:
    with staying_up(source, tmp_path, "--since", "2d") as process:
        until(lambda: all(lines(tmp_path, name) == source.truth(name) for name in source.logs))
        took = []
        for seed in range(8):
            new = add(source, GROUPS[seed % 3], 100 + seed)
            took.append(until(partial(is_archived, tmp_path, GROUPS[seed % 3], new)))
            time.sleep(0.13)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert max(took) <= 3.0, took


class Hurried(SystemClock):
    """A clock that jumps ahead when it is told to."""

    ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class Watching:
    """A watch in this process, on a thread of its own."""

    def __init__(self, source: PlainSource, archive: Path, since: int | None = None) -> None:
        self.clock = Hurried()
        self.stop = Stop(self.clock)
        self.told: list[Summary] = []
        flags: dict[str, Any] = {
            "client_id": CLIENT_ID,
            "anypoint_base_url": source.url,
            "requests_per_minute": 100_000,
            "client_secret": CLIENT_SECRET,
        }
        settings = load(flags, {})
        self.anypoint = open_source(settings, settings.secret, self.stop)

        def stay() -> None:
            watch(
                self.anypoint,
                lambda: find_organizations(self.anypoint, settings, ()),
                Period(since),
                1.0,
                store=LocalStore(archive),
                stop=self.stop,
                say=self.told.append,
            )

        self.thread = threading.Thread(target=stay)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.ask("the test is over")
        self.thread.join(6)
        assert not self.thread.is_alive()
        self.anypoint.close()


def test_an_idle_round_costs_one_request_an_organization(source: PlainSource, tmp_path: Path) -> None:
    with Watching(source, tmp_path, int(time.time() * 1000) // DAY * DAY - DAY):
        until(lambda: all(lines(tmp_path, name) == source.truth(name) for name in source.logs))
        time.sleep(2)
        before, began = asked(source), time.monotonic()
        time.sleep(4)
        rounds = time.monotonic() - began + 1
        assert 3 * len(source.logs) <= asked(source) - before <= rounds * len(source.logs)


def test_a_group_that_joins_the_tree_is_read_after_ten_minutes(source: PlainSource, tmp_path: Path) -> None:
    late = "0c000000-0000-4000-8000-000000000000"
    with Watching(source, tmp_path, int(time.time() * 1000) // DAY * DAY - DAY) as watching:
        until(lambda: all(lines(tmp_path, name) == source.truth(name) for name in source.logs))
        new = add(source, late, 5)
        time.sleep(1.5)
        assert lines(tmp_path, late) == Counter()
        watching.clock.ahead = FRESH_SECONDS
        until(lambda: new in lines(tmp_path, late))


def test_one_long_reading_keeps_no_other_organization_waiting(source: PlainSource, tmp_path: Path) -> None:
    now = int(time.time() * 1000)
    with Watching(source, tmp_path, now // DAY * DAY - DAY):
        until(lambda: all(lines(tmp_path, name) == source.truth(name) for name in source.logs))
        time.sleep(1.5)
        slow = threading.Event()
        busy, free = GROUPS[1], GROUPS[0]
        whole = threading.Event()

        def hold(_: object, path: str) -> bool:
            if busy in path and path.endswith("/query"):
                slow.set()
                whole.wait(15)
            return False

        source.answer = hold
        assert slow.wait(5)
        new = add(source, free, 9)
        took = until(lambda: new in lines(tmp_path, free))
        source.answer = None
        whole.set()
        assert took <= 3


def test_a_standing_failure_is_told_once_and_its_end_too(source: PlainSource, tmp_path: Path) -> None:
    with Watching(source, tmp_path, int(time.time() * 1000) // DAY * DAY - DAY) as watching:
        until(lambda: all(lines(tmp_path, name) == source.truth(name) for name in source.logs))
        time.sleep(1.5)
        told = len(watching.told)
        source.refused.add(GROUPS[2])
        until(lambda: len(watching.told) > told)
        time.sleep(2.5)
        source.refused.clear()
        until(lambda: len(watching.told) > told + 1)
        time.sleep(1.5)
    assert [one.exit_code for one in watching.told[told:]] == [4, 0]


@pytest.mark.parametrize(
    ("wanted", "organizations", "per_minute", "kept"),
    [(60, 1, 700, 60), (60, 100, 40, 102 * 61 / 40), (1, 100, 700, 102 * 61 / 700), (60, 33, 40, 60)],
)
def test_an_interval_is_stretched_to_what_the_allowance_keeps(
    wanted: float, organizations: int, per_minute: int, kept: float
) -> None:
    assert interval_kept(wanted, organizations, per_minute) == kept


@pytest.mark.parametrize("text", ["0s", "soon", "500ms", ""])
def test_an_interval_is_a_second_at_least(text: str) -> None:
    from mulesoft_audit.cli.collect import interval_of

    with pytest.raises(UsageError):
        interval_of(text)
