"""The limit is kept by a sole client, and waited out when somebody else spends it; no test waits for a minute."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.archives import lines
from tests.plain_source import CLIENT_ID, CLIENT_SECRET, ROOT, PlainSource, serving

from mulesoft_audit.anypoint.tree import Organization
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.clock import Stop
from mulesoft_audit.collect.period import Period, Whose
from mulesoft_audit.collect.run import collect
from mulesoft_audit.settings import load
from mulesoft_audit.wiring import open_source

if TYPE_CHECKING:
    from pathlib import Path

    from mulesoft_audit.collect.summary import Summary

DAY = 86_400_000
START = 1_790_000_000


class FastClock:
    """A clock whose seconds last a few milliseconds, for everybody who looks at it."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began = time.monotonic()

    def time(self) -> float:
        return START + (time.monotonic() - self._began) * self._speed

    def monotonic(self) -> float:
        return self.time()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds / self._speed)


def run(source: PlainSource, archive: Path, clock: FastClock, per_minute: int) -> Summary:
    flags = {"client_id": CLIENT_ID, "anypoint_base_url": source.url, "requests_per_minute": per_minute}
    settings = load({**flags, "client_secret": CLIENT_SECRET}, {})
    stop = Stop(clock)
    anypoint = open_source(settings, settings.secret, stop)
    period = Period(START * 1000 - 3 * DAY, START * 1000, DAY)
    try:
        store = LocalStore(archive)
        return collect(
            Whose(ROOT, [Organization(ROOT)]),
            period,
            store=store,
            query=anypoint.query,
            pacer=anypoint.pacer,
            stop=stop,
        )
    finally:
        anypoint.close()


@pytest.fixture
def source() -> PlainSource:
    made = PlainSource()
    made.fill(ROOT, 20_000, START * 1000 - 2 * DAY, START * 1000 - 1000)
    return made


@pytest.mark.parametrize("per_minute", [40, 700])
def test_a_sole_client_is_never_over_the_limit(source: PlainSource, tmp_path: Path, per_minute: int) -> None:
    clock = FastClock(100 if per_minute == 40 else 20)
    source.clock, source.per_minute = clock.time, per_minute
    with serving(source):
        summary = run(source, tmp_path, clock, per_minute)
    assert summary.failures == []
    assert source.counts["over limit"] == 0
    assert lines(tmp_path) == source.truth(ROOT)


def test_a_limit_spent_by_somebody_else_is_waited_out(source: PlainSource, tmp_path: Path) -> None:
    clock = FastClock(60)
    source.clock, source.per_minute = clock.time, 60
    rival = threading.Event()

    def spend() -> None:
        minutes = set()
        while len(minutes) < 3 and not rival.wait(0.01):
            with source.lock:
                minute = int(clock.time() // 60)
                if source.minute[0] != minute or minute not in minutes:
                    minutes.add(minute)
                    source.minute = (minute, 60)

    with serving(source):
        thread = threading.Thread(target=spend)
        thread.start()
        try:
            summary = run(source, tmp_path, clock, 60)
        finally:
            rival.set()
            thread.join()
    assert summary.failures == []
    assert source.counts["over limit"] > 0
    assert lines(tmp_path) == source.truth(ROOT)


def test_an_outage_is_reported_as_one_and_what_was_collected_is_kept(source: PlainSource, tmp_path: Path) -> None:
    clock = FastClock(600)
    source.clock = clock.time

    def go_down(of: PlainSource) -> None:
        if of.counts["queries"] > 30:
            of.per_minute = -1

    source.before_query = go_down
    with serving(source):
        summary = run(source, tmp_path, clock, 100_000)
    assert [error.exit_code for error in summary.failures] == [5]
    assert "outage" in summary.failures[0].message
