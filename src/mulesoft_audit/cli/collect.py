"""`mulesoft-audit collect`."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from mulesoft_audit.cli.configured import load_settings, secret_of
from mulesoft_audit.cli.failures import tell
from mulesoft_audit.cli.headings import Command
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
)
from mulesoft_audit.cli.output import json_wanted, quiet, start_log

if TYPE_CHECKING:
    from types import FrameType

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.collect.period import Period
    from mulesoft_audit.collect.summary import Summary
    from mulesoft_audit.monitoring.monitor import Monitor
    from mulesoft_audit.settings import Settings

EPILOG = """\b
Examples:
  mulesoft-audit collect --archive ./archive
  mulesoft-audit collect --archive ./archive --since 2026-01-01
  mulesoft-audit collect --archive gs://my-logs --since 7d --json
  mulesoft-audit collect --archive ./archive --org Payments --org ID
  mulesoft-audit collect --archive gs://my-logs --every 1m
  PING_URL=https://hc-ping.com/UUID mulesoft-audit collect --archive ./archive
  mulesoft-audit collect --archive ./archive --metrics ./mulesoft.prom

\b
Exit status:
  0  nothing failed; the summary's "complete" says whether all of it is proved
  2  a flag or setting is missing or malformed; nothing was sent
  3  Anypoint refuses the credentials
  4  a business group or the hierarchy may not be read; the rest was collected
  5  Anypoint is out of order or contradicts itself; run again later
  6  the archive cannot be read or written
  130  stopped by a signal; what was collected is kept
"""

SAVING_SECONDS = 4.0  #: how long a run may take to save what it has; a SIGTERM leaves five
INSIST_SECONDS = 0.2


@click.command("collect", cls=Command, epilog=EPILOG)
@shared(archive_option)
@click.option("--since", metavar="TIME", help="From when: ISO 8601, a date, or how long ago (7d). Default: go on.")
@click.option("--until", metavar="TIME", help="Up to, not including, this time. Default: now.")
@click.option("--every", metavar="TIME", help="Stay up, and collect again so often (1m), from start to start.")
@shared(orgs_option)
@shared(root_option)
@monitoring_options
@source_options
@shared(look_back_option, config_option, json_flag)
def command(
    since: str | None,
    until: str | None,
    every: str | None,
    orgs: tuple[str, ...],
    config: str | None,
    **flags: str | int | None,
) -> int:
    """Bring an archive up to date with Anypoint's audit log.

    The first run collects the last 24 hours (or from --since). Each later run compares the whole archive
    with what Anypoint counts, and brings what is missing, whatever its age. Days are held whole: a --since
    is taken back to 00:00 UTC of its day. Running it twice, at once or after a crash, never writes an entry
    twice.

    With --every it stays up until it is stopped, and prints a line only where something changed; --since then
    holds for the first round. An interval that the allowance of requests cannot keep is made longer.

    A service such as healthchecks.io is told of each run by --ping, and notices when runs stay away. Set it as
    PING_URL: a flag is seen in lists of processes. Neither it nor --metrics ever makes a run fail.
    """
    from mulesoft_audit.archive.opening import open_archive
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.errors import UsageError

    start_log()
    settings = load_settings(config, **flags)
    if not settings.archive_url:
        raise UsageError("ARCHIVE is not set; expected a directory or gs://BUCKET.", "Give it with --archive DIR.")
    if every and until:
        raise UsageError("--every goes on for ever, and --until ends.", "Give one of the two.")
    interval = interval_of(every) if every else 0.0
    stop = Stop()
    with monitored(settings, stop) as monitor:
        period = period_of(settings, since, until, int(stop.clock.time() * 1000))
        store = open_archive(settings.archive_url)
        stop_on_signals(stop)
        if interval:
            return _stay(settings, store, period, orgs, stop, interval, monitor)
        monitor.began()
        summary = _run(settings, store, period, orgs, stop)
        report(summary, store)
        monitor.ended(summary)
    return summary.exit_code


def interval_of(text: str) -> float:
    """Return the seconds from the start of one round to that of the next.

    Raises:
        UsageError: it is no duration, or shorter than a second.
    """
    from mulesoft_audit.errors import UsageError
    from mulesoft_audit.times import duration

    seconds = duration(text, "--every") / 1000
    if seconds < 1:
        raise UsageError(f"--every is {text!r}; expected a second (1s) or more.")
    return seconds


def period_of(settings: Settings, since: str | None, until: str | None, now: int) -> Period:
    """Return the period that the flags ask for.

    Raises:
        UsageError: a time is unreadable, in the future, or the wrong way round.
    """
    from mulesoft_audit.collect.period import Period

    return Period.parse(since, until, now, settings.look_back, names=("--since", "--until"))


def stop_on_signals(stop: Stop) -> None:
    """Let SIGTERM and SIGINT ask for an orderly end; where there is nothing to save yet, end at once.

    A bucket that does not respond would hold the main thread for a minute. So it is interrupted after some seconds,
    and again and again, until it has come to its end.
    """
    from mulesoft_audit.errors import Interrupted

    def insist(*_: object) -> None:
        raise Interrupted(f"Stopped: {stop.reason}.", "What was committed is kept; the next run continues.")

    def ask(number: int, _: FrameType | None) -> None:
        stop.ask(f"the process was told to by {signal.Signals(number).name}")
        signal.setitimer(signal.ITIMER_REAL, SAVING_SECONDS if stop.heeded else INSIST_SECONDS, INSIST_SECONDS)
        if not stop.heeded:
            insist()

    signal.signal(signal.SIGALRM, insist)
    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)


def _run(settings: Settings, store: Store, period: Period, orgs: tuple[str, ...], stop: Stop) -> Summary:
    from mulesoft_audit.cli.progress import shown
    from mulesoft_audit.collect.run import collect
    from mulesoft_audit.wiring import find_organizations, open_source

    source = open_source(settings, secret_of(settings), stop)
    try:
        whose = find_organizations(source, settings, orgs)
        with shown(source.pacer) as started:
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
    finally:
        source.close()


def _stay(
    settings: Settings,
    store: Store,
    period: Period,
    orgs: tuple[str, ...],
    stop: Stop,
    interval: float,
    monitor: Monitor,
) -> int:
    from mulesoft_audit.collect.watch import watch
    from mulesoft_audit.wiring import find_organizations, open_source

    source = open_source(settings, secret_of(settings), stop)
    try:
        status = watch(
            source,
            lambda: find_organizations(source, settings, orgs),
            period,
            interval,
            store=store,
            stop=stop,
            say=lambda summary: report(summary, store, briefly=True),
            began=monitor.began,
            ended=monitor.ended,
        )
        monitor.stopped(stop.reason)
    finally:
        source.close()
    return status


def report(summary: Summary, store: Store, *, briefly: bool = False) -> None:
    """Print what failed to standard error and what was done to standard output; `briefly` in one line."""
    from mulesoft_audit.cli.summary import as_log_line, as_table, in_brief

    signal.setitimer(signal.ITIMER_REAL, 0)  # nothing is waited for any more
    for failure in summary.failures:
        tell(failure)
    if json_wanted():
        click.echo(as_log_line(summary, store.url))
    elif briefly:
        click.echo(in_brief(summary))
    elif not quiet() or summary.exit_code:
        as_table(summary, store.url)
