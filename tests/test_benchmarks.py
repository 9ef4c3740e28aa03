"""What `make bench` found is drawn and written down."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from benchmarks import document, table
from benchmarks.compare import FLOOR, NAIVE, OURS
from benchmarks.draw import bar, bars, draw

pytestmark = pytest.mark.unit

COSTS = {"entries": 10_001, "cpu_us_per_entry": 25.4, "requests_over_least": 1.01, "peak_mib": 33}
RESULTS: dict[str, Any] = {
    "compare": {
        "entries": 500_000,
        "rounds": 5,
        "ways": {name: {"entries_per_cpu_second": {"median": 90_000.0}} for name in (NAIVE, OURS, FLOOR)},
    },
    "stages": {"inflate": 0.9, "compress": 1.6},
    "growth": [COSTS, {**COSTS, "entries": 3_000_000}],
    "pace": {
        "minute_seconds": 15,
        "cases": [
            {"requests_per_minute": 700, "latency_ms": 400, "limit_kind": "clock", "busy": 0.99, "over_limit": 0}
        ],
    },
}


def test_each_plot_can_be_read_on_a_light_and_on_a_dark_page():
    plots = draw(RESULTS)
    assert set(plots) == {"throughput", "stages", "cost", "requests", "memory", "pace"}
    for name, plot in plots.items():
        ET.fromstring(plot)
        assert "prefers-color-scheme: dark" in plot
        assert "make bench" in plot, name
        assert "#000" not in plot, "a colour that no scheme changes"
    assert ">this collector<" in plots["throughput"]
    assert ">10k<" in plots["cost"]
    assert ">3M<" in plots["cost"]
    assert plots["memory"].count(">target<") == 1
    assert plots["memory"].count('stroke="var(--target)"') == 1


def test_a_name_with_a_mark_of_xml_stays_text():
    assert ">a &lt; b &amp; c<" in bars("t", "n", [bar("a < b & c", 1, "1")])


def test_every_table_has_a_note():
    assert set(document.NOTES) == {*table.TABLES, *table.OTHERS}
