"""The plots of a run: Vega-Lite's, as the report has them, readable on a light and on a dark page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.compare import FLOOR, NAIVE, OURS
from mulesoft_audit.reading.charts import svg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMAND = "make bench"
STYLE = """<style>
svg { --text: #24292f; --muted: #57606a; --line: #c8ced4; --ours: #0969da; --other: #8c959f; --target: #cf222e }
@media (prefers-color-scheme: dark) {
  svg { --text: #e6edf3; --muted: #9198a1; --line: #3d444d; --ours: #4493f8; --other: #6e7681; --target: #f85149 }
}
</style>"""
NAMES = {"labelColor": "var(--text)", "labelFontSize": 13, "labelLimit": 260, "ticks": False, "domain": False}


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
    rows = [bar(names[name], rate, f"{rate:,.0f}", ours=name == OURS) for name, rate in rates.items()]
    note = f"{found['entries']:,} entries of 1.2 KB, gzip answers, one core, medians of {found['rounds']}; {COMMAND}"
    return bars("Entries per processor second, from socket to durable file", note, rows)


def stages(found: dict[str, float]) -> str:
    """Processor time by stage."""
    rows = [bar(name, cost, f"{cost:.2f}") for name, cost in found.items()]
    return bars("Processor time by stage, microseconds an entry", f"Each stage by itself, on one core; {COMMAND}", rows)


def cost(rows: list[dict[str, Any]]) -> str:
    """Processor time an entry over entries."""
    points = [(row["entries"], row["cpu_us_per_entry"]) for row in rows]
    note = f"The whole process, its start included; {COMMAND}"
    return curve("Processor time an entry as the work grows, µs", note, points, ".1f")


def requests(rows: list[dict[str, Any]]) -> str:
    """Requests over the least possible."""
    points = [(row["entries"], (row["requests_over_least"] - 1) * 100) for row in rows]
    note = f"Least: ceil(n / 200) a slice, and one to end it; {COMMAND}"
    return curve("Requests over the least possible, %", note, points, ".1f", target=3)


def memory(rows: list[dict[str, Any]]) -> str:
    """Peak memory over entries."""
    points = [(row["entries"], row["peak_mib"]) for row in rows]
    note = f"Resident set, unpaced, interpreter included; {COMMAND}"
    return curve("Peak memory of the process, MiB", note, points, ".0f", target=160)


def pace(found: dict[str, Any]) -> str:
    """How busy the allowance was."""
    rows = [
        bar(
            f"{case['requests_per_minute']}/min, {case['latency_ms']} ms, {case['limit_kind']}",
            case["busy"],
            f"{case['busy']:.1%}, {case['over_limit']} over",
            ours=case["busy"] >= 0.97 and not case["over_limit"],
        )
        for case in found["cases"]
    ]
    note = f"Whole minutes from the first request; a minute takes {found['minute_seconds']:g} s here; {COMMAND}"
    return bars("Share of the allowed requests that was used", note, rows)


def bar(name: str, value: float, label: str, *, ours: bool = True) -> dict[str, Any]:
    """Return a row of `bars`; what is compared with is not `ours`."""
    return {"name": name, "value": value, "label": label, "ours": ours}


def bars(title: str, note: str, rows: Sequence[dict[str, Any]]) -> str:
    """Return horizontal bars from zero, each with its label at its end."""
    colour = {"condition": {"test": "datum.ours", "value": "var(--ours)"}, "value": "var(--other)"}
    spec = {
        "height": {"step": 32},
        "padding": {"left": 40, "right": 40, "top": 5, "bottom": 5},
        "encoding": {
            "y": {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": NAMES},
            "x": {"field": "value", "type": "quantitative", "axis": None},
        },
        "layer": [
            {"mark": {"type": "bar", "height": 22, "cornerRadiusEnd": 2}, "encoding": {"color": colour}},
            {
                "mark": {"type": "text", "align": "left", "dx": 6, "color": "var(--text)", "fontSize": 13},
                "encoding": {"text": {"field": "label"}},
            },
        ],
    }
    return _plot(title, note, {"values": list(rows)}, spec)


def curve(title: str, note: str, points: Sequence[tuple[float, float]], shown: str, target: float = 0) -> str:
    """Return a line from zero over a logarithmic axis of entries, its values written as the format `shown`."""
    size = {"labelExpr": "format(datum.value, '.2~s')", "values": [entries for entries, _ in points], "grid": False}
    line: list[dict[str, Any]] = [
        {"mark": {"type": "line", "color": "var(--ours)", "point": {"color": "var(--ours)", "size": 60}}},
        {
            "mark": {"type": "text", "dy": -13, "color": "var(--text)", "fontSize": 12},
            "encoding": {"text": {"field": "value", "type": "quantitative", "format": shown}},
        },
    ]
    where = {"y": {"datum": target}, "x": {"value": 0}, "x2": {"value": "width"}}
    name = {"type": "text", "text": "target", "align": "left", "dx": 6, "dy": -7, "color": "var(--muted)"}
    once = [{"sample": 1}]  # not for each row of the data
    most: list[dict[str, Any]] = [
        {
            "transform": once,
            "mark": {"type": "rule", "color": "var(--target)", "strokeDash": [5, 4]},
            "encoding": where,
        },
        {"transform": once, "mark": name, "encoding": {"y": where["y"], "x": where["x"]}},
    ]
    spec = {
        "height": 210,
        "encoding": {
            "x": {
                "field": "entries",
                "type": "quantitative",
                "scale": {"type": "log", "padding": 30, "nice": False},
                "title": "entries",
                "axis": size,
            },
            "y": {"field": "value", "type": "quantitative", "title": None, "scale": {"zero": True}},
        },
        "layer": line + (most if target else []),
    }
    return _plot(title, note, {"values": [{"entries": x, "value": y} for x, y in points]}, spec)


def _plot(title: str, note: str, data: dict[str, Any], spec: dict[str, Any]) -> str:
    drawn = svg({"title": {"text": title, "subtitle": note}, "data": data, **spec})
    head, end, rest = drawn.partition(">")
    return f"{head}{end}{STYLE}{rest}\n"
