"""What flags, environment and settings file say together, and what a command opens with it."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mulesoft_audit import settings as settings_module
from mulesoft_audit.cli.confirming import person_there
from mulesoft_audit.cli.output import start_log
from mulesoft_audit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.settings import Settings

log = logging.getLogger(__name__)


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
    if secret or not settings.client_id or not person_there():
        return secret
    return Secret(click.prompt("Client secret", hide_input=True, err=True, default="", show_default=False))
