"""What a run shows while it lasts: how far it is, how long it will take, why it waits."""

from __future__ import annotations

import signal
import sys
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.fake_clock import FakeClock

from mulesoft_audit.anypoint.pacer import Pacer
from mulesoft_audit.cli.progress import Progress, live
from mulesoft_audit.clock import Stop


def summary(fetched: int, *, done: bool = False, expected: int = 0) -> Any:
    run = SimpleNamespace(fetched=fetched, done=done, result=SimpleNamespace(expected=expected))
    return cast("Any", SimpleNamespace(organizations=[run, run]))


def test_it_shows_entries_organizations_and_time_left_in_80_columns() -> None:
    progress = Progress(Pacer(700, Stop(FakeClock())), expected=4000)
    shown = progress.line(summary(500), 10.0)
    assert shown == "━━━───────────  1,000/4,000 entries  about 0:30 left  0/2 organizations"
    assert len(progress.line(summary(12_345_678, expected=99_999_999), 20.0)) <= 80


def test_the_time_left_is_what_the_allowance_makes_it_from_the_start() -> None:
    clock = FakeClock()
    pacer = Pacer(40, Stop(clock))
    progress = Progress(pacer, expected=24_000, requests=130)
    for _ in range(10):
        pacer.acquire()
    clock.now += 1
    left = progress.seconds_left(22_000, 2_000, 1.0)
    assert 170 < left < 200, "120 more requests at 40 a minute"


def test_a_job_within_the_allowance_takes_as_long_as_its_entries() -> None:
    progress = Progress(Pacer(700, Stop(FakeClock())), expected=2000, requests=12)
    assert progress.seconds_left(1000, 1000, 5.0) == 5.0


def test_it_says_that_it_waits_for_the_allowance_and_does_not_count_that_as_work() -> None:
    clock = FakeClock()
    pacer = Pacer(2, Stop(clock))
    progress = Progress(pacer, expected=4000)
    pacer.acquire()
    pacer.acquire()
    assert "waiting 61 s for Anypoint's allowance" in progress.line(summary(100), 0.5)
    long = Progress(pacer, expected=40_000).line(summary(10_000), 0.5)
    assert long.endswith("waiting 61 s for Anypoint's allowance"), "what has no room is left out, not cut"
    clock.now += 30
    assert "waiting 31 s for Anypoint's allowance" in progress.line(summary(100), 30.5)
    assert progress.waited == 30.5


def test_ctrl_c_while_it_begins_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # held back until the thread runs
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    before = threading.active_count()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with pytest.raises(KeyboardInterrupt), live(str, 0.01):
        pass
    assert threading.active_count() == before
