"""Charts as SVG text, drawn by Vega-Lite on this machine. Colours are CSS variables of the page that shows them."""

from __future__ import annotations

import json
import re
from typing import Any

import vl_convert

Row = dict[str, str | int]

WIDTH = 760  #: of a whole chart, its labels included
SERIES = 8  #: colours of series that the page has
#: Vega cuts long labels between UTF-16 units, and fails on half of a character that takes two: while it draws, each
#: such character has one of Unicode's private use as a stand-in, none of which is printable.
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
PRIVATE, PRIVATE_SIZE = 0xE000, 6400
_AXIS = {
    "labelColor": "var(--muted)",
    "titleColor": "var(--muted)",
    "domainColor": "var(--line)",
    "tickColor": "var(--line)",
    "gridColor": "var(--line)",
    "labelFont": "system-ui, sans-serif",
    "labelLimit": 240,
}
_CONFIG = {
    "title": {
        "anchor": "start",
        "color": "var(--text)",
        "font": "system-ui, sans-serif",
        "subtitleColor": "var(--muted)",
        "subtitleFont": "system-ui, sans-serif",
        "subtitlePadding": 6,
        "offset": 12,
    },
    "text": {"font": "system-ui, sans-serif"},
    "view": {"stroke": None},
    "axis": _AXIS,
    "legend": {
        "labelColor": "var(--text)",
        "labelFont": "system-ui, sans-serif",
        "orient": "top",
        "title": None,
        "columnPadding": 16,
        "columns": 4,
        "labelLimit": 150,
    },
    "range": {"category": [f"var(--series-{number})" for number in range(1, SERIES + 1)]},
}
_DAY = {
    "field": "day",
    "type": "temporal",
    "timeUnit": "utcyearmonthdate",
    "title": None,
    "axis": {"grid": False, "tickCount": 7},
}


def stacked(rows: list[Row], order: list[str]) -> str:
    """Return bars by day: rows of `day` (YYYY-MM-DD), `series` and `count`."""
    encoding = {
        "x": {**_DAY, "bandPosition": 0.5},
        "y": {"field": "count", "type": "quantitative", "title": None, "axis": {"tickCount": 4}},
        "color": {"field": "series", "type": "nominal", "sort": order, "scale": {"domain": order}},
    }
    return svg({"data": {"values": rows}, "height": 180, "mark": {"type": "bar"}, "encoding": encoding})


def ranked(rows: list[Row]) -> str:
    """Return horizontal bars: rows of `name` and `count`, the largest first."""
    encoding = {
        "y": {"field": "name", "type": "nominal", "sort": None, "title": None},
        "x": {"field": "count", "type": "quantitative", "title": None, "axis": {"tickCount": 4}},
    }
    mark = {"type": "bar", "color": "var(--series-1)", "cornerRadiusEnd": 2}
    return svg({"data": {"values": rows}, "height": {"step": 20}, "mark": mark, "encoding": encoding})


def calendar(rows: list[Row]) -> str:
    """Return a year as weeks of days: rows of `week` (its Monday), `weekday` (0 to 6), `state` and `share` (0 to 1).

    The states are `held`, `empty`, `differs` and `before`.
    """
    states = ["held", "empty", "differs", "before"]
    colours = ["var(--good)", "var(--faint)", "var(--bad)", "var(--none)"]
    encoding = {
        "x": {
            "field": "week",
            "type": "ordinal",
            "timeUnit": "utcyearmonthdate",
            "title": None,
            "axis": {
                "format": "%b",
                "labelExpr": "utcdate(datum.value) <= 7 ? utcFormat(datum.value, '%b') : ''",
                "ticks": False,
                "domain": False,
                "labelAngle": 0,
                "labelOverlap": False,
            },
        },
        "y": {
            "field": "weekday",
            "type": "ordinal",
            "title": None,
            "axis": {"labelExpr": "['Mon','','Wed','','Fri','',''][datum.value]", "ticks": False, "domain": False},
        },
        "color": {"field": "state", "type": "nominal", "scale": {"domain": states, "range": colours}, "legend": None},
        "opacity": {
            "field": "share",
            "type": "quantitative",
            "scale": {"domain": [0, 1], "range": [0.35, 1]},
            "legend": None,
        },
    }
    mark = {"type": "rect", "stroke": "var(--page)", "strokeWidth": 2}
    return svg({"data": {"values": rows}, "height": 84, "mark": mark, "encoding": encoding})


def svg(spec: dict[str, Any]) -> str:
    """Return what a Vega-Lite specification draws, in this package's fonts and widths."""
    # Texts are measured here and shown in another font by a browser: they get room to be wider.
    room = {"left": 40, "right": 12, "top": 5, "bottom": 5}
    whole = {
        "width": WIDTH,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": room,
        "background": None,
        "config": _CONFIG,
        **spec,
    }
    stand_ins: dict[str, str] = {}
    text = _ASTRAL.sub(
        lambda found: stand_ins.setdefault(found[0], chr(PRIVATE + len(stand_ins) % PRIVATE_SIZE)),
        json.dumps(whole, ensure_ascii=False),
    )
    drawn = str(vl_convert.vegalite_to_svg(text))
    return drawn.translate({ord(stand_in): one for one, stand_in in stand_ins.items()})
