"""When somebody is told: the first time, when something changed, and else twice a minute at most."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import click
import pytest
from tests.monitoring.runs import run, summary

from mulesoft_audit.cli.monitoring import monitored
from mulesoft_audit.clock import Stop
from mulesoft_audit.errors import Interrupted, SourceError
from mulesoft_audit.monitoring import ping
from mulesoft_audit.monitoring.address import Kind
from mulesoft_audit.monitoring.monitor import Monitor
from mulesoft_audit.settings import Settings

if TYPE_CHECKING:
    import threading
    from pathlib import Path

pytestmark = pytest.mark.unit

GOOD = summary(run())
BAD = summary(problems=(SourceError("Out of order."),))
STOPPED = summary(run(), interrupted="SIGTERM")
START, SUCCESS, FAIL, LOG = Kind.START, Kind.SUCCESS, Kind.FAIL, Kind.LOG


class Clock:
    """A clock that is moved by hand."""

    now = 1000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        raise AssertionError("nobody waits")


class Sent(list[Kind]):
    """Takes pings instead of a service."""

    def send(self, kind: Kind, text: str = "") -> None:
        self.append(kind)

    def close(self, seconds: float) -> None:
        pass


def told(*rounds: tuple[float, Any]) -> list[Kind]:
    """Return what is sent when rounds end so, each some seconds after the one before."""
    clock, sent = Clock(), Sent()
    monitor = Monitor("./archive", clock, sent, None)  # type: ignore[arg-type]
    for seconds, outcome in rounds:
        clock.now += seconds
        monitor.began()
        monitor.ended(outcome)
    return sent


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [
        ([(0, GOOD)], [START, SUCCESS]),
        ([(0, BAD)], [START, FAIL]),
        ([(0, STOPPED)], [START, LOG]),
        ([(0, GOOD), (60, GOOD)], [START, SUCCESS] * 2),
        ([(0, GOOD), *[(1, GOOD)] * 28], [START, SUCCESS]),
        ([(0, GOOD), *[(1, GOOD)] * 60], [START, SUCCESS] * 3),
        ([(0, GOOD), (1, BAD)], [START, SUCCESS, FAIL]),
        ([(0, GOOD), (1, BAD), (1, BAD), (1, GOOD), (1, GOOD)], [START, SUCCESS, FAIL, SUCCESS]),
        ([(0, GOOD), (1, STOPPED)], [START, SUCCESS, LOG]),
    ],
)
def test_what_is_sent(rounds: list[tuple[float, Any]], expected: list[Kind]) -> None:
    assert told(*rounds) == expected


@pytest.mark.parametrize(("last", "expected"), [(GOOD, [SUCCESS, LOG]), (STOPPED, [LOG]), (BAD, [FAIL, LOG])])
def test_a_process_that_is_stopped_says_so_once(last: Any, expected: list[Kind]) -> None:
    sent = Sent()
    monitor = Monitor("./archive", Clock(), sent, None)  # type: ignore[arg-type]
    monitor.ended(last)
    monitor.stopped("the process was told to by SIGTERM")
    assert sent == expected


def test_metrics_that_cannot_be_written_are_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    monitor = Monitor("./archive", Clock(), None, tmp_path / "gone" / "mulesoft.prom")
    with caplog.at_level(logging.WARNING, "mulesoft_audit"):
        for _ in range(3):
            monitor.ended(GOOD)
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'gone' / 'mulesoft.prom'} cannot be written: No such file or directory. The run goes on."
    ]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (click.exceptions.Abort(), LOG),
        (Interrupted("Stopped."), LOG),
        (SourceError("Out of order."), FAIL),
        (RuntimeError("a mistake"), FAIL),
    ],
)
def test_what_ends_a_command_is_told_and_goes_on(error: Exception, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent()
    monkeypatch.setattr(ping, "Pinger", lambda address: sent)
    settings = Settings(archive="./archive", ping_url="https://checks.example.org/a-check")
    with pytest.raises(type(error)), monitored(settings, Stop()):
        raise error
    assert sent == [kind]
