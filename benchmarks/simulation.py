"""A simulated Anypoint in a process of its own, with one log of a chosen size."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from benchmarks.measured import cores, python, started_on
from benchmarks.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Nothing but the one large log: no history, no story, no odd entries.
BARE = (
    *("--groups", "1", "--entries-per-day", "0", "--no-catalogue", "--no-incident"),
    *("--huge", "0", "--twins", "0", "--splits", "0", "--odd-json", "0", "--no-token-entries"),
)


@dataclass(frozen=True, slots=True)
class Simulation:
    """A running simulator.

    Attributes:
        about: what it said of itself.
        day: the day whose log is large, 00:00 UTC.
    """

    about: dict[str, Any]
    day: datetime

    @property
    def environment(self) -> dict[str, str]:
        """The collector's settings for it."""
        return {
            "ANYPOINT_BASE_URL": self.about["url"],
            "CLIENT_ID": self.about["client_id"],
            "CLIENT_SECRET": self.about["client_secret"],
            "MULE_ORG_ID": self.about["organizations"][0]["id"],
        }

    @property
    def large(self) -> str:
        """The organization with the large log."""
        return str(self.about["organizations"][1]["id"])

    def task(self, out: Path) -> Task:
        """Return the task of bringing the large log to `out`."""
        end = self.day + timedelta(days=1) - timedelta(milliseconds=1)
        secrets = self.about["client_id"], self.about["client_secret"]
        return Task(self.about["url"], *secrets, self.large, _iso(self.day), _iso(end), str(out))

    def counters(self) -> dict[str, Any]:
        """Return what it has seen."""
        with urllib.request.urlopen(self.about["url"] + "/simulator/counters") as answer:
            return dict(json.load(answer))

    def queries(self) -> int:
        """Return how many audit queries it was asked."""
        return sum(self.counters()["requests"].get("query", {}).values())


@contextmanager
def simulated(entries: int, *switches: str) -> Iterator[Simulation]:
    """Run a simulator whose last full day has that many entries of 1.2 KB; more switches as of `simulate`."""
    now = datetime.now(UTC)
    day = datetime(now.year, now.month, now.day, tzinfo=UTC) - timedelta(days=1)
    with served(*BARE, "--bulk", str(entries), "--now", str(now.timestamp()), *switches) as about:
        yield Simulation(about, day)


@contextmanager
def served(*switches: str) -> Iterator[dict[str, Any]]:
    """Run `mulesoft-audit simulate` with those switches, on a core of its own if there are two."""
    program = python("-m", "mulesoft_audit", "simulate", "--json", *switches)
    with started_on(cores()[1], program, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
