"""What `init` shows: the organizations, and what was written."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from mulesoft_audit.paths import expanded
from mulesoft_audit.printable import printable
from mulesoft_audit.settings import find_file

if TYPE_CHECKING:
    from mulesoft_audit.doctor.anypoint import Anypoint
    from mulesoft_audit.doctor.finding import Finding


def show(anypoint: Anypoint, found: list[Finding]) -> None:
    """Print the organizations as a tree, each with whether its log may be read, and what is to be looked at."""
    from mulesoft_audit.doctor.finding import State

    click.echo("")
    for one in anypoint.organizations:
        sign = "✓" if anypoint.readable.get(one.id) else "✗"
        echo(f"{sign} {'  ' * one.depth}{printable(one.name) or '(no name)'}  {one.id}")
    click.echo("")
    for finding in found:
        if finding.state in (State.WARN, State.FAIL):
            echo(f"! {printable(finding.name)}: {printable(finding.detail)}")
            echo(f"  {printable(finding.hint)}")
    unreadable = sum(not anypoint.readable.get(one.id) for one in anypoint.organizations)
    of_them = f"the logs of {unreadable} may not be read" if unreadable else "the log of each may be read"
    echo(f"{len(anypoint.organizations)} organizations; {of_them}.")


def say_next(output: str, keep: str) -> None:
    """Print what was written and what to do now."""
    found = find_file()
    config = "" if found and found.samefile(expanded(output)) else f" --config {shlex.quote(output)}"
    echo(f"Wrote {printable(output)}, readable by you alone.")
    if keep == "environment":
        click.echo("The client secret is not in it: set CLIENT_SECRET, or name a file with --client-secret-file.")
    elif keep != "settings":
        echo(f"The client secret is in {printable(keep)}.")
    click.echo(f"Next: mulesoft-audit doctor{printable(config)}")
    click.echo(f"      mulesoft-audit collect{printable(config)}")


def echo(text: str) -> None:
    """Print a line, whatever the terminal can show of it."""
    encoding = sys.stdout.encoding or "ascii"
    click.echo(text.encode(encoding, "replace").decode(encoding))
