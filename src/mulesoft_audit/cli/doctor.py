"""`mulesoft-audit doctor`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from mulesoft_audit.cli.options import (
    archive_option,
    config_option,
    json_option,
    load_settings,
    secret_of,
    shared,
    source_options,
)
from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulesoft_audit.clock import Stop
    from mulesoft_audit.doctor.anypoint import Anypoint
    from mulesoft_audit.doctor.archive import Archive
    from mulesoft_audit.doctor.finding import Finding
    from mulesoft_audit.settings import Settings

EPILOG = """\b
Examples:
  mulesoft-audit doctor --archive ./archive
  mulesoft-audit doctor --archive gs://my-logs --org ID --json
  mulesoft-audit doctor --project P --region R

\b
Exit status: 0 if nothing failed, else that of the gravest failure, in this order:
  3  Anypoint or Google refuses the credentials
  6  the archive cannot be read or written
  2  a setting is missing or malformed
  7  something in Google Cloud or the feed is missing or broken
  5  Anypoint cannot be reached, or is out of order
  4  a business group, or something in Google Cloud, may not be read
  1  something is stale, or a clock is wrong
"""


@click.command("doctor", epilog=EPILOG)
@shared(archive_option)
@click.option("--org", "orgs", multiple=True, metavar="ID", help="Look at this organization only (repeatable).")
@click.option("--org-id", "mule_org_id", metavar="ID", help="The root organization.  [MULE_ORG_ID]")
@source_options
@shared(config_option, json_option)
def command(orgs: tuple[str, ...], config: str | None, as_json: bool, **flags: str | int | None) -> int:
    """Check every link, with your own credentials, and say how to mend what is broken.

    From Anypoint (host, clock, credentials, each business group's log) to the archive (readable, writable
    safely, fresh). It writes nothing under audit/, and asks each organization once: with many of them
    on a slow control plane that takes minutes, which --org shortens.
    """
    from mulesoft_audit.anypoint.query import iso
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.doctor.finding import exit_code
    from mulesoft_audit.doctor.view import as_json as json_of
    from mulesoft_audit.doctor.view import printer, summed
    from mulesoft_audit.logs import configure

    configure()
    stop = Stop()
    told = not as_json and sys.stdout.isatty()
    show = printer() if told else None
    found: list[Finding] = []
    for finding in _findings(config, orgs, flags, stop):
        found.append(finding)
        if show:
            show(finding)
    click.echo(summed(found) if told else json_of(found, iso(int(stop.clock.time() * 1000))))
    return exit_code(found)


def _findings(
    config: str | None, orgs: tuple[str, ...], flags: dict[str, str | int | None], stop: Stop
) -> Iterator[Finding]:
    from mulesoft_audit.doctor.anypoint import SETTINGS, Anypoint
    from mulesoft_audit.doctor.finding import examine, failed
    from mulesoft_audit.settings import CONFIG

    try:
        settings = load_settings(config, **flags)
        anypoint = Anypoint(settings, secret_of(settings), stop, config or os.environ.get(CONFIG, ""), orgs)
        archive = _archive(settings, anypoint, stop)
    except UsageError as error:
        yield failed(error, SETTINGS)
        return
    try:
        yield from examine([*anypoint.checks(), *archive.checks()])
    finally:
        anypoint.close()
        archive.close()


def _archive(settings: Settings, anypoint: Anypoint, stop: Stop) -> Archive:
    from mulesoft_audit.doctor.archive import Archive
    from mulesoft_audit.times import duration

    look_back = duration(settings.look_back, "LOOK_BACK")
    return Archive(
        settings.archive_url, lambda: anypoint.organizations, lambda: int(stop.clock.time() * 1000), look_back
    )
