"""How much of the allowed rate a long run uses, at several latencies and limits, with the minute made shorter."""

from __future__ import annotations

import json
from statistics import mean
from typing import Any

from benchmarks.measured import cores, python, run
from benchmarks.simulation import simulated

PAGE = 200


def measure(cases: list[tuple[int, int, str]], minutes: int, factor: float) -> dict[str, Any]:
    """Return for each case how busy the allowance was.

    Args:
        cases: requests a minute, milliseconds of latency, and the limit's kind.
        minutes: how many are counted, in the collector's time; there is work for one more, so that it does not run out.
        factor: how much faster than the true time that is.
    """
    return {
        "factor": factor,
        "minute_seconds": 60 / factor,
        "cases": [_measure(*case, minutes, factor) for case in cases],
    }


def _measure(per_minute: int, latency: int, kind: str, minutes: int, factor: float) -> dict[str, Any]:
    entries = per_minute * PAGE * (minutes + 1)
    switches = {
        "--requests-per-minute": per_minute,
        "--limit-kind": kind,
        "--minute-seconds": 60 / factor,
        "--latency-ms": latency / factor,
    }
    with simulated(entries, *(str(word) for pair in switches.items() for word in pair)) as source:
        start = int(source.day.timestamp() * 1000)
        program = python("-m", "benchmarks.paced", str(factor), str(per_minute), source.large, str(start))
        usage = run(program, source.environment, cores()[0])
        seen = source.counters()
    found = json.loads(usage.output)
    if found["new_entries"] != entries:
        raise AssertionError(f"{found['new_entries']} entries of {entries}")
    counted = found["minutes"][:minutes]
    return {
        "requests_per_minute": per_minute,
        "latency_ms": latency,
        "limit_kind": kind,
        "entries": entries,
        "by_minute": counted,
        "busy": mean(counted) / per_minute,
        "over_limit": seen["over_limit"],
        "peak_mib": usage.rss / (1 << 20),
    }
