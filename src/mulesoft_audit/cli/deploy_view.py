"""What the feed's plan, its state and a forced run look like: text for people, one JSON object for scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mulesoft_audit.cloud.feed.engine import CHANGE, CREATE, DELETE, LEAVE, NONE, REFUSED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from mulesoft_audit.cloud.deploy.run import Outcome
    from mulesoft_audit.cloud.feed.engine import Step
    from mulesoft_audit.cloud.feed.managed import Change
    from mulesoft_audit.cloud.feed.verify import FeedReport

SIGNS = {
    CREATE: ("+", "green"),
    CHANGE: ("~", "yellow"),
    NONE: (" ", "dim"),
    REFUSED: ("!", "red"),
    DELETE: ("-", "red"),
}
WIDTH = 80


def show_plan(steps: Sequence[Step]) -> None:
    """Print a plan as a table of at most 80 columns."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for step in steps:
        sign, style = SIGNS.get(step.action, (" ", "dim"))
        table.add_row(Text(f"{sign} {step.action}", style=style), Text(str(step.resource), style=style))
        for change in step.changes:
            table.add_row("", Text(f"  {change.field}: {_arrow(change)}"))
        if step.note:
            table.add_row("", Text(f"  {step.note}", style="dim"))
    console().print(table)
    click.echo(summed(steps))


def _arrow(change: Change) -> str:
    return change.after if change.before == "(none)" else f"{change.before} → {change.after}"


def summed(steps: Sequence[Step]) -> str:
    """Return a plan in one line."""
    counts = {action: sum(step.action == action for step in steps) for action in (*SIGNS, LEAVE)}
    words = {
        CREATE: "to create",
        CHANGE: "to change",
        NONE: "in order",
        REFUSED: "refused",
        DELETE: "to delete",
        LEAVE: "left alone",
    }
    return ", ".join(f"{counts[action]} {word}" for action, word in words.items() if counts[action]) or "Nothing there."


def show_step(step: Step) -> None:
    """Print one finished step on stderr."""
    if step.action == NONE:
        return
    done = {CREATE: "created", CHANGE: "changed", DELETE: "deleted", LEAVE: "left"}[step.action]
    click.echo(f"{done} {step.resource}{f': {step.note}' if step.note else ''}", err=True)


def tell(text: str) -> None:
    """Print the progress of a wait on stderr."""
    click.echo(f"  {text}", err=True)


def show_outcome(outcome: Outcome) -> None:
    """Print what became of a forced run."""
    failed = f"FAILED with HTTP {outcome.status}" if outcome.status else "FAILED"
    click.echo(f"The run {'succeeded' if outcome.succeeded else failed}: {outcome.logs} log objects written.")
    for message in outcome.messages[: 1 if outcome.succeeded else 10]:
        click.echo(f"  {message}")


def show_feeds(reports: Sequence[FeedReport]) -> None:
    """Print what is known of each feed."""
    from mulesoft_audit.cloud.feed.verify import PARSERS

    for report in reports:
        if not report.state:
            click.echo(f"There is no feed {report.name}.")
            continue
        last = f", last transfer {report.last_transfer}" if report.last_transfer else ""
        click.echo(f"Feed {report.name} ({report.feed_id}): {report.state}{last}; {PARSERS[report.parser]}.")
        if report.failure:
            click.echo(f"  {report.failure}")
        if not report.account_granted:
            click.echo(f"  It reads as {report.account}, which was not granted access to the bucket.")


def show_json(**parts: object) -> None:
    """Print one JSON object."""
    click.echo(json.dumps({name: value for name, value in parts.items() if value is not None}, indent=2))


def console() -> Console:
    """Return a console that is as wide as the terminal, and at most 80 columns."""
    from rich.console import Console

    wide = Console(highlight=False)
    return Console(highlight=False, width=min(WIDTH, wide.width))
