"""Telling of runs, as the options and settings of `collect` and `backfill` say."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from mulesoft_audit.cli.headings import under
from mulesoft_audit.cli.options import shared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulesoft_audit.clock import Stop
    from mulesoft_audit.monitoring.monitor import Monitor
    from mulesoft_audit.settings import Settings

STOPPED_SECONDS = 1.0  #: that pings may take once the process was told to stop: it is to end within five

_monitoring = under("Monitoring")
monitoring_options = shared(
    _monitoring("--ping", "ping_url", metavar="URL", help="Ping this check when a run starts and ends.  [PING_URL]"),
    _monitoring(
        "--metrics", "metrics_file", metavar="FILE", help="Keep metrics for Prometheus in this file.  [METRICS_FILE]"
    ),
)


@contextmanager
def monitored(settings: Settings, stop: Stop, *, wanted: bool = True) -> Iterator[Monitor]:
    """Yield whom to tell of runs; tell of what ends them with an exception, and wait for pings under way.

    Args:
        settings: say where the archive is, and whom to tell.
        stop: tells whether somebody stopped the process.
        wanted: whether there is a run to tell of.
    """
    from mulesoft_audit.collect.summary import Summary
    from mulesoft_audit.errors import Interrupted
    from mulesoft_audit.monitoring.address import address
    from mulesoft_audit.monitoring.monitor import Monitor
    from mulesoft_audit.monitoring.outcome import broken_off
    from mulesoft_audit.monitoring.ping import PATIENCE, Pinger
    from mulesoft_audit.paths import expanded

    pinger = Pinger(address(settings.ping_url)) if wanted and settings.ping_url else None
    metrics = expanded(settings.metrics_file) if wanted and settings.metrics_file else None
    monitor = Monitor(settings.archive_url, stop.clock, pinger, metrics)
    try:
        yield monitor
    except BaseException as error:
        signal.setitimer(signal.ITIMER_REAL, 0)  # nothing else is waited for any more: see `stop_on_signals`
        now = int(stop.clock.time() * 1000)
        told = Interrupted("Stopped.") if isinstance(error, click.exceptions.Abort) else error  # Ctrl-C at a question
        monitor.ended(broken_off(Summary(until=now, ended=now), told, stop.reason))
        raise
    finally:
        monitor.close(STOPPED_SECONDS if stop.asked else PATIENCE)
