"""What a run did, for a person and for a script."""

from __future__ import annotations

import msgspec

from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.collect.run import Summary
from mulesoft_audit.secret import without_secrets
from mulesoft_audit.times import ago


def as_fields(summary: Summary, archive: str) -> dict[str, object]:
    """Return the run as fields of one log line; times are ISO 8601, lag and duration seconds."""
    newest = summary.newest
    return {
        "event": "run",
        "archive": archive,
        "complete": summary.exit_code == 0,
        "exit_code": summary.exit_code,
        "interrupted": summary.interrupted,
        "until": iso(summary.until),
        "organizations": [
            {
                "id": run.organization.id,
                "name": run.organization.name,
                "complete": run.done and run.group.error is None,
                "new_entries": run.progress.written,
                "entries_read": run.progress.read,
                "left_to_the_next_run": run.progress.carried,
            }
            for run in summary.organizations
        ],
        "new_entries": summary.written,
        "newest_entry": iso(newest) if newest else None,
        "lag_seconds": round((summary.until - newest) / 1000, 3) if newest else None,
        "requests": summary.requests,
        "over_limit_answers": summary.over_limit,
        "seconds_held_back": round(summary.waited, 1),
        "duration_seconds": round(summary.seconds, 3),
        "failures": [{"message": error.message, "hint": error.hint} for error in summary.failures],
    }


def sentence(summary: Summary) -> str:
    """Return the run in one sentence."""
    groups = len(summary.organizations)
    done = sum(run.done and run.group.error is None for run in summary.organizations)
    text = f"{summary.written} new entries from {done} of {groups} organizations in {summary.seconds:.1f} s"
    return text if summary.exit_code == 0 else f"Incomplete: {text}"


def as_log_line(summary: Summary, archive: str) -> str:
    """Return the run as one JSON object, in the shape Cloud Logging understands."""
    severity = "INFO" if summary.exit_code == 0 else "ERROR"
    line = {"severity": severity, "message": sentence(summary), **as_fields(summary, archive)}
    return without_secrets(msgspec.json.encode(line).decode())


def as_table(summary: Summary, archive: str) -> None:
    """Print the run as a table that fits 80 columns."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name, justify in (("Organization", "left"), ("New", "right"), ("Read", "right"), ("State", "left")):
        table.add_column(name, justify="right" if justify == "right" else "left", overflow="ellipsis", no_wrap=True)
    for run in summary.organizations:
        failed = run.group.error is not None
        state = "failed" if failed else "complete" if run.done else "unfinished"
        if run.progress.carried:
            state = f"{run.progress.carried} to the next run"
        name = "  " * run.organization.depth + (run.organization.name or run.organization.id)
        shown = "".join(c if c.isprintable() else "�" for c in name)
        table.add_row(Text(shown), f"{run.progress.written:,}", f"{run.progress.read:,}", state)
    console = Console(highlight=False)
    console.print(table)
    lag = f", newest {ago(summary.until - summary.newest)} old" if summary.newest else ""
    console.print(Text(f"{sentence(summary)}, {summary.requests} requests{lag}. Archive: {archive}"))
