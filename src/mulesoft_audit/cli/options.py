"""Options that several commands share, and how a terminal is told from a pipe."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mulesoft_audit import settings as settings_module
from mulesoft_audit.cli.complete import directories, files, organizations, planes
from mulesoft_audit.cli.headings import ANYPOINT, OTHER, under
from mulesoft_audit.cli.output import start_log
from mulesoft_audit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.settings import Settings

log = logging.getLogger(__name__)

F = TypeVar("F", bound="Callable[..., Any]")

_anypoint, _other = under(ANYPOINT), under(OTHER)

_SOURCE = [
    _anypoint("--client-id", metavar="ID", help="The connected app's id.  [CLIENT_ID]"),
    _anypoint(
        "--client-secret-file",
        metavar="FILE",
        shell_complete=files,
        help="A file whose first line is its secret.  [CLIENT_SECRET_FILE, or CLIENT_SECRET itself]",
    ),
    _anypoint(
        "--plane",
        "anypoint_plane",
        metavar="NAME",
        shell_complete=planes,
        help="us, eu, gov, ca, jp, in, au.  [ANYPOINT_PLANE]",
    ),
    _anypoint(
        "--base-url", "anypoint_base_url", metavar="URL", help="https://HOST instead of a plane.  [ANYPOINT_BASE_URL]"
    ),
    _anypoint(
        "--requests-per-minute", type=int, metavar="N", help="Instead of the plane's limit.  [REQUESTS_PER_MINUTE]"
    ),
]
_ROOT = _anypoint("--org-id", "mule_org_id", metavar="ID", help="The root organization.  [MULE_ORG_ID]")
_LOOK_BACK = _anypoint(
    "--look-back", metavar="TIME", help="What to read again if totals prove nothing.  [LOOK_BACK: 24h]"
)
_CONFIG = _other(
    "--config",
    metavar="FILE",
    shell_complete=files,
    help="The settings file. Default: mulesoft-audit.toml here, or of your user.  [MULESOFT_AUDIT_CONFIG]",
)
_ARCHIVE = click.option(
    "--archive",
    metavar="DIR|URL",
    shell_complete=directories,
    help="A directory, or gs://BUCKET[/PREFIX].  [ARCHIVE]",
)
_ORGS = click.option(
    "--org",
    "orgs",
    multiple=True,
    metavar="NAME",
    shell_complete=organizations,
    help="Only this organization, by name or id (repeatable).",
)
_YES = _other("--yes", is_flag=True, help="Do not ask before starting.")


def shared(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that adds `options` in the order given."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


source_options = shared(*_SOURCE)
root_option = _ROOT
look_back_option = _LOOK_BACK
config_option = _CONFIG
archive_option = _ARCHIVE
orgs_option = _ORGS
yes_option = _YES
#: What it asks for is told by `output.json_wanted`: in Cloud Run too.
json_flag = _other("--json", is_flag=True, expose_value=False, help="Print the result as one JSON object.")


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


@contextmanager
def open_to_read(config: str | None, archive: str | None) -> Iterator[Store]:
    """Open the archive that the flag, the environment or the settings file names; nothing else is needed to read it.

    Raises:
        UsageError: none is named, or no archive can be there.
    """
    from mulesoft_audit.archive.opening import open_archive
    from mulesoft_audit.errors import UsageError

    start_log(briefly=True)
    settings = load_settings(config, archive=archive)
    if not settings.archive_url:
        raise UsageError("ARCHIVE is not set; expected a directory or gs://BUCKET.", "Give it with --archive DIR.")
    store = open_archive(settings.archive_url)
    try:
        yield store
    finally:
        store.close()


def secret_of(settings: Settings) -> Secret:
    """Return the connected app's secret, asking for it where a person can answer.

    Raises:
        UsageError: the file that should hold it cannot be read.
    """
    secret = settings.secret
    if secret or not settings.client_id or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return secret
    return Secret(click.prompt("Client secret", hide_input=True, err=True, default="", show_default=False))
