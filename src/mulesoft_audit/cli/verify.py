"""`mulesoft-audit verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mulesoft_audit.cli.complete import files
from mulesoft_audit.cli.configured import load_settings, secret_of
from mulesoft_audit.cli.failures import tell
from mulesoft_audit.cli.headings import Command, under
from mulesoft_audit.cli.options import (
    archive_option,
    config_option,
    json_flag,
    orgs_option,
    root_option,
    shared,
    source_options,
)
from mulesoft_audit.cli.output import json_wanted, quiet, start_log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.evidence.offline import Progress
    from mulesoft_audit.evidence.signature import PublicKey
    from mulesoft_audit.evidence.verification import Scope, Verification
    from mulesoft_audit.settings import Settings

EPILOG = """\b
Examples:
  mulesoft-audit verify --archive ./archive
  mulesoft-audit verify --archive ./archive --offline
  mulesoft-audit verify --archive gs://my-logs --by-day --json
  mulesoft-audit verify --archive gs://my-logs --deep --org Payments
  mulesoft-audit verify --archive gs://my-logs --public-key seal.pub.pem

\b
Exit status:
  0  nothing is wrong
  2  a flag or setting is missing or malformed; nothing was sent
  3  Anypoint refuses the credentials
  4  a business group or the hierarchy may not be read; the rest was compared
  5  Anypoint is out of order or contradicts itself
  6  the archive cannot be read
  8  there are findings
"""

evidence = under("Parts and seals")
scope_options = shared(
    click.option("--offline", is_flag=True, help="Compare the archive with itself only; Anypoint is not asked."),
    click.option("--by-day", is_flag=True, help="Compare each day with Anypoint by itself: a request a day."),
    click.option("--deep", is_flag=True, help="Compare key by key: every entry is read again."),
    orgs_option,
    evidence("--require-parts", is_flag=True, help="A part that is gone is a finding, though its keys are there."),
)


@click.command("verify", cls=Command, epilog=EPILOG)
@shared(archive_option)
@scope_options
@evidence(
    "--public-key",
    metavar="PEM",
    shell_complete=files,
    help="Check the seals' signatures by this key, that of the first seal.",
)
@evidence("--newest", metavar="SHA256", help="A seal's digest that was the newest once, kept elsewhere.")
@shared(root_option)
@source_options
@shared(config_option, json_flag)
def command(
    offline: bool,
    by_day: bool,
    deep: bool,
    require_parts: bool,
    public_key: str | None,
    newest: str | None,
    orgs: tuple[str, ...],
    config: str | None,
    **flags: str | int | None,
) -> int:
    """Prove an archive whole and unaltered, or say what is wrong with it.

    Every part is compared with its SHA-256, size, entries and keys, every manifest with its parts and with what
    the head saw of it, every object with what knows of it. Then the whole archive is compared with Anypoint's
    count, by one request an organization. What came after the last run is no finding. Nothing is written.
    """
    from mulesoft_audit.archive.opening import open_archive
    from mulesoft_audit.cli.collect import stop_on_signals
    from mulesoft_audit.cli.verify_view import progress_shown
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.evidence.signature import read_public_key
    from mulesoft_audit.evidence.verification import Scope

    start_log()
    scope = Scope(offline, by_day, deep, require_parts, orgs, digest_of(newest))
    key = read_public_key(public_key) if public_key else None
    settings = settings_of(config, flags, scope)
    stop = Stop()
    stop_on_signals(stop)
    store = open_archive(settings.archive_url)
    try:
        with progress_shown() as started:
            found = verification(settings, store, scope, stop, started, key)
    finally:
        store.close()
    report(found, store, stop)
    return found.exit_code


def digest_of(text: str | None) -> str:
    """Return a SHA-256 as `--newest` gives it; empty if it gives none.

    Raises:
        UsageError: it is none.
    """
    import re

    from mulesoft_audit.errors import UsageError

    digest = (text or "").strip().lower()
    if digest and not re.fullmatch("[0-9a-f]{64}", digest):
        raise UsageError(f"--newest is {text!r}; expected the 64 digits that seal printed.")
    return digest


def settings_of(config: str | None, flags: dict[str, str | int | None], scope: Scope | None = None) -> Settings:
    """Return the settings, in which an archive is named.

    Raises:
        UsageError: one of them is malformed, no archive is named, or the scope makes no sense.
    """
    from mulesoft_audit.errors import UsageError

    if scope and scope.offline and scope.organizations:
        raise UsageError("--org says whom to ask Anypoint for, and --offline asks nobody.", "Leave one of them out.")
    settings = load_settings(config, **flags)
    if not settings.archive_url:
        raise UsageError("ARCHIVE is not set; expected a directory or gs://BUCKET.", "Give it with --archive DIR.")
    return settings


def verification(
    settings: Settings,
    store: Store,
    scope: Scope,
    stop: Stop,
    started: Callable[[Progress], None],
    key: PublicKey | None,
) -> Verification:
    """Verify an archive against itself and, unless that is not wanted, against Anypoint.

    Raises:
        AuditError: it concerns all of it.
    """
    from mulesoft_audit.evidence.verification import verify
    from mulesoft_audit.wiring import find_organizations, open_source

    if scope.offline:
        return verify(store, scope, started=started, key=key)
    source = open_source(settings, secret_of(settings), stop)
    try:
        whose = find_organizations(source, settings, scope.organizations)
        now = int(stop.clock.time() * 1000)
        against = (source.query, source.pacer, whose)
        return verify(store, scope, started=started, source=against, now=now, key=key)
    finally:
        source.close()


def report(found: Verification, store: Store, stop: Stop, *, done: Sequence[str] | None = None) -> None:
    """Print what failed to standard error and what was found to standard output; `done`: what was repaired before."""
    from mulesoft_audit.cli.verify_view import as_table
    from mulesoft_audit.evidence.report import as_fields
    from mulesoft_audit.printable import json_line
    from mulesoft_audit.secret import without_secrets

    for failure in found.failures:
        tell(failure)
    if json_wanted():
        fields = as_fields(found, store.url, int(stop.clock.time() * 1000))
        if done is not None:
            fields = {**fields, "event": "repair", "done": list(done)}
        click.echo(without_secrets(json_line(fields)))
    elif not quiet() or found.exit_code:
        as_table(found, store.url)
