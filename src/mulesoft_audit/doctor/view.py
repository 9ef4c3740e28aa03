"""What findings look like: a line or two each for people, one JSON object for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.doctor.finding import Finding, State, exit_code
from mulesoft_audit.printable import json_line, printable
from mulesoft_audit.secret import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.console import Console

WIDTH, NAME = 80, 22
HINT = "hint"
SIGNS = {State.OK: "✓", State.WARN: "!", State.FAIL: "✗", State.SKIPPED: "-", HINT: "→"}
PLAIN = {State.OK: "+", State.WARN: "!", State.FAIL: "x", State.SKIPPED: "-", HINT: ">"}  #: where those cannot be shown
STYLES = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red", State.SKIPPED: "dim"}


def as_json(findings: Iterable[Finding], at: str) -> str:
    """Return the findings as one JSON object; `at` is when they were found."""
    found = list(findings)
    report = {
        "event": "doctor",
        "at": at,
        "healthy": exit_code(found) == 0,
        "exit_code": exit_code(found),
        "counts": {state.value: sum(one.state is state for one in found) for state in State},
        "findings": [
            {
                "name": one.name,
                "state": one.state.value,
                "detail": one.detail,
                "hint": one.hint,
                "exit_code": one.exit_code,
            }
            for one in found
        ],
    }
    return without_secrets(json_line(report))


def printer() -> Callable[[Finding], None]:
    """Return what prints a finding on the terminal as it is found."""
    from rich.console import Console

    wide = Console(highlight=False)
    console = Console(highlight=False, width=min(WIDTH, wide.width))
    wanted = "".join(SIGNS.values())
    signs = SIGNS if _shown(wanted, console.encoding) == wanted else PLAIN
    return lambda finding: _show(console, finding, signs)


def _shown(text: str, encoding: str) -> str:
    """Return what of a text can be shown, and steers nothing."""
    return without_secrets(printable(text)).encode(encoding, "replace").decode(encoding)


def _show(console: Console, finding: Finding, signs: Mapping[str, str]) -> None:
    from rich.table import Table
    from rich.text import Text

    def text(shown: str, style: str = "") -> Text:
        return Text(_shown(shown, console.encoding), style)

    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(width=NAME, overflow="fold")
    table.add_column(overflow="fold")
    style = STYLES[finding.state]
    quiet = style if finding.state is State.SKIPPED else ""
    table.add_row(Text(signs[finding.state], style), text(finding.name, quiet), text(finding.detail, quiet))
    if finding.hint:
        table.add_row("", "", text(f"{signs[HINT]} {finding.hint}", "italic"))
    console.print(table)


def summed(findings: Iterable[Finding]) -> str:
    """Return the findings in one sentence."""
    states = [one.state for one in findings]
    words = {State.OK: "in order", State.WARN: "to look at", State.FAIL: "broken", State.SKIPPED: "skipped"}
    counts = ", ".join(f"{states.count(state)} {word}" for state, word in words.items() if state in states)
    return f"{counts}."
