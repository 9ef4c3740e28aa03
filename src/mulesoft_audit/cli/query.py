"""`mulesoft-audit query`."""

from __future__ import annotations

import signal
import sys
import time
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import click

from mulesoft_audit.cli.configured import open_to_read
from mulesoft_audit.cli.failures import tell
from mulesoft_audit.cli.headings import Command, under
from mulesoft_audit.cli.options import archive_option, config_option, orgs_option, shared
from mulesoft_audit.errors import worst_status
from mulesoft_audit.printable import json_line, printable
from mulesoft_audit.signals import held_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    from rich.table import Table
    from rich.text import Text

    from mulesoft_audit.ledger.manifest import Damaged

SCHEMA = """\
entries, one row an entry:
  time TIMESTAMP (UTC)     organization (id)        organization_name
  platform                 action                   subaction
  user_name                user_id                  client_name
  client_id                object_type (the first)  object_name
  object_id                environment              failed BOOLEAN
  ip                       transaction              entry JSON (all of it)

objects, one row an object of an entry:
  time, organization, organization_name, platform, action, subaction, user_name,
  client_name, failed, object_type, object_name, object_id, parent_id,
  environment, entry

organizations: id, name, parent, since

What is not said is NULL; text has no type of its own: VARCHAR. Inside `entry`:
  entry->>'$.payload.properties.scopes'

Three examples:
  mulesoft-audit query --since 7d \\
    "select user_name, count(*) from entries where failed group by 1 order by 2 desc"
  mulesoft-audit query --since 30d --csv \\
    "select time, user_name, object_name from objects where object_type ilike 'role'"
  mulesoft-audit query --json \\
    "select time::date as day, count(*) as entries from entries group by 1 order by 1"

More of them: docs/cookbook.md."""
EPILOG = """\b
Examples:
  mulesoft-audit query
  mulesoft-audit query --since yesterday \\
      "select action, count(*) from entries group by 1"
  mulesoft-audit query --since 7d --csv "from entries" > entries.csv

\b
Exit status:
  0  the query was run; there may be no rows
  2  the SQL, a flag or a setting is wrong, or there is no archive
  6  the archive cannot be read, or a part of it is lost or damaged
"""
MOST_ROWS = 1000  #: of a table on a terminal
AT_ONCE = 500
NARROWEST = 12  #: columns of the terminal for one of a table, on average
LONGEST = 200  #: characters of a value in a table

how = under("How")


@click.command("query", cls=Command, epilog=EPILOG)
@click.argument("sql", required=False)
@shared(archive_option)
@click.option("--since", metavar="TIME", help="From when: 7d, yesterday, 2026-11-01. Default: the start.")
@click.option("--until", metavar="TIME", help="Up to, not including, this time. Default: now.")
@shared(orgs_option)
@how("--json", "form", flag_value="json", help="An object a line.")
@how("--csv", "form", flag_value="csv", help="A table for a spreadsheet.")
@shared(config_option)
def command(
    sql: str | None,
    archive: str | None,
    since: str | None,
    until: str | None,
    orgs: tuple[str, ...],
    form: str | None,
    config: str | None,
) -> int:
    """Ask an archive in SQL (DuckDB). Without SQL, print the columns and three examples.

    Days outside --since and --until are not read. One SELECT is run, on this machine, with 1 GB of memory for
    what it sorts, joins and counts; it can read nothing but the archive, and write nothing. Parts of a bucket are
    kept in your cache folder. Needs `pip install 'mulesoft-audit-collector[explore]'`.
    """
    from mulesoft_audit.extras import require

    if not sql:
        click.echo(SCHEMA)
        return 0
    require("explore", "SQL")
    from mulesoft_audit.ledger.names import organizations_of
    from mulesoft_audit.reading.files import part_files
    from mulesoft_audit.reading.search import Stretch

    with held_back():  # DuckDB does not say that it was a signal that ended its import
        from mulesoft_audit.reading.sql import connected, failures, run

    stretch = Stretch.parse(since, until, int(time.time() * 1000))
    told: list[Damaged] = []
    with open_to_read(config, archive) as store:
        known, names = organizations_of(store)
        files = part_files(store, stretch.since, stretch.until, names.ids(orgs) or list(known), told.append)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: temporary files are removed
    with connected(files, stretch.since, stretch.until, known, names) as database:
        result = run(database, sql)
        with failures():
            _WRITERS[form or "text"](result)
    for problem in told:
        tell(problem)
    return worst_status(problem.exit_code for problem in told)


def _rows(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    from mulesoft_audit.reading.sql import interruptible

    while rows := interruptible(result, lambda: result.fetchmany(AT_ONCE)):
        yield from rows


def _as_json(result: duckdb.DuckDBPyConnection) -> None:
    names = _told_apart([one[0] for one in result.description])
    of_json = [str(one[1]) == "JSON" for one in result.description]
    for row in _rows(result):
        values = (_in_json(one, as_is=as_is) for one, as_is in zip(row, of_json, strict=True))
        sys.stdout.write(json_line(dict(zip(names, values, strict=True))) + "\n")


def _told_apart(names: list[str]) -> list[str]:
    """Return names of which none is there twice, as DuckDB tells them apart: a, a_1."""
    found: list[str] = []
    for name in names:
        tries = (f"{name}_{number}" for number in count(1))
        found.append(next(one for one in chain([name], tries) if one not in found))
    return found


def _in_json(value: object, *, as_is: bool) -> object:
    """Return a value as it is to stand in JSON: a number of any size as a number, JSON as what it is."""
    from decimal import Decimal

    import msgspec

    if (as_is and isinstance(value, str)) or isinstance(value, Decimal) or type(value) is int:
        return msgspec.Raw(str(value).encode())
    return value


def _as_csv(result: duckdb.DuckDBPyConnection) -> None:
    import csv

    from mulesoft_audit.reading.rows import spreadsheet_cell

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([spreadsheet_cell(one[0]) for one in result.description])
    for row in _rows(result):
        writer.writerow([spreadsheet_cell(one) if isinstance(one, str | bool) else _text(one) for one in row])


def _as_table(result: duckdb.DuckDBPyConnection) -> None:
    from itertools import islice

    from rich.console import Console
    from rich.text import Text

    rows = _rows(result)
    shown = list(islice(rows, MOST_ROWS))
    console = Console(highlight=False)
    names = [Text(printable(one[0])) for one in result.description]
    if console.width // len(names) < NARROWEST:
        console.print(*_records(names, shown), sep="\n")
    else:
        console.print(_table(names, shown))
    if next(rows, None) is not None:
        console.print(Text(f"The first {MOST_ROWS:,} rows; --csv and --json give all."))


def _table(names: list[Text], rows: list[tuple[Any, ...]]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for index, name in enumerate(names):
        number = any(isinstance(row[index], int | float) and not isinstance(row[index], bool) for row in rows)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_shown, row))
    return table


def _records(names: list[Text], rows: list[tuple[Any, ...]]) -> Iterator[Table | str]:
    """Yield each row by itself, a line a column: a table of so many columns cannot be read."""
    from rich.table import Table

    for number, row in enumerate(rows, 1):
        record = Table(f"Row {number:,}", "", box=None, pad_edge=False)
        for name, value in zip(names, row, strict=True):
            record.add_row(name, _shown(value))
        record.columns[1].overflow = "fold"
        yield record
    if not rows:
        yield "No rows."


def _shown(value: object) -> Text:
    from rich.text import Text

    return Text(printable(_text(value), LONGEST))


_WRITERS = {"text": _as_table, "json": _as_json, "csv": _as_csv}


def _text(value: object) -> str:
    """Return a value as text: a time in ISO 8601, nothing for NULL."""
    from datetime import date, datetime

    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return json_line(value) if isinstance(value, list | dict) else str(value)
