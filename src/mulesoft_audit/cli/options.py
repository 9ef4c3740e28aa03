"""Options that several commands share, and how a terminal is told from a pipe."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mulesoft_audit import settings as settings_module
from mulesoft_audit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.settings import Settings

log = logging.getLogger(__name__)

F = TypeVar("F", bound="Callable[..., Any]")

_SOURCE = [
    click.option("--client-id", metavar="ID", help="The connected app's id.  [CLIENT_ID]"),
    click.option(
        "--client-secret-file",
        metavar="FILE",
        help="A file whose first line is its secret.  [CLIENT_SECRET_FILE, or CLIENT_SECRET itself]",
    ),
    click.option("--plane", "anypoint_plane", metavar="NAME", help="us, eu, gov, ca, jp, in, au.  [ANYPOINT_PLANE]"),
    click.option(
        "--base-url", "anypoint_base_url", metavar="URL", help="https://HOST instead of a plane.  [ANYPOINT_BASE_URL]"
    ),
    click.option(
        "--requests-per-minute", type=int, metavar="N", help="Instead of the plane's limit.  [REQUESTS_PER_MINUTE]"
    ),
]
_CONFIG = click.option(
    "--config",
    metavar="FILE",
    help="The settings file. Default: mulesoft-audit.toml here, or of your user.  [MULESOFT_AUDIT_CONFIG]",
)
_ARCHIVE = click.option("--archive", metavar="DIR|URL", help="A directory, or gs://BUCKET[/PREFIX].  [ARCHIVE]")
_ORGS = click.option(
    "--org", "orgs", multiple=True, metavar="NAME", help="Only this organization, by name or id (repeatable)."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")


def shared(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that adds `options` in the order given."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


source_options = shared(*_SOURCE)
config_option = _CONFIG
archive_option = _ARCHIVE
orgs_option = _ORGS
json_option = _JSON


def load_settings(config: str | None, **flags: object) -> Settings:
    """Return the settings that these flags, the environment and the file make.

    Args:
        config: the file; if none is named, here or in the environment, it is looked for.
        flags: settings by name; None and empty values say nothing.

    Raises:
        UsageError: one of them is malformed.
    """
    return settings_module.load(flags, config=config_file(config))


def config_file(config: str | None) -> Path | None:
    """Return the settings file that is read: the one that is named, else one that is found; None if there is none."""
    if named := config or os.environ.get(settings_module.CONFIG):
        return Path(named)
    found = settings_module.find_file()
    if found:
        log.info("Settings are read from %s", found)
    return found


def secret_of(settings: Settings) -> Secret:
    """Return the connected app's secret, asking for it where a person can answer.

    Raises:
        UsageError: the file that should hold it cannot be read.
    """
    secret = settings.secret
    if secret or not settings.client_id or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return secret
    return Secret(click.prompt("Client secret", hide_input=True, err=True, default="", show_default=False))
