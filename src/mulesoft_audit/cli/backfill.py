"""`mulesoft-audit backfill`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from mulesoft_audit.cli.configured import load_settings, secret_of
from mulesoft_audit.cli.confirming import person_there
from mulesoft_audit.cli.failures import tell
from mulesoft_audit.cli.headings import Command, under
from mulesoft_audit.cli.monitoring import monitored, monitoring_options
from mulesoft_audit.cli.options import (
    archive_option,
    config_option,
    json_flag,
    look_back_option,
    orgs_option,
    root_option,
    shared,
    source_options,
    yes_option,
)
from mulesoft_audit.cli.output import json_wanted, quiet, start_log
from mulesoft_audit.printable import printable
from mulesoft_audit.words import number_of

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.collect.period import Period, Whose
    from mulesoft_audit.collect.plan import Estimate
    from mulesoft_audit.collect.summary import Summary
    from mulesoft_audit.wiring import Source

EPILOG = """\b
Examples:
  mulesoft-audit backfill --archive ./archive --since 2020-01-01
  mulesoft-audit backfill --archive gs://my-logs --since 365d --yes
  mulesoft-audit backfill --archive ./archive --since 2y --plan-only --json
  mulesoft-audit backfill --archive ./archive --since 90d --metrics m.prom
  mulesoft-audit backfill --archive gs://my-logs --since 2020-01-01 \\
      --via projects/my-project/topics/mulesoft-audit-trigger

Exit status: as of collect. Stop it whenever you like; the next one goes on.
"""
how = under("How")


@click.command("backfill", cls=Command, epilog=EPILOG)
@shared(archive_option)
@click.option("--since", metavar="TIME", required=True, help="From when: ISO 8601, a date, or how long ago (365d).")
@click.option("--until", metavar="TIME", help="Up to, not including, this time. Default: now.")
@shared(orgs_option)
@how("--oldest-first", is_flag=True, help="Begin with the oldest days. Default: the newest.")
@how("--via", "topic", metavar="TOPIC", help="Let Cloud Run instances do it: projects/P/topics/T.")
@click.option("--plan-only", is_flag=True, help="Show what it would take, and stop.")
@shared(root_option)
@monitoring_options
@source_options
@shared(look_back_option, yes_option, config_option, json_flag)
def command(
    since: str,
    until: str | None,
    orgs: tuple[str, ...],
    oldest_first: bool,
    topic: str | None,
    plan_only: bool,
    yes: bool,
    config: str | None,
    **flags: str | int | None,
) -> int:
    """Collect years of history at the full allowed rate.

    Shows first what it will take: entries, requests, and time at the allowed rate. Slices are sized by
    what the source counts, many are read at once under one pace, newest days first. It can be stopped and
    started again at any point. It stops at the source's retention and says so. It pings and keeps metrics as
    collect does, but not with --via. Give it a check of its own: it is no sign that collect runs.
    """
    from mulesoft_audit.archive.opening import open_archive
    from mulesoft_audit.cli.collect import period_of, report, stop_on_signals
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.errors import UsageError, worst_status
    from mulesoft_audit.extras import require
    from mulesoft_audit.wiring import find_organizations, open_source

    start_log()
    settings = load_settings(config, **flags)
    if not settings.archive_url:
        raise UsageError("ARCHIVE is not set; expected a directory or gs://BUCKET.", "Give it with --archive DIR.")
    if topic:
        require("gcp", "--via")
    stop = Stop()
    with monitored(settings, stop, wanted=not (plan_only or topic)) as monitor:
        period = replace(period_of(settings, since, until, int(stop.clock.time() * 1000)), oldest_first=oldest_first)
        store = open_archive(settings.archive_url)
        stop_on_signals(stop)
        source = open_source(settings, secret_of(settings), stop)
        try:
            whose = find_organizations(source, settings, orgs)
            period = _within_retention(whose, period, stop)
            end = period.until if period.until is not None else int(stop.clock.time() * 1000)
            estimates = _plan(source, whose, period, end, store)
            _show(estimates, period, source.pacer.per_minute, final=plan_only)
            if plan_only or topic:
                for problem in whose.problems:
                    tell(problem)
            if plan_only or not (yes or _wanted()):
                return worst_status(problem.exit_code for problem in whose.problems)
            if topic:
                _publish(source, whose, (period.since or 0, end), topic, store)
                return worst_status(problem.exit_code for problem in whose.problems)
            monitor.began()
            summary = _collect(source, whose, period, store, stop, estimates)
        finally:
            source.close()
        report(summary, store)
        monitor.ended(summary)
    return summary.exit_code


def _within_retention(whose: Whose, period: Period, stop: Stop) -> Period:
    """Return the period cut to what the source still keeps, and say so."""
    from mulesoft_audit.anypoint.query import iso
    from mulesoft_audit.collect.period import Kept
    from mulesoft_audit.errors import UsageError

    oldest = Kept.by(whose.retention_days, int(stop.clock.time() * 1000)).since
    if period.since is None or period.since >= oldest:
        return period
    days = whose.retention_days
    if period.until is not None and period.until <= oldest:
        raise UsageError(
            f"The source keeps {days} days, from {iso(oldest)[:10]} on: nothing before is left to collect."
        )
    click.echo(
        f"The source keeps {days} days: beginning at {iso(oldest)[:10]}, not {iso(period.since)[:10]}.", err=True
    )
    return replace(period, since=oldest)


def _plan(source: Source, whose: Whose, period: Period, until: int, store: Store) -> list[Estimate]:
    from mulesoft_audit.anypoint.query import Window
    from mulesoft_audit.collect.plan import estimate

    assert period.since is not None  # noqa: S101 - the flag is required
    return estimate(whose.organizations, Window(period.since, until), source.query, store)


def _show(estimates: list[Estimate], period: Period, per_minute: int, *, final: bool) -> None:
    """Print the plan: to standard output if it is all that was asked for, else to standard error."""
    if not final and quiet():
        return
    requests = sum(e.requests for e in estimates)
    missing = sum(e.missing for e in estimates)
    if final and json_wanted():
        import msgspec

        plan = {
            "organizations": [
                {
                    "id": e.organization.id,
                    "total": e.total,
                    "held": e.held,
                    "missing": e.missing,
                    "requests": e.requests,
                }
                for e in estimates
            ],
            "missing": missing,
            "requests": requests,
            "requests_per_minute": per_minute,
            "minutes": round(requests / per_minute, 1),
        }
        click.echo(msgspec.json.encode(plan))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from mulesoft_audit.anypoint.query import iso

    table = Table(box=None, pad_edge=False)
    table.add_column("Organization", overflow="ellipsis", no_wrap=True)
    for name in ("In the source", "Held", "To collect", "Requests"):
        table.add_column(name, justify="right", no_wrap=True)
    for e in estimates:
        name = printable(e.organization.name) or e.organization.id
        total = "refused" if e.total is None else f"{e.total:,}"
        table.add_row(Text(name), total, f"{e.held:,}", f"{e.missing:,}", f"{e.requests:,}")
    console = Console(stderr=not final, highlight=False)
    console.print(table)
    since = iso(period.since or 0)[:10]
    console.print(
        Text(
            f"{number_of(missing, 'entry', 'entries')} since {since}: about {number_of(requests, 'request')}, "
            f"{_duration(requests / per_minute)} at {per_minute:,} a minute."
        ),
        soft_wrap=True,
    )


def _duration(minutes: float) -> str:
    if minutes < 1:
        return "less than a minute"
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def _wanted() -> bool:
    """Ask a person; a script without --yes gets what it asked for, as it cannot answer."""
    return not person_there() or click.confirm("Start?", default=True, err=True)


def _publish(source: Source, whose: Whose, stretch: tuple[int, int], topic: str, store: Store) -> None:
    from mulesoft_audit.cloud.fanout import fan_out
    from mulesoft_audit.cloud.publish import publisher

    sent = fan_out(whose.organizations, *stretch, source.query, store, publisher(topic))
    click.echo(f"Published {number_of(sent, 'message')} to {topic}. Watch the archive {store.url} fill.", err=True)


def _collect(
    source: Source, whose: Whose, period: Period, store: Store, stop: Stop, estimates: list[Estimate]
) -> Summary:
    from mulesoft_audit.cli.progress import shown
    from mulesoft_audit.collect.run import collect

    missing, requests = sum(e.missing for e in estimates), sum(e.requests for e in estimates)
    with shown(source.pacer, missing, source.pacer.requests + requests) as started:
        return collect(
            whose,
            period,
            store=store,
            query=source.query,
            pacer=source.pacer,
            stop=stop,
            ahead=source.clock_ahead,
            started=started,
        )
