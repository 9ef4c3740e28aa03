"""What a run did, for a person and for a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.collect.report import as_fields, sentence
from mulesoft_audit.printable import json_line, printable
from mulesoft_audit.secret import without_secrets
from mulesoft_audit.times import ago

if TYPE_CHECKING:
    from mulesoft_audit.collect.summary import Summary


def as_log_line(summary: Summary, archive: str) -> str:
    """Return the run as one JSON object, in the shape Cloud Logging understands."""
    severity = "INFO" if summary.exit_code == 0 else "ERROR"
    line = {"severity": severity, "message": sentence(summary), **as_fields(summary, archive)}
    return without_secrets(json_line(line))


def as_table(summary: Summary, archive: str) -> None:
    """Print the run as a table that fits 80 columns."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name, justify in (("Organization", "left"), ("New", "right"), ("Read", "right"), ("State", "left")):
        table.add_column(name, justify="right" if justify == "right" else "left", overflow="ellipsis", no_wrap=True)
    for run in summary.organizations:
        state = "failed" if run.failures else "complete" if run.complete else "not proved" if run.done else "unfinished"
        if run.result.left:
            state = f"{run.result.left} to the next run"
        name = "  " * run.organization.depth + (run.organization.name or run.organization.id)
        table.add_row(Text(printable(name)), f"{run.result.written:,}", f"{run.result.read:,}", state)
    console = Console(highlight=False)
    console.print(table)
    for run in summary.organizations:
        for text in run.result.not_proved:
            console.print(Text(f"{run.organization}: {text}."))
    for one in summary.left_alone:
        console.print(Text(f"{one}: an earlier round still reads it."))
    lag = f", newest {ago(summary.ended - summary.newest)} old" if summary.newest else ""
    console.print(Text(f"{sentence(summary)}, {summary.requests} requests{lag}. Archive: {printable(archive)}"))
