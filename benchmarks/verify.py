"""What it costs to verify an archive against itself: `verify --offline`."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING, Any

from benchmarks.compare import collector
from benchmarks.measured import python, run
from benchmarks.simulation import simulated

if TYPE_CHECKING:
    from benchmarks.measured import Usage


def measure(sizes: list[int], rounds: int) -> list[dict[str, Any]]:
    """Return a row for each size; of several rounds the quickest, with the most memory of them."""
    return [_measure(entries, rounds) for entries in sizes]


def _measure(entries: int, rounds: int) -> dict[str, Any]:
    with simulated(entries) as source, tempfile.TemporaryDirectory() as folder:
        collector(source, folder, None)
        found = [_verify(folder, entries) for _ in range(rounds)]
    best = min(found, key=lambda usage: usage.wall)
    return {
        "entries": entries,
        "wall_s": best.wall,
        "cpu_s": best.cpu,
        "entries_per_second": entries / best.wall,
        "peak_mib": max(usage.rss for usage in found) / (1 << 20),
    }


def _verify(folder: str, entries: int) -> Usage:
    usage = run(python("-m", "mulesoft_audit", "verify", "--offline", "--json", "--archive", folder))
    checked = json.loads(usage.output)["checked"]["entries"]
    if checked != entries:
        raise AssertionError(f"{checked} entries of {entries}")
    return usage
