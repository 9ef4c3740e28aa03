"""What a run did, for a person and for a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.collect.report import as_fields, remarks, sentence
from mulesoft_audit.printable import json_line, printable
from mulesoft_audit.secret import without_secrets
from mulesoft_audit.times import LocalTimes, ago
from mulesoft_audit.words import number_of

if TYPE_CHECKING:
    from mulesoft_audit.collect.organization import OrganizationRun
    from mulesoft_audit.collect.summary import Summary


def as_log_line(summary: Summary, archive: str) -> str:
    """Return the run as one JSON object, in the shape Cloud Logging understands."""
    severity = "INFO" if summary.exit_code == 0 else "ERROR"
    line = {"severity": severity, "message": sentence(summary), **as_fields(summary, archive)}
    return without_secrets(json_line(line))


def as_table(summary: Summary, archive: str) -> None:
    """Print the run as a table that fits 80 columns; sentences below it are not broken, so that ids stay whole."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("Organization", overflow="ellipsis", no_wrap=True)
    for name in ("New", "Held", "Newest"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("State", no_wrap=True)
    for run in summary.organizations:
        name = "  " * run.organization.depth + (run.organization.name or run.organization.id)
        newest = ago(summary.ended - run.newest) if run.newest else "-"
        table.add_row(Text(printable(name)), f"{run.result.written:,}", f"{run.days.held():,}", newest, _state(run))
    console = Console(highlight=False)
    if summary.organizations:
        console.print(table)
    requests = number_of(summary.requests, "request")
    for line in [*remarks(summary), f"{sentence(summary)}, {requests}. Archive: {archive}"]:
        console.print(Text(printable(without_secrets(line))), soft_wrap=True)


def in_brief(summary: Summary) -> str:
    """Return the run as one line for a person, with when it ended."""
    return printable(without_secrets(f"{LocalTimes().second(summary.ended)}  {sentence(summary)}"))


def _state(run: OrganizationRun) -> str:
    if run.result.left:
        return f"{run.result.left:,} to the next run"
    if run.failures:
        return "failed"
    return "complete" if run.complete else "not proved" if run.done else "unfinished"
