"""`mulesoft-audit secops`: the parser and the rules, held against a real Google SecOps."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mulesoft_audit.cli import deploy_options as options
from mulesoft_audit.cli import deploy_values as given
from mulesoft_audit.cli.complete import rule_ids
from mulesoft_audit.cli.configured import config_file
from mulesoft_audit.cli.headings import Group
from mulesoft_audit.cli.options import shared
from mulesoft_audit.errors import FINDINGS, UsageError

if TYPE_CHECKING:
    from mulesoft_audit.cli.deploy_values import Values
    from mulesoft_audit.cloud.feed.secops import SecOps
    from mulesoft_audit.detect.rule import Rule
    from mulesoft_audit.secops.check import ParserResult, RuleResult

EPILOG = """\b
Examples:
  mulesoft-audit secops parser > mulesoft.conf
  mulesoft-audit secops check
  mulesoft-audit secops check --rule login-failures --json

\b
Exit status:
  0  the parser and the rules compile, and each log gives the event expected
  2  a flag or setting is missing or malformed; nothing was sent
  3  Google refuses the credentials
  4  a permission is missing; the message names it
  7  SecOps cannot be reached, or its API is off
  8  SecOps refuses the parser or a rule, or makes other events
"""


@click.group("secops", cls=Group, epilog=EPILOG)
def command() -> None:
    """Work with the parser and the rules for Google SecOps.

    docs/parser.md says how to put them in.
    """


@command.command("parser", epilog=EPILOG)
def parser_command() -> None:
    """Print the parser for log type MULESOFT, to be pasted or sent to SecOps."""
    from mulesoft_audit.secops.samples import parser

    click.echo(parser(), nl=False)


@command.command("check", epilog=EPILOG)
@shared(
    options.project_option,
    options.config_option,
    options.json_option,
    options.instance_options,
    click.option(
        "--rule",
        "names",
        multiple=True,
        metavar="ID",
        shell_complete=rule_ids,
        help="This rule only, and no parser (repeatable).",
    ),
)
def check_command(**values: Any) -> int:  # noqa: ANN401 - click's
    """Have SecOps compile the rules and run the parser over sample logs.

    Stores and changes nothing there. The logs are made up, one for each kind of entry that matters. The events are
    compared with those that the parser gives in this project's tests. The rules are written with the lists
    of the settings file, as `detect rules --yaral` writes them.
    """
    from mulesoft_audit.cli.secops_view import as_json, show_active, show_parser, show_rules
    from mulesoft_audit.detect.rule import load_rules

    rules = load_rules(values["names"])
    secops = _instance(values)
    verified = _verified(secops, rules, values["config"])
    if not values["as_json"]:
        show_rules(verified)
    parsed, active = (None, "") if values["names"] else (_parsed(secops), secops.parser())
    if values["as_json"]:
        click.echo(as_json(secops.settings, verified, parsed, active))
    elif parsed:
        show_parser(parsed)
        show_active(active)
    return 0 if all(one.compiles for one in verified) and (parsed is None or parsed.good) else FINDINGS


def _instance(values: Values) -> SecOps:
    """Return the SecOps instance that the options describe.

    Raises:
        UsageError: something is missing or malformed.
        CredentialsError: there are no Google credentials.
    """
    from mulesoft_audit.cli.deploy_view import tell
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.cloud.feed.secops import SecOps
    from mulesoft_audit.cloud.google import connect

    if not values["secops_project"] and not values["project"]:
        raise UsageError("The project of SecOps is not set.", "Set SECOPS_PROJECT or PROJECT, or --secops-project.")
    settings = given.feed_settings(values)
    if settings is None:
        raise UsageError("The SecOps instance is not set.", "Set SECOPS_INSTANCE, or --secops-instance.")
    return SecOps(connect(Stop(), tell, project=settings.project), settings)


def _verified(secops: SecOps, rules: list[Rule], config: str | None) -> list[RuleResult]:
    from mulesoft_audit.detect.lists import allow_lists
    from mulesoft_audit.detect.yaral import yaral
    from mulesoft_audit.secops.check import check_rule
    from mulesoft_audit.settings import read_table

    lists = allow_lists(read_table("detect", config_file(config) or ""))
    verified = []
    for number, rule in enumerate(rules, 1):
        _progress(f"rule {number} of {len(rules)}")
        verified.append(check_rule(secops, rule.id, yaral(rule, lists)))
    _progress()
    return verified


def _parsed(secops: SecOps) -> ParserResult:
    from mulesoft_audit.secops.check import check_parser
    from mulesoft_audit.secops.samples import parser, samples

    logs = samples()
    _progress(f"parser: log 0 of {len(logs)}")
    found = check_parser(secops, parser(), logs, lambda done: _progress(f"parser: log {done} of {len(logs)}"))
    _progress()
    return found


def _progress(text: str = "") -> None:
    """Say on a terminal how far it is; without a text, clear the line."""
    if sys.stderr.isatty():
        click.echo(f"\r{text}\x1b[K", err=True, nl=False)
