"""`mulesoft-audit show`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from mulesoft_audit.cli.configured import open_to_read
from mulesoft_audit.cli.failures import tell
from mulesoft_audit.cli.headings import Command, under
from mulesoft_audit.cli.options import archive_option, config_option, orgs_option, shared
from mulesoft_audit.cli.output import coloured, quiet
from mulesoft_audit.errors import UsageError, worst_status
from mulesoft_audit.printable import printable
from mulesoft_audit.times import LocalTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.ledger.manifest import Damaged
    from mulesoft_audit.ledger.names import Names
    from mulesoft_audit.reading.entry import Entry
    from mulesoft_audit.reading.filters import Wanted
    from mulesoft_audit.reading.search import Stretch
    from mulesoft_audit.reading.stream import Problem

    Found = Iterable[Entry]

EPILOG = """\b
Examples:
  mulesoft-audit show --archive ./archive
  mulesoft-audit show --since yesterday --action Login --failed
  mulesoft-audit show --since 7d --user 'alice*' --object '*secret*'
  mulesoft-audit show --since 2026-11-01 --until 2026-11-02 --org Payments
  mulesoft-audit show --platform 'runtime manager' --environment production
  mulesoft-audit show --grep 203.0.113.66 --limit 20
  mulesoft-audit show --entry 3f9a2b1c
  mulesoft-audit show --since 30d --json | gzip > entries.json.gz

\b
Exit status:
  0  the entries were shown; there may be none
  2  a flag or setting is wrong, or there is no archive
  6  the archive cannot be read, or a part of it is lost or damaged
"""
DAY = "24h"
what, how = under("What"), under("How")


@click.command("show", cls=Command, epilog=EPILOG)
@shared(archive_option)
@click.option("--since", metavar="TIME", help="From when: 7d, yesterday, 2026-11-01.")
@click.option("--until", metavar="TIME", help="Up to, not including, this time. Default: now.")
@shared(orgs_option)
@what("--user", multiple=True, metavar="TEXT", help="Person or app: name or id.")
@what("--action", multiple=True, metavar="TEXT", help="Such as 'Login - Failure'.")
@what("--object", multiple=True, metavar="TEXT", help="Its type, name or id.")
@what("--platform", multiple=True, metavar="TEXT", help="The product.")
@what("--environment", multiple=True, metavar="TEXT", help="Name or id.")
@what("--failed", is_flag=True, help="Only what failed.")
@what("--grep", metavar="TEXT", default="", help="Text anywhere in the entry.")
@how("--limit", type=click.IntRange(1), metavar="N", help="The newest N only.")
@how("--json", "form", flag_value="json", help="The entries' own bytes.")
@how("--csv", "form", flag_value="csv", help="A table for a spreadsheet.")
@how("--entry", metavar="ID", help="One entry whole, by the end of its line.")
@shared(config_option)
def command(
    archive: str | None,
    since: str | None,
    until: str | None,
    orgs: tuple[str, ...],
    limit: int | None,
    form: str | None,
    entry: str | None,
    config: str | None,
    **what: Any,  # noqa: ANN401 - click's
) -> int:
    """Show entries, the newest last, a line each.

    Values are compared whole, in any case, and * stands for any text: --user 'a*'. A flag given twice means
    one or the other; several flags mean all of them. A date and a time are local, unless they name a zone.
    Without --since it is the 24 hours before --until; with --limit or --entry, everything before it.
    """
    from mulesoft_audit.ledger.names import names_of
    from mulesoft_audit.reading.filters import Wanted
    from mulesoft_audit.reading.search import START, Stretch, search

    told: list[Damaged] = []
    wanted = Wanted(**what)
    usual = START if limit or entry else DAY
    stretch = Stretch.parse(since, until, int(time.time() * 1000), usual)
    with open_to_read(config, archive) as store:
        names = names_of(store)
        ids = names.ids(orgs) or list(names.by_id)
        if form or limit or entry:
            found: Found = search(store, stretch, ids, wanted, limit, told.append)
            if entry:
                found = _referred_to(found, entry)
            shown = _WRITERS[form or ("whole" if entry else "text")](found, names, ids)
        else:
            shown = _all_as_lines(store, stretch, names, ids, wanted, told.append)
    if not shown and not told:
        _nothing(entry, stretch.since if since or usual != START else 0)
    for problem in told:
        tell(problem)
    return worst_status(problem.exit_code for problem in told)


def _as_json(found: Found, _names: Names, _ids: list[str]) -> int:
    """Write the entries' own bytes; on a terminal, what could steer it is escaped."""
    count = 0
    if sys.stdout.isatty():
        for entry in found:
            sys.stdout.write(printable(entry.line.decode("utf-8", "surrogateescape")) + "\n")
            count += 1
        return count
    out = sys.stdout.buffer
    for entry in found:
        out.write(entry.line + b"\n")
        count += 1
    return count


def _as_csv(found: Found, names: Names, _ids: list[str]) -> int:
    import csv

    from mulesoft_audit.reading.rows import COLUMNS, columns, spreadsheet_cell
    from mulesoft_audit.reading.view import view

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for entry in found:
        writer.writerow(map(spreadsheet_cell, columns(entry, view(entry), names)))
        count += 1
    return count


def _as_lines(found: Found, names: Names, ids: list[str]) -> int:
    from mulesoft_audit.reading.lines import Lines

    lines = Lines(names, ids, colour=coloured())
    count = 0
    for one in found:
        sys.stdout.writelines(lines.of(one.organization, (one.time,), (one.line,)))
        count += 1
    return count


def _all_as_lines(
    store: Store, stretch: Stretch, names: Names, ids: list[str], wanted: Wanted, problem: Problem
) -> int:
    from functools import partial

    from mulesoft_audit.reading.every_core import made_of
    from mulesoft_audit.reading.lines import Lines

    lines = partial(Lines, names, ids, wanted, colour=coloured())
    blocks = made_of(store, lines, (stretch.since, stretch.until), ids, problem=problem)
    count = 0
    for block in blocks:
        if block:
            sys.stdout.write("".join([text for _, _, text in block]))
            sys.stdout.flush()  # the next that is wanted may be long in coming
            count += len(block)
    return count


def _referred_to(found: Found, wanted: str) -> Found:
    """Return the entries with this reference."""
    from mulesoft_audit.reading.rows import reference

    return (one for one in found if reference(one.line) == wanted.strip().lower())


def _whole(found: Found, names: Names, _ids: list[str]) -> int:
    """Print each entry whole; return how many there were."""
    from mulesoft_audit.reading.whole import whole

    def paint(text: str, kind: str) -> str:
        return click.style(text, fg=_COLOURS[kind])

    count = 0
    for entry in found:
        name = printable(names.of(entry.organization))
        click.echo(f"{LocalTimes().second(entry.time)}  {name}  {entry.organization}", err=True)
        click.echo(whole(entry.line, paint) if coloured() else whole(entry.line))
        count += 1
    return count


_WRITERS: dict[str, Callable[[Found, Names, list[str]], int]] = {
    "text": _as_lines,
    "json": _as_json,
    "csv": _as_csv,
    "whole": _whole,
}
_COLOURS = {"key": "cyan", "text": "green", "other": "magenta"}


def _nothing(entry: str | None, since: int) -> None:
    """Say that nothing was found, and what to try."""
    if entry:
        raise UsageError(f"There is no entry {entry!r}.", "It is what stands at the end of a line of `show`.")
    further = f" since {LocalTimes().minute(since)}; --since looks further back" if since else ""
    if not quiet():
        click.echo(f"No such entries{further}.", err=True)
