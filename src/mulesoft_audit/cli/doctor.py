"""`mulesoft-audit doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mulesoft_audit.cli.configured import config_file, load_settings, secret_of
from mulesoft_audit.cli.deploy import command as deploy
from mulesoft_audit.cli.deploy_values import deployment, feed_settings
from mulesoft_audit.cli.headings import Command
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
    from collections.abc import Iterator

    from mulesoft_audit.clock import Stop
    from mulesoft_audit.cloud.deploy.deployment import Deployment
    from mulesoft_audit.doctor.anypoint import Anypoint
    from mulesoft_audit.doctor.archive import Archive
    from mulesoft_audit.doctor.finding import Check, Finding
    from mulesoft_audit.settings import Settings

Values = dict[str, Any]

CLOUD = frozenset(
    {
        "project",
        "region",
        "name",
        "function",
        "job",
        "schedule",
        "schedule_interval_minutes",
        "build_service_account",
        "static_egress_ip",
        "existing_bucket",
        "bucket_location",
        "secret_locations",
        "secret",
        "account",
        "topic",
        "existing_secret",
        "secops_instance",
        "secops_location",
    }
    | {"secops_project", "secops_host", "feed_name", "feed_deletion", "feed_groups"}
)
PATIENCE = 600.0  #: seconds given to Google

EPILOG = """\b
Examples:
  mulesoft-audit doctor --archive ./archive
  mulesoft-audit doctor --archive gs://my-logs --org Payments --json
  mulesoft-audit doctor --project P --region R --secops-instance ID \\
      --secops-location eu

\b
Exit status:
  0  nothing is broken, whatever is pointed out or was not looked at
  2  a flag or setting is malformed, or an extra is not installed; nothing was
     looked at
  8  something is broken or stale
"""


@click.command("doctor", cls=Command, epilog=EPILOG)
@shared(archive_option)
@shared(orgs_option)
@click.option("--max-age", metavar="DURATION", help="What is older is stale: 90m, 26h. Default: by the schedule.")
@shared(root_option)
@source_options
@shared(config_option, json_flag)
def command(orgs: tuple[str, ...], max_age: str | None, config: str | None, **flags: Any) -> int:  # noqa: ANN401 - click's
    """Check every link, with your own credentials, and say how to repair what is broken.

    From Anypoint (host, clock, credentials, each business group's log) to the archive (readable, writable
    safely, fresh); with --project also what is deployed in Google Cloud, and with --secops-instance the feed.
    It writes nothing under audit/, and asks each organization once: with many of them on a slow control
    plane that takes minutes, which --org shortens.
    """
    from mulesoft_audit.anypoint.query import iso
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.doctor.finding import State, exit_code
    from mulesoft_audit.doctor.view import as_json, printer, summed
    from mulesoft_audit.times import duration

    start_log()
    flags["max_age"] = duration(max_age, "--max-age") if max_age else 0
    stop = Stop()
    show = None if json_wanted() else printer()
    found: list[Finding] = []
    for finding in _findings(config, orgs, flags, stop):
        found.append(finding)
        if show and not (quiet() and finding.state in (State.OK, State.SKIPPED)):
            show(finding)
    if not show:
        click.echo(as_json(found, iso(int(stop.clock.time() * 1000))))
    elif not quiet() or exit_code(found):
        click.echo(summed(found))
    return exit_code(found)


# What names a deployment and a feed is said in the same flags and variables as to `deploy`.
command.params.extend(one for one in deploy.params if one.name in CLOUD)


def _findings(config: str | None, orgs: tuple[str, ...], flags: Values, stop: Stop) -> Iterator[Finding]:
    from mulesoft_audit.doctor.anypoint import Anypoint
    from mulesoft_audit.doctor.finding import examine
    from mulesoft_audit.settings import Settings

    known = {name: value for name, value in flags.items() if name in Settings.__struct_fields__}
    file = config_file(config)
    settings = load_settings(str(file or ""), **known)
    anypoint = Anypoint(settings, secret_of(settings), stop, str(file or ""), orgs)
    archive = _archive(settings, flags, anypoint, stop)
    cloud = _cloud_checks(anypoint, archive, flags)
    try:
        yield from examine([*anypoint.checks(), *archive.checks(), *cloud])
    finally:
        anypoint.close()
        archive.close()


def _archive(settings: Settings, flags: Values, anypoint: Anypoint, stop: Stop) -> Archive:
    from mulesoft_audit.doctor.archive import Archive
    from mulesoft_audit.doctor.freshness import DAILY_SILENCE

    url = settings.archive_url
    if not url and flags["project"]:
        from mulesoft_audit.cloud.deploy.deployment import NAME, default_names

        names = default_names(flags["project"], flags["name"] or NAME)
        url = f"gs://{(flags['existing_bucket'] or names['bucket']).removeprefix('gs://').strip('/')}"
    limit = flags["max_age"] or DAILY_SILENCE
    archive = Archive(url, lambda: anypoint.organizations, lambda: int(stop.clock.time() * 1000), lambda: limit)
    _ = archive.store if url else None  # says what is malformed before anything is asked
    return archive


def _cloud_checks(anypoint: Anypoint, archive: Archive, flags: Values) -> list[Check]:
    """Return the checks of what is deployed in Google Cloud, as far as it is said where that is.

    Raises:
        UsageError: what is said is malformed or not enough, or the extra `gcp` is not installed.
    """
    from mulesoft_audit.doctor.finding import Check, skipped

    if flags["project"]:
        return _named_cloud_checks(anypoint, archive, flags)
    hint = "Say --project and --region to have the function, the schedule and the feed looked at."
    unnamed = [Check("Google Cloud", lambda: skipped("no project is named", hint))]
    return unnamed if archive.url.startswith("gs://") else []


def _named_cloud_checks(anypoint: Anypoint, archive: Archive, flags: Values) -> list[Check]:
    from mulesoft_audit.extras import require

    require("gcp", "Talking to Google Cloud")
    from mulesoft_audit.cloud.google import connect
    from mulesoft_audit.doctor.archive import HELD
    from mulesoft_audit.doctor.feed import END_TO_END, FEED, Feeds, end_to_end
    from mulesoft_audit.doctor.finding import Check, skipped
    from mulesoft_audit.doctor.google import GOOGLE, Cloud
    from mulesoft_audit.doctor.policies import POLICIES, Policies
    from mulesoft_audit.doctor.program import TERRAFORM, check_terraform
    from mulesoft_audit.doctor.roles import Roles

    config = _deployment(anypoint, archive, flags)
    settings = feed_settings(flags, config.bucket, config.log_prefix)
    cloud = Cloud(lambda: connect(_patience(), _tell, project=config.project), config, flags["max_age"])
    archive.stale_after = cloud.stale_after

    def policies() -> Iterator[Finding]:
        return Policies(cloud.google, config, settings is not None, bool(cloud.service)).check()

    checks = [
        *cloud.checks(),
        *Roles(cloud).checks(),
        Check(POLICIES, policies, (GOOGLE,)),
        Check(TERRAFORM, check_terraform),
    ]
    if settings is None:
        hint = "Say --secops-instance and --secops-location to have the feed looked at."
        return [*checks, Check(FEED, lambda: skipped("no SecOps instance is named", hint))]
    feeds = Feeds(lambda: cloud.google, config, settings)

    def last() -> Finding:
        now = anypoint.stop.clock.time()
        return end_to_end(archive.complete, feeds.last_transfers, now, cloud.stale_after())

    return [*checks, *feeds.checks(), Check(END_TO_END, last, (HELD, FEED))]


def _deployment(anypoint: Anypoint, archive: Archive, flags: Values) -> Deployment:
    """Return what should be there, by the flags and by the settings of the collector."""
    settings = anypoint.settings
    bucket, _, prefix = archive.url.removeprefix("gs://").partition("/")
    place = {"bucket": bucket, "prefix": prefix} if archive.url.startswith("gs://") else {}
    own = {"organization": settings.mule_org_id, "client_id": settings.client_id, "plane": settings.anypoint_plane}
    return deployment({**flags, **place, **own})


def _patience() -> Stop:
    from mulesoft_audit.clock import Stop

    stop = Stop()
    stop.deadline = stop.clock.monotonic() + PATIENCE
    return stop


def _tell(text: str) -> None:
    click.echo(f"  {text}", err=True)
