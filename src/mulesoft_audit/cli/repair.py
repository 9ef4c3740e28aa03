"""`mulesoft-audit repair`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mulesoft_audit.cli.configured import secret_of
from mulesoft_audit.cli.confirming import person_there
from mulesoft_audit.cli.failures import tell
from mulesoft_audit.cli.headings import Command
from mulesoft_audit.cli.options import (
    archive_option,
    config_option,
    json_flag,
    root_option,
    shared,
    source_options,
    yes_option,
)
from mulesoft_audit.cli.output import quiet, start_log
from mulesoft_audit.cli.verify import report, scope_options, settings_of

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.evidence.repair import Done, Step
    from mulesoft_audit.evidence.verification import Scope, Verification
    from mulesoft_audit.settings import Settings

EPILOG = """\b
Examples:
  mulesoft-audit repair --archive ./archive
  mulesoft-audit repair --archive ./archive --offline --yes
  mulesoft-audit repair --archive gs://my-logs --require-parts --yes --json

Exit status: as of verify, which runs again at the end. Stop it whenever you like, and run it again.
"""
SHOWN = 40  #: steps that are written out


@click.command("repair", cls=Command, epilog=EPILOG)
@shared(archive_option)
@scope_options
@shared(root_option)
@source_options
@shared(yes_option, config_option, json_flag)
def command(
    offline: bool,
    by_day: bool,
    deep: bool,
    require_parts: bool,
    orgs: tuple[str, ...],
    yes: bool,
    config: str | None,
    **flags: str | int | None,
) -> int:
    """Repair just what verify finds, after showing it.

    Keys and manifests are written again from the parts. What is damaged or forged is moved to state/quarantine/,
    and nothing under audit/ is ever overwritten: a feed would ingest it again. Missing entries are fetched again
    into new parts, if Anypoint still has them. With --require-parts so are those of parts that a feed removed;
    it will ingest them again. What cannot be repaired is said, and why.
    """
    from mulesoft_audit.archive.opening import open_archive
    from mulesoft_audit.cli.collect import stop_on_signals
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.errors import worst_status
    from mulesoft_audit.evidence.verification import Scope

    start_log()
    scope = Scope(offline, by_day, deep, require_parts, orgs)
    settings = settings_of(config, flags, scope)
    stop = Stop()
    stop_on_signals(stop)
    store = open_archive(settings.archive_url)
    try:
        found, done = _repair(settings, store, scope, stop, yes=yes)
    finally:
        store.close()
    report(found, store, stop, done=done.texts)
    for failure in done.failures:
        tell(failure)
    return worst_status([one.exit_code for one in done.failures] + ([found.exit_code] if found.exit_code else []))


def _repair(settings: Settings, store: Store, scope: Scope, stop: Stop, *, yes: bool) -> tuple[Verification, Done]:
    """Verify, show what is to be done, do it, and verify again; without `yes`, a person is asked before."""
    from mulesoft_audit.cli.verify_view import progress_shown
    from mulesoft_audit.evidence.repair import Done, Repair
    from mulesoft_audit.evidence.verification import verify
    from mulesoft_audit.wiring import find_organizations, open_source

    source = None if scope.offline else open_source(settings, secret_of(settings), stop)
    try:
        whose = find_organizations(source, settings, scope.organizations) if source else None
        against = (source.query, source.pacer, whose) if source and whose else None
        now = int(stop.clock.time() * 1000)

        def verified() -> Verification:
            with progress_shown() as started:
                return verify(store, scope, started=started, source=against, now=now)

        found = verified()
        repair = Repair(
            store,
            found,
            require_parts=scope.require_parts,
            query=source.query if source else None,
            root=whose.root if whose else "",
            now=now,
        )
        steps = repair.plan()
        silent = quiet() and (yes or not steps)
        if not silent:
            _show(steps)
        if not any(step.possible for step in steps) or not (yes or _wanted(steps)):
            return found, Done()
        done = repair.run(lambda text: None if silent else click.echo(_printable(text), err=True))
        return verified(), done
    finally:
        if source:
            source.close()


def _show(steps: list[Step]) -> None:
    """Show on standard error what is to be done."""
    for step in steps[:SHOWN]:
        one = step.finding
        click.echo(_printable(f"{one.kind.value}: {one.path}"), err=True)
        click.echo(_printable(f"  → {step.text}"), err=True)
    if len(steps) > SHOWN:
        click.echo(f"… and {len(steps) - SHOWN:,} more", err=True)
    if not steps:
        click.echo("Nothing is to be repaired.", err=True)


def _wanted(steps: list[Step]) -> bool:
    """Ask a person; a script has to say --yes."""
    if person_there():
        return click.confirm(f"Repair {sum(step.possible for step in steps)} of {len(steps)}?", default=False, err=True)
    click.echo("Nothing was changed: say --yes to repair this.", err=True)
    return False


def _printable(text: str) -> str:
    from mulesoft_audit.printable import printable
    from mulesoft_audit.secret import without_secrets

    return without_secrets(printable(text))
