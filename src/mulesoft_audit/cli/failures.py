"""Saying what failed: in words for people, as one JSON object a line where a program reads."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from mulesoft_audit.cli.output import json_wanted

if TYPE_CHECKING:
    from mulesoft_audit.errors import AuditError


def tell(error: AuditError) -> None:
    """Print what failed and what to do next to standard error, without any secret in it."""
    from mulesoft_audit.printable import json_line, printable
    from mulesoft_audit.secret import without_secrets

    if not json_wanted():
        text = f"mulesoft-audit: {error.message}" + (f"\n  {error.hint}" if error.hint else "")
        _echo(printable(without_secrets(text), keep="\n"))
        return
    hint = {"hint": error.hint} if error.hint else {}
    _echo(
        without_secrets(
            json_line({"severity": "ERROR", "message": error.message, **hint, "exit_code": error.exit_code})
        )
    )


def _echo(text: str) -> None:
    with suppress(OSError):  # where standard error cannot be written, nobody can be told; the exit status still is
        click.echo(text, err=True)
