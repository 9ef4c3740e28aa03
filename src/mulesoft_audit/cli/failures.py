"""Saying what failed: in words on a terminal, as one JSON object a line where a program reads."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mulesoft_audit.errors import AuditError


def tell(error: AuditError) -> None:
    """Print what failed and what to do next to standard error, without any secret in it."""
    from mulesoft_audit.secret import without_secrets

    if sys.stderr.isatty():
        text = f"mulesoft-audit: {error.message}" + (f"\n  {error.hint}" if error.hint else "")
        shown = "".join(c if c.isprintable() or c == "\n" else "�" for c in without_secrets(text))
        click.echo(shown, err=True)
        return
    import msgspec

    line = {"severity": "ERROR", "message": error.message, "hint": error.hint, "exit_code": error.exit_code}
    click.echo(without_secrets(msgspec.json.encode(line).decode()), err=True)
