"""What an entry costs as the work grows: processor time, requests, memory."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.compare import collector, json_entries
from benchmarks.measured import cores
from benchmarks.simulation import simulated

if TYPE_CHECKING:
    from benchmarks.measured import Usage
    from benchmarks.simulation import Simulation

PAGE = 200
LARGE = 500_000  #: entries from which one round is enough


def measure(sizes: list[int], rounds: int) -> list[dict[str, Any]]:
    """Return a row for each size; of several rounds the cheapest, with the most memory of them."""
    return [_measure(entries, rounds if entries < LARGE else 1) for entries in sizes]


def _measure(entries: int, rounds: int) -> dict[str, Any]:
    with simulated(entries) as source:
        found = [_collect(source, entries) for _ in range(rounds)]
        queries = source.queries() / rounds
    usages, slices = [usage for usage, _ in found], found[-1][1]
    least = sum(-(-count // PAGE) + 1 for count in slices)
    return {
        "entries": entries,
        "cpu_us_per_entry": min(usage.cpu for usage in usages) / entries * 1e6,
        "entries_per_second": entries / min(usage.wall for usage in usages),
        "slices": len(slices),
        "requests": queries,
        "least_requests": least,
        "requests_over_least": queries / least,
        "requests_over_one_loop": queries / (-(-entries // PAGE) + 1),
        "peak_mib": max(usage.rss for usage in usages) / (1 << 20),
    }


def _collect(source: Simulation, entries: int) -> tuple[Usage, list[int]]:
    """Collect everything; return what it took, and the entries of each slice: each becomes one part."""
    with tempfile.TemporaryDirectory() as folder:
        usage = collector(source, folder, cores()[0])
        if json_entries(usage) != entries:
            raise AssertionError(f"{json_entries(usage)} entries of {entries}")
        manifests = Path(folder).glob("state/**/*manifest*")
        return usage, [part["entries"] for path in manifests for part in json.loads(path.read_bytes())["parts"]]
