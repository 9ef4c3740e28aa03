"""`mulesoft-audit function`."""

from __future__ import annotations

from pathlib import Path

import click

from mulesoft_audit.cli.headings import Group

EPILOG = """\b
Example:
  mulesoft-audit function build ./build
"""


@click.group("function", cls=Group, epilog=EPILOG)
def command() -> None:
    """Build the Cloud Run function, to deploy it by hand."""


@command.command("build")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def build(directory: Path) -> None:
    """Write what is deployed into DIR: main.py, requirements.txt and the package.

    The entry point is `main`. An earlier build in DIR is replaced; anything else there is left alone, and
    the command refuses. `mulesoft-audit deploy` does this by itself.
    """
    from mulesoft_audit.cloud.build import build_source

    build_source(directory)
    click.echo(f"Built in {directory}: deploy it with entry point `main` (see docs/cloud-run.md).")
