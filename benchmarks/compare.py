"""The whole way from socket to durable file, three ways, in turn: the floor, this collector, the naive way.

Every round runs each of them once on one core against the same source on another, so that what disturbs the machine
disturbs all three. A fourth run leaves the collector all cores, as it is used.
"""

from __future__ import annotations

import json
import tempfile
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.measured import Usage, cores, python, run
from benchmarks.simulation import Simulation, simulated

if TYPE_CHECKING:
    from collections.abc import Callable

UNPACED = 100_000  #: requests a minute: the source sets the pace
FLOOR, OURS, NAIVE, FREE = "floor", "collector", "naive", "collector, all cores"
#: Entries a second of others with entries of the same size, and of the naive way beside them, on the machine of this
#: file's first results, 2 cores: measured once, by hand. Machines differ; multiples of it less so.
RECORDED = {"Grove 2.2.0": 13_900, "dlt 1.31.0": 9_200}
NAIVE_RECORDED = 11_400


def measure(entries: int, rounds: int) -> dict[str, Any]:
    """Return the costs of each way, and how they compare."""
    with simulated(entries) as source:
        ways: dict[str, Callable[[], Usage]] = {
            FLOOR: lambda: _other(source, "benchmarks.floor"),
            OURS: lambda: _ours(source, cores()[0]),
            NAIVE: lambda: _other(source, "benchmarks.naive"),
            FREE: lambda: _ours(source, None),
        }
        for way in (ways[FLOOR], ways[OURS]):
            way()  # once for caches
        usages: dict[str, list[Usage]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                usages[name].append(way())
    costs = {name: _summary(found, entries) for name, found in usages.items()}
    return {"entries": entries, "rounds": rounds, "ways": costs, **_ratios(usages), "recorded": RECORDED}


def collector(source: Simulation, archive: str, on: set[int] | None) -> Usage:
    """Run the collector's command line over the large log, into an empty archive."""
    first, last = source.day.date(), source.day.date() + timedelta(days=1)
    return run(
        python(
            *("-m", "mulesoft_audit", "collect", "--json", "--archive", archive, "--org", source.large),
            *("--since", first.isoformat(), "--until", last.isoformat(), "--requests-per-minute", str(UNPACED)),
        ),
        source.environment,
        on,
    )


def _ours(source: Simulation, on: set[int] | None) -> Usage:
    with tempfile.TemporaryDirectory() as folder:
        return collector(source, folder, on)


def _other(source: Simulation, module: str) -> Usage:
    with tempfile.TemporaryDirectory() as folder:
        return run(python("-m", module, source.task(Path(folder)).as_argument()), on=cores()[0])


def _summary(usages: list[Usage], entries: int) -> dict[str, Any]:
    return {
        "cpu_us_per_entry": spread([usage.cpu / entries * 1e6 for usage in usages]),
        "entries_per_cpu_second": spread([entries / usage.cpu for usage in usages]),
        "entries_per_second": spread([entries / usage.wall for usage in usages]),
        "peak_mib": spread([usage.rss / (1 << 20) for usage in usages]),
    }


def _ratios(usages: dict[str, list[Usage]]) -> dict[str, Any]:
    """Compare the rounds' neighbours, then take the median: what slows a round slows both."""
    pairs = zip(usages[OURS], usages[FLOOR], usages[NAIVE], strict=True)
    found = [(ours.cpu / floor.cpu, naive.cpu / ours.cpu) for ours, floor, naive in pairs]
    free = median(naive.wall / ours.wall for ours, naive in zip(usages[FREE], usages[NAIVE], strict=True))
    return {
        "cpu_over_floor": spread([over for over, _ in found]),
        "naive_over_ours": spread([over for _, over in found]),
        "times_recorded": {name: free * NAIVE_RECORDED / rate for name, rate in RECORDED.items()},
    }


def json_entries(usage: Usage) -> int:
    """Return how many entries a run of the collector says it brought."""
    return int(json.loads(usage.output)["new_entries"])


def spread(values: list[float]) -> dict[str, float]:
    """Return the median, the least and the most."""
    return {"median": median(values), "min": min(values), "max": max(values)}
