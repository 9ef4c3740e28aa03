"""What findings look like: a line or two each for people, one JSON object for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit.doctor.finding import Finding, State, exit_code, printable
from mulesoft_audit.secret import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import Console

WIDTH, NAME = 80, 22
SIGNS = {State.OK: "✓", State.WARN: "!", State.FAIL: "✗", State.SKIPPED: "-"}
PLAIN = {**SIGNS, State.OK: "+", State.FAIL: "x"}  #: for a terminal that cannot show the others
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
            {"name": one.name, "state": one.state.value, "detail": one.detail, "mend": one.mend} for one in found
        ],
    }
    return without_secrets(msgspec.json.encode(report).decode())


def printer() -> Callable[[Finding], None]:
    """Return what prints a finding on the terminal as it is found."""
    from rich.console import Console

    wide = Console(highlight=False)
    console = Console(highlight=False, width=min(WIDTH, wide.width))
    signs = SIGNS if _can_show("".join(SIGNS.values()), console) else PLAIN
    return lambda finding: _show(console, finding, signs[finding.state])


def _can_show(text: str, console: Console) -> bool:
    try:
        text.encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _show(console: Console, finding: Finding, sign: str) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(width=NAME, overflow="fold")
    table.add_column(overflow="fold")
    style = STYLES[finding.state]
    quiet = style if finding.state is State.SKIPPED else ""
    table.add_row(Text(sign, style), Text(_safe(finding.name), quiet), Text(_safe(finding.detail), quiet))
    if finding.mend:
        table.add_row("", "", Text(f"→ {_safe(finding.mend)}" if sign != "x" else _safe(finding.mend), "italic"))
    console.print(table)


def _safe(text: str) -> str:
    return without_secrets(printable(text))


def summed(findings: Iterable[Finding]) -> str:
    """Return the findings in one sentence."""
    states = [one.state for one in findings]
    words = {State.OK: "in order", State.WARN: "to look at", State.FAIL: "broken", State.SKIPPED: "skipped"}
    counts = ", ".join(f"{states.count(state)} {word}" for state, word in words.items() if state in states)
    return f"{counts}."
