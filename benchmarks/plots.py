"""Plots as SVG, by hand: bars and lines that can be read on a light and on a dark page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH = 720
LEFT, RIGHT, TOP = 190, 120, 46
BAR, GAP = 24, 12
INSET = 30  #: of a line's ends from the axes
STYLE = """<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 } .note { font-size: 12px; fill: #57606a }
.axis { stroke: #8c959f; stroke-width: 1; fill: none } .grid { stroke: #8c959f; stroke-opacity: .25 }
.ours { fill: #0969da } .other { fill: #8c959f } .line { stroke: #0969da; stroke-width: 2; fill: none }
.bound { stroke: #cf222e; stroke-dasharray: 5 4 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .note { fill: #9198a1 } .ours { fill: #4493f8 } .line { stroke: #4493f8 }
  .other { fill: #6e7681 } .bound { stroke: #f85149 }
}
</style>"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        name: at its left.
        value: its length.
        label: at its end.
        ours: drawn in the colour of what is measured, not of what it is compared with.
    """

    name: str
    value: float
    label: str
    ours: bool = True


def bars(title: str, note: str, rows: Sequence[Bar]) -> str:
    """Return horizontal bars from zero."""
    most = max(row.value for row in rows)
    scale = (WIDTH - LEFT - RIGHT) / most
    height = TOP + len(rows) * (BAR + GAP) + 30
    parts = _head(title, height)
    for index, row in enumerate(rows):
        y = TOP + index * (BAR + GAP)
        middle = y + BAR / 2 + 4.5
        kind = "ours" if row.ours else "other"
        length = max(1.0, row.value * scale)
        parts += [
            f'<text x="{LEFT - 10}" y="{middle}" text-anchor="end">{escape(row.name)}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>',
            f'<text x="{LEFT + length + 8:.1f}" y="{middle}">{escape(row.label)}</text>',
        ]
    bottom = height - 30
    parts.append(f'<path class="axis" d="M{LEFT} {TOP - 6}V{bottom}"/>')
    return _finish(parts, note, height)


@dataclass(frozen=True, slots=True)
class Curve:
    """A line over a logarithmic axis of entries.

    Attributes:
        points: entries and value.
        unit: of the values.
        show: a value as text.
        bound: where a dashed line is drawn; 0 for none.
        bound_name: what it is.
    """

    points: Sequence[tuple[float, float]]
    unit: str
    show: Callable[[float], str]
    bound: float = 0.0
    bound_name: str = ""


def curve(title: str, note: str, drawn: Curve) -> str:
    """Return a line from zero over a logarithmic axis."""
    left, right, top, height = 70, 40, TOP + 10, 300
    bottom = height - 60
    most = max([value for _, value in drawn.points] + [drawn.bound]) * 1.15
    low, high = (math.log10(edge(x for x, _ in drawn.points)) for edge in (min, max))

    def place(x: float, y: float) -> tuple[float, float]:
        share = (math.log10(x) - low) / (high - low or 1)
        return left + INSET + share * (WIDTH - left - right - 2 * INSET), bottom - y / most * (bottom - top)

    parts = _head(title, height)
    for step in _steps(most):
        y = place(10**low, step)[1]
        parts.append(f'<path class="grid" d="M{left} {y:.1f}H{WIDTH - right}"/>')
        parts.append(f'<text class="note" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{step:g}</text>')
    if drawn.bound:
        y = place(10**low, drawn.bound)[1]
        parts.append(f'<path class="bound" d="M{left} {y:.1f}H{WIDTH - right}"/>')
        parts.append(f'<text class="note" x="{left + 6}" y="{y - 6:.1f}">{escape(drawn.bound_name)}</text>')
    spots = [(*place(x, y), x, y) for x, y in drawn.points]
    parts.append(f'<path class="line" d="M{" L".join(f"{px:.1f} {py:.1f}" for px, py, _, _ in spots)}"/>')
    for px, py, x, y in spots:
        parts.append(f'<circle class="ours" cx="{px:.1f}" cy="{py:.1f}" r="4"/>')
        parts.append(f'<text x="{px:.1f}" y="{py - 10:.1f}" text-anchor="middle">{escape(drawn.show(y))}</text>')
        parts.append(f'<text class="note" x="{px:.1f}" y="{bottom + 18}" text-anchor="middle">{short(x)}</text>')
    parts.append(f'<path class="axis" d="M{left} {top}V{bottom}H{WIDTH - right}"/>')
    parts.append(f'<text class="note" x="{left}" y="{top - 6}">{escape(drawn.unit)}</text>')
    parts.append(f'<text class="note" x="{WIDTH - right}" y="{bottom + 34}" text-anchor="end">entries</text>')
    return _finish(parts, note, height)


def short(number: float) -> str:
    """Return 10k, 3M."""
    if number >= 999_500:
        return f"{number / 1e6:.3g}M"
    return f"{number / 1e3:.3g}k" if number >= 1000 else f"{number:g}"


def _steps(most: float) -> list[float]:
    raw = most / 5
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw)
    return [step * i for i in range(int(most / step) + 1)]


def _head(title: str, height: int) -> list[str]:
    return [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'role="img" aria-label="{escape(title)}">'
        ),
        STYLE,
        f'<text class="title" x="12" y="24">{escape(title)}</text>',
    ]


def _finish(parts: list[str], note: str, height: int) -> str:
    note_line = f'<text class="note" x="12" y="{height - 8}">{escape(note)}</text>'
    return "\n".join([*parts, note_line, "</svg>", ""])
