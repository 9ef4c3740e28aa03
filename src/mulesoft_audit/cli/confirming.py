"""Asking before anything is changed, where somebody is there to be asked."""

from __future__ import annotations

import sys
from typing import Any

import click

from mulesoft_audit.errors import UsageError


def person_there() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(values: dict[str, Any], question: str) -> None:
    """Ask, unless told not to.

    Raises:
        UsageError: nobody is there to answer.
    """
    if values["yes"]:
        return
    somebody_there(values)
    click.confirm(question, abort=True, err=True)


def somebody_there(values: dict[str, Any]) -> None:
    """See that there is somebody to confirm, or that nobody need to.

    Raises:
        UsageError: nobody is there to answer.
    """
    if not values["yes"] and not person_there():
        raise UsageError("Nobody is there to confirm.", "Nothing was changed. Say --yes in a script.")
