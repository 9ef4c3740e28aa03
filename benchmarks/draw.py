"""The plots of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.compare import FLOOR, NAIVE, OURS
from benchmarks.plots import Bar, Curve, bars, curve

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND = "make bench"


def draw(results: dict[str, Any]) -> dict[str, str]:
    """Return a plot for each result that has one, by name."""
    drawers: dict[str, tuple[str, Callable[[Any], str]]] = {
        "throughput": ("compare", throughput),
        "stages": ("stages", stages),
        "cost": ("growth", cost),
        "requests": ("growth", requests),
        "memory": ("growth", memory),
        "pace": ("pace", pace),
    }
    return {name: drawer(results[source]) for name, (source, drawer) in drawers.items() if source in results}


def throughput(found: dict[str, Any]) -> str:
    """Entries per processor second."""
    names = {NAIVE: "requests + json + gzip", OURS: "this collector", FLOOR: "floor: no look at an entry"}
    rates = {name: found["ways"][name]["entries_per_cpu_second"]["median"] for name in names}
    rows = [Bar(names[name], rate, f"{rate:,.0f}", ours=name == OURS) for name, rate in rates.items()]
    note = f"{found['entries']:,} entries of 1.2 KB, gzip answers, one core, medians of {found['rounds']}; {COMMAND}"
    return bars("Entries per processor second, from socket to durable file", note, rows)


def stages(found: dict[str, float]) -> str:
    """Processor time by stage."""
    rows = [Bar(name, cost, f"{cost:.2f}") for name, cost in found.items()]
    return bars("Processor time by stage, microseconds an entry", f"Each stage by itself, on one core; {COMMAND}", rows)


def cost(rows: list[dict[str, Any]]) -> str:
    """Processor time an entry over entries."""
    points = [(row["entries"], row["cpu_us_per_entry"]) for row in rows]
    drawn = Curve(points, "µs", lambda value: f"{value:.1f}")
    return curve(
        "Processor time an entry as the work grows", f"The whole process, its start included; {COMMAND}", drawn
    )


def requests(rows: list[dict[str, Any]]) -> str:
    """Requests over the least possible."""
    points = [(row["entries"], (row["requests_over_least"] - 1) * 100) for row in rows]
    drawn = Curve(points, "%", lambda value: f"{value:.1f}", 3, "target")
    note = f"Least: ceil(n / 200) a slice, and one to end it; {COMMAND}"
    return curve("Requests over the least possible", note, drawn)


def memory(rows: list[dict[str, Any]]) -> str:
    """Peak memory over entries."""
    points = [(row["entries"], row["peak_mib"]) for row in rows]
    drawn = Curve(points, "MiB", lambda value: f"{value:.0f}", 160, "target")
    return curve("Peak memory of the process", f"Resident set, unpaced, interpreter included; {COMMAND}", drawn)


def pace(found: dict[str, Any]) -> str:
    """How busy the allowance was."""
    rows = [
        Bar(
            f"{case['requests_per_minute']}/min, {case['latency_ms']} ms, {case['limit_kind']}",
            case["busy"],
            f"{case['busy']:.1%}, {case['over_limit']} over",
            ours=case["busy"] >= 0.97 and not case["over_limit"],
        )
        for case in found["cases"]
    ]
    note = f"Whole minutes from the first request; a minute takes {found['minute_seconds']:g} s here; {COMMAND}"
    return bars("Share of the allowed requests that was used", note, rows)
