"""What SecOps says of the parser and the rules: text for people, one JSON object to keep as a record."""

from __future__ import annotations

import json
import textwrap
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import click
import msgspec

from mulesoft_audit import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mulesoft_audit.cloud.feed.settings import FeedSettings
    from mulesoft_audit.secops.check import Difference, ParserResult, RuleResult

WIDTH = 80
MOST = 20  #: differences that are shown to people
TABLES = "It names the data table {}: does SecOps have it? docs/parser.md, step 4."


def show_rules(results: Sequence[RuleResult]) -> None:
    """Print how many rules compile, and what SecOps says of the others."""
    compiling = sum(one.compiles for one in results)
    click.echo(f"Rules: {compiling} of {len(results)} compile.")
    for result in results:
        for one in result.diagnostics:
            place = f", line {one.line}, column {one.column}" if one.line else ""
            _tell(f"{result.rule}{place}: {one.severity.lower()}: {one.message}")
        if not result.compiles and result.tables:
            _tell(TABLES.format(", ".join(result.tables)), 4)


def show_parser(result: ParserResult) -> None:
    """Print whether the parser compiles, and how its events differ from those expected."""
    if result.refused:
        click.echo("Parser: SecOps does not take it.")
        _tell(result.refused)
        return
    click.echo(f"Parser: {result.as_expected} of {result.samples} sample logs give the event expected.")
    for one in result.differences[:MOST]:
        logs = f"{one.samples} log{'' if one.samples == 1 else 's'}"
        _tell(f"{one.field or 'No event'}: {logs}, first {one.sample}")
        _tell(_how(one), 4)
    if len(result.differences) > MOST:
        _tell(f"and {len(result.differences) - MOST} more; --json names all")


def _how(one: Difference) -> str:
    if one.error:
        return one.error
    return f"expected {one.expected or 'nothing'}; SecOps has {one.found or 'nothing'}"


def show_active(parser: str) -> None:
    """Print which parser is active, which the check has nothing to do with."""
    from mulesoft_audit.cloud.feed.verify import PARSERS

    click.echo(f"In this instance: {PARSERS[parser]}.")


def _tell(text: str, indent: int = 2) -> None:
    margin = " " * indent
    click.echo(
        textwrap.fill(text, WIDTH, initial_indent=margin, subsequent_indent=f"{margin}  ", break_on_hyphens=False)
    )


def as_json(settings: FeedSettings, rules: Sequence[RuleResult], parsed: ParserResult | None, active: str) -> str:
    """Return the result with what it holds for: when, where, which version and which text of the parser."""
    from mulesoft_audit.secops.samples import parser

    found = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "instance": settings.parent,
        "rules": msgspec.to_builtins(rules),
    }
    if parsed:
        digest = sha256(parser()).hexdigest()
        found |= {"active_parser": active, "parser": {"sha256": digest, **msgspec.to_builtins(parsed)}}
    return json.dumps(found, indent=2)
