"""`mulesoft-audit detect`: the rules over the archive."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mulesoft_audit.cli.complete import rule_ids
from mulesoft_audit.cli.configured import config_file, open_to_read
from mulesoft_audit.cli.failures import tell
from mulesoft_audit.cli.headings import OTHER, Group, under
from mulesoft_audit.cli.options import archive_option, config_option, orgs_option, shared
from mulesoft_audit.cli.output import json_wanted, quiet
from mulesoft_audit.errors import FINDINGS, UsageError, worst_status
from mulesoft_audit.words import number_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulesoft_audit.detect.finding import Raw
    from mulesoft_audit.detect.matching import Matcher
    from mulesoft_audit.detect.rule import Rule
    from mulesoft_audit.ledger.manifest import Damaged

SEVERITIES = ("info", "low", "medium", "high", "critical")
PROGRESS_SECONDS = 0.5

EPILOG = """\b
Examples:
  mulesoft-audit detect --archive ./archive
  mulesoft-audit detect --archive gs://my-logs --since 1d --fail-on high
  mulesoft-audit detect --rule login-failures --rule password-spraying
  mulesoft-audit detect --since 7d --json | jq -r .title
  mulesoft-audit detect rules
  mulesoft-audit detect rules --yaral ./rules

\b
Exit status:
  0  it looked; with --fail-on, and found nothing so grave
  2  a flag or setting is missing or malformed; nothing was read
  6  the archive cannot be read, or a part of it is lost or damaged
  8  with --fail-on: something so grave was found
"""


@click.group("detect", cls=Group, invoke_without_command=True, epilog=EPILOG)
@shared(archive_option)
@click.option("--since", metavar="TIME", help="From when: 7d, yesterday, 2026-11-01. Default: everything.")
@click.option("--until", metavar="TIME", help="Up to, not including, this time. Default: now.")
@shared(orgs_option)
@click.option(
    "--rule",
    "names",
    multiple=True,
    metavar="ID",
    shell_complete=rule_ids,
    help="This rule only, all that it found (repeatable).",
)
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="End with 8 if anything so grave, or graver, was found.")
@shared(config_option)
@under(OTHER)("--json", is_flag=True, expose_value=False, help="Print a JSON object a line for each finding.")
@click.pass_context
def command(context: click.Context, /, **values: Any) -> int:  # noqa: ANN401 - click's
    """Look for attacks and mistakes in what an archive holds.

    Runs the rules over the entries, in order of time, and shows what they found: for each rule how often, and
    the latest; with --rule all of it. docs/detections.md describes the rules and how to tune them. What began
    before --since is not seen: give a day more than you want to look at. A date and a time are
    local, unless they name a zone.
    """
    if context.invoked_subcommand:
        _refuse_options(context)
        return 0
    return _detect(**values)


@command.command("rules")
@click.option(
    "--rule", "names", multiple=True, metavar="ID", shell_complete=rule_ids, help="This rule only (repeatable)."
)
@click.option(
    "--yaral",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write each rule as YARA-L for Google SecOps, and the data tables that they need, into this folder.",
)
@shared(config_option)
def rules_command(names: tuple[str, ...], yaral: Path | None, config: str | None) -> int:
    """List the rules: id, severity, how the fields they look at are known, and the ATT&CK technique."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from mulesoft_audit.detect.rule import load_rules

    rules = load_rules(names)
    if yaral:
        return _write_yaral(yaral, rules, config)
    table = Table(box=None, pad_edge=False)
    for name in ("Rule", "Severity", "Fields are", "ATT&CK"):
        table.add_column(name, no_wrap=True)
    for rule in rules:
        table.add_row(Text(rule.id), rule.severity, rule.confidence, rule.technique.split()[0])
    Console(highlight=False).print(table)
    return 0


def _refuse_options(context: click.Context) -> None:
    """Refuse what stands before a command of the group: it would be ignored, as the allow lists of a --config.

    Raises:
        UsageError: something does.
    """
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is click.core.ParameterSource.COMMANDLINE and parameter.expose_value:
            raise UsageError(
                f"{parameter.opts[0]} belongs to detect, not to detect {context.invoked_subcommand}.",
                f"Options of its own follow it: mulesoft-audit detect {context.invoked_subcommand} --help",
            )


def _write_yaral(folder: Path, rules: list[Rule], config: str | None) -> int:
    from mulesoft_audit.detect.yaral import data_tables, yaral

    lists = _lists(config_file(config))
    tables = data_tables(rules, lists)
    files = {f"{rule.id}.yaral": yaral(rule, lists) for rule in rules}
    files |= {f"{name}.csv": text for name, text in tables.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror or type(error).__name__}.") from None
    written = f"{number_of(len(rules), 'rule')} and {number_of(len(tables), 'data table')}"
    click.echo(f"Wrote {written} into {folder}. docs/parser.md says what to do next.")
    return 0


def _detect(
    *,
    since: str | None,
    until: str | None,
    orgs: tuple[str, ...],
    names: tuple[str, ...],
    fail_on: str | None,
    config: str | None,
    archive: str | None,
) -> int:
    from mulesoft_audit.cli.detect_view import Shown, as_line
    from mulesoft_audit.detect.engine import Detector
    from mulesoft_audit.detect.parts import seen_in
    from mulesoft_audit.detect.rule import load_rules
    from mulesoft_audit.ledger.names import names_of
    from mulesoft_audit.memory import spare_memory

    spare_memory()
    told: list[Damaged] = []
    rules = load_rules(names)
    lists = _lists(config_file(config))
    start, end = _stretch(since, until)
    with open_to_read(config, archive) as store:
        known = names_of(store)
        detector = Detector(rules, lists, known.by_id)
        matcher = detector.matcher
        seen = seen_in(store, matcher, (start, end), known.ids(orgs) if orgs else None, told.append)
        shown = Shown(rules, all_of_them=bool(names))
        for finding in detector.findings(_with_progress(seen, matcher)):
            shown.add(finding)
            if json_wanted():
                sys.stdout.write(as_line(finding) + "\n")
    if not json_wanted() and (shown.gravest >= 0 or not quiet()):
        shown.show(matcher.looked_at, store.url)
    if matcher.unreadable:
        click.echo(f"{matcher.unreadable:,} entries are no JSON objects and were left out.", err=True)
    for problem in told:
        tell(problem)
    grave = [FINDINGS] if fail_on and shown.gravest >= SEVERITIES.index(fail_on) else []
    return worst_status([*grave, *(problem.exit_code for problem in told)])


def _lists(file: Path | None) -> dict[str, list[str]]:
    from mulesoft_audit.detect.lists import allow_lists
    from mulesoft_audit.settings import read_table

    return allow_lists(read_table("detect", file or ""))


def _stretch(since: str | None, until: str | None) -> tuple[int, int]:
    """Return the time that the flags ask for, Unix ms.

    Raises:
        UsageError: one of them is no time, or the time is empty.
    """
    from mulesoft_audit.times import moment

    now = int(time.time() * 1000)
    start = moment(since, now, "--since", None) if since else 0
    end = moment(until, now, "--until", None) if until else now
    if start >= end:
        raise UsageError(f"--since ({since}) is not before --until ({until or 'now'}).", "Nothing was read.")
    return start, end


def _with_progress(seen: Iterator[Raw], matcher: Matcher) -> Iterator[Raw]:
    """Say on a terminal how far it is, as what was seen is taken."""
    return _progress(seen, matcher) if sys.stderr.isatty() and not quiet() else seen


def _progress(seen: Iterator[Raw], matcher: Matcher) -> Iterator[Raw]:
    from mulesoft_audit.times import LocalTimes

    times, due = LocalTimes(), 0.0
    for number, one in enumerate(seen):
        if number % 256 == 0 and time.monotonic() >= due:
            due = time.monotonic() + PROGRESS_SECONDS
            click.echo(f"\r{matcher.looked_at:,} entries, up to {times.minute(one[0])}\x1b[K", err=True, nl=False)
        yield one
    click.echo("\r\x1b[K", err=True, nl=False)
