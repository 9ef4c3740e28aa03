"""`mulesoft-audit report`."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from mulesoft_audit.cli.complete import files
from mulesoft_audit.cli.configured import config_file, open_to_read
from mulesoft_audit.cli.failures import tell
from mulesoft_audit.cli.headings import Command
from mulesoft_audit.cli.options import archive_option, config_option, orgs_option, shared
from mulesoft_audit.cli.output import quiet
from mulesoft_audit.errors import OutputError, worst_status
from mulesoft_audit.printable import printable
from mulesoft_audit.words import number_of

if TYPE_CHECKING:
    from pathlib import Path

    from mulesoft_audit.ledger.manifest import Damaged

EPILOG = """\b
Examples:
  mulesoft-audit report --archive ./archive --open
  mulesoft-audit report --since 90d --output audit-2026-q4.html
  mulesoft-audit report --since 2026-10-01 --until 2026-11-01 --org Payments

\b
Exit status:
  0  the report is written
  2  a flag or setting is wrong, or there is no archive
  6  the archive cannot be read, or a part of it is lost or damaged; or the
     report cannot be written
"""
USUAL = "30d"


@click.command("report", cls=Command, epilog=EPILOG)
@shared(archive_option)
@click.option("--since", metavar="TIME", help="From when: 7d, 2026-11-01. Default: 30d before --until.")
@click.option("--until", metavar="TIME", help="Up to, not including, this time. Default: now.")
@shared(orgs_option)
@click.option(
    "--output",
    metavar="FILE",
    default="report.html",
    show_default=True,
    shell_complete=files,
    help="The file; it is replaced.",
)
@click.option("--open", "opened", is_flag=True, help="Show it in your browser.")
@shared(config_option)
def command(
    archive: str | None,
    since: str | None,
    until: str | None,
    orgs: tuple[str, ...],
    output: str,
    opened: bool,
    config: str | None,
) -> int:
    """Write a report that people look at: one HTML file that needs no network.

    What is complete, day by day for a year; what the rules of `detect` found; entries by day; logins and failures;
    who did most and what was done most; privileged changes. A table is behind every chart. It has no script, and
    loads nothing.
    Needs `pip install 'mulesoft-audit-collector[explore]'`.
    """
    from mulesoft_audit.extras import require

    require("explore", "The report")
    from mulesoft_audit.detect.engine import Detector
    from mulesoft_audit.detect.lists import allow_lists
    from mulesoft_audit.detect.rule import load_rules
    from mulesoft_audit.paths import expanded
    from mulesoft_audit.reading.filters import Wanted
    from mulesoft_audit.reading.report import Findings, render
    from mulesoft_audit.reading.search import Stretch, search
    from mulesoft_audit.reading.status import status_of
    from mulesoft_audit.reading.tally import Tally
    from mulesoft_audit.settings import read_table

    now = int(time.time() * 1000)
    stretch = Stretch.parse(since, until, now, USUAL)
    told: list[Damaged] = []
    with open_to_read(config, archive) as store:
        status = status_of(store, orgs, now)
        ids = [one.organization for one in status.standings]
        tally = Tally()
        found = tally.passing(search(store, stretch, ids, Wanted(), None, told.append))
        lists = allow_lists(read_table("detect", config_file(config) or ""))
        findings = Findings(Detector(load_rules(()), lists, status.names.by_id).run(found))
        text = render(tally, findings, status, stretch, store.url, now)
    target = expanded(output)
    _write(target, text)
    if not quiet():
        click.echo(f"Wrote {printable(output)}: {number_of(tally.entries, 'entry', 'entries')}.")
    if opened:
        import webbrowser

        webbrowser.open(target.absolute().as_uri())
    for problem in told:
        tell(problem)
    return worst_status(problem.exit_code for problem in told)


def _write(target: Path, text: str) -> None:
    """Write the report beside its place, readable by the user alone, and put it there whole.

    A link, a pipe or a device is written to as it is: it must not be replaced by a file.
    """
    temporary = target.with_name(f".{target.name}.new")
    try:
        if target.is_symlink() or (target.exists() and not target.is_file()):
            target.write_text(text, encoding="utf-8")
            return
        temporary.touch(mode=0o600)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise OutputError(
            f"{target} cannot be written: {error.strerror}.", "Name another file with --output."
        ) from None
