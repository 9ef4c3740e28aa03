"""`mulesoft-audit status`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from mulesoft_audit.cli.configured import open_to_read
from mulesoft_audit.cli.headings import Command
from mulesoft_audit.cli.options import archive_option, config_option, json_flag, orgs_option, shared
from mulesoft_audit.cli.output import json_wanted, quiet
from mulesoft_audit.printable import json_line, printable
from mulesoft_audit.times import LocalTimes, ago, iso
from mulesoft_audit.words import number_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.reading.status import Standing, Status

MINUTE = 60_000  #: ms
NARROWEST = 44  #: columns: in fewer, numbers would be cut
NAME = 16  #: columns of an organization that are not given up for the bar
MOST_GAPS = 5  #: of an organization that are shown

EPILOG = """\b
Examples:
  mulesoft-audit status --archive ./archive
  mulesoft-audit status --archive gs://my-logs --json
  mulesoft-audit status --archive gs://my-logs --max-age 2h || page-somebody
  mulesoft-audit status --archive ./archive --org Payments

\b
Exit status:
  0  the archive was looked at, and nothing is older than --max-age
  2  a flag or setting is wrong, or there is no archive
  6  the archive cannot be read
  8  an organization was not proved complete within --max-age
"""


@click.command("status", cls=Command, epilog=EPILOG)
@shared(archive_option, orgs_option)
@click.option("--max-age", metavar="TIME", help="Exit with 8 if the last proof is older than this (2h, 1d).")
@click.option("--size", is_flag=True, help="Add the size of the parts, which takes a listing of them.")
@shared(config_option, json_flag)
def command(archive: str | None, orgs: tuple[str, ...], max_age: str | None, size: bool, config: str | None) -> int:
    """Show what an archive holds, how fresh it is, and what is missing.

    It reads the archive's own notes alone, never Anypoint: what the last run found. Proved means that at that
    moment the archive equalled Anypoint's log. Newest is how old the newest entry is. Gaps are what is known to be
    missing or was not proved. The bar shows entries a day of the last 30 days (UTC).
    """
    from mulesoft_audit.errors import FINDINGS
    from mulesoft_audit.reading.status import status_of
    from mulesoft_audit.times import duration

    longest = duration(max_age, "--max-age") if max_age else None
    now = int(time.time() * 1000)
    with open_to_read(config, archive) as store:
        status = status_of(store, orgs, now)
        bytes_held = _size(store, status) if size else None
        url = store.url
    stale = [one for one in status.standings if longest is not None and one.stale(now, longest)]
    if json_wanted():
        click.echo(json_line(_fields(status, url, now, stale=stale, size=bytes_held)))
    elif not quiet() or _wrong(status, stale):
        _show(status, url, now, stale=stale, size=bytes_held)
    return FINDINGS if stale else 0


def _wrong(status: Status, stale: list[Standing]) -> bool:
    return bool(stale) or not status.run.complete or any(one.gaps for one in status.standings)


def _size(store: Store, status: Status) -> int:
    from mulesoft_audit.archive.layout import AUDIT

    return sum(item.size for one in status.standings for item in store.list(f"{AUDIT}{one.organization}/"))


def _fields(status: Status, url: str, now: int, *, stale: list[Standing], size: int | None) -> dict[str, object]:
    """Return the status for a script; times are ISO 8601 in UTC, ages are seconds."""
    run = status.run
    return {
        "archive": url,
        "at": iso(now),
        "entries": status.entries,
        "since": _iso(status.since),
        "size": size,
        "stale": bool(stale),
        "last_run": {"ended": _iso(run.ended), "complete": run.complete, "exit_code": run.exit_code},
        "organizations": [
            {
                "id": one.organization,
                "name": one.name,
                "entries": one.entries,
                "since": _iso(one.since),
                "until": _iso(one.newest),
                "lag_seconds": _age(now, one.newest),
                "proved_at": _iso(one.proved),
                "proved_seconds_ago": _age(now, one.proved),
                "complete": one.complete,
                "stale": one in stale,
                "gaps": list(one.gaps),
                "days": list(one.days),
            }
            for one in status.standings
        ],
    }


def _iso(milliseconds: int) -> str | None:
    return iso(milliseconds) if milliseconds else None


def _age(now: int, milliseconds: int) -> float | None:
    return (now - milliseconds) / 1000 if milliseconds else None


def _show(status: Status, url: str, now: int, *, stale: list[Standing], size: int | None) -> None:
    """Print the status for a person, within 80 columns."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, width=max(NARROWEST, Console().width))
    console.print(Text(_head(status, url, now, size)), soft_wrap=True)
    console.print(_table(status, now, stale, console))
    if stale:
        late = ", ".join(printable(status.names.of(one.organization)) for one in stale)
        console.print(Text(f"Not proved within --max-age: {late}"), soft_wrap=True)
    for one in status.standings:
        name = status.names.of(one.organization)
        for gap in one.gaps[:MOST_GAPS]:
            console.print(Text(printable(f"{name}: {gap}")), soft_wrap=True)
        if len(one.gaps) > MOST_GAPS:
            console.print(Text(printable(f"{name}: and {len(one.gaps) - MOST_GAPS} more; see --json.")))


def _head(status: Status, url: str, now: int, size: int | None) -> str:
    run = status.run
    result = "complete" if run.complete else f"not complete (exit status {run.exit_code})"
    age = f"{ago(now - run.ended)} ago" if run.ended <= now + MINUTE else "after the time of this machine's clock"
    ended = (
        f"{LocalTimes().minute(run.ended)}, {age}: {result}"
        if run.ended
        else "none has ended yet; what it brings is counted then"
    )
    since = f" since {iso(status.since)[:10]}" if status.since else ""
    size_held = f", {size / 1e6:,.1f} MB" if size is not None else ""
    held = f"{number_of(status.entries, 'entry', 'entries')}{since}{size_held}"
    return f"Archive   {printable(url)}\nHolds     {held}\nLast run  {ended}\n"


def _table(status: Status, now: int, stale: list[Standing], console: Console) -> Table:
    """Return a line an organization. In few columns, names are cut and the bar has fewer days, but no number is cut."""
    from rich.table import Table
    from rich.text import Text

    from mulesoft_audit.reading.status import BAR_DAYS, BARS, DIGITS, bar

    table = Table(box=None, pad_edge=False)
    rows = [
        (
            Text(f"{one.entries:,}"),
            Text(ago(now - one.proved) if one.proved else "never", "red" if one in stale or not one.proved else ""),
            Text(ago(now - one.newest) if one.newest else "-"),
            Text(str(len(one.gaps)), "red" if one.gaps else ""),
        )
        for one in status.standings
    ]
    numbers = "Entries", "Proved", "Newest", "Gaps"
    widths = [max([len(name), *(len(row[place]) for row in rows)]) for place, name in enumerate(numbers)]
    left = console.width - sum(widths) - 2 * len(numbers)
    days = min(BAR_DAYS, left - NAME - 2)
    days = 0 if days < len(title := f"Last {days} days") else days
    table.add_column("Organization", overflow="ellipsis", no_wrap=True, max_width=left - (days and days + 2))
    for name, width in zip(numbers, widths, strict=True):
        table.add_column(name, justify="right", no_wrap=True, min_width=width)
    if days:
        table.add_column(title, no_wrap=True, min_width=days)
    bars = BARS if console.encoding.startswith("utf") else DIGITS
    for one, row in zip(status.standings, rows, strict=True):
        drawn = [Text(bar(one.days[-days:], bars))] if days else []
        table.add_row(Text(printable(status.names.of(one.organization))), *row, *drawn)
    return table
