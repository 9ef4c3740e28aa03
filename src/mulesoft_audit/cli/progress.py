"""Progress on a terminal: entries, their rate, requests against the allowance, time left. Silent in a pipe."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mulesoft_audit.anypoint.pacer import Pacer
    from mulesoft_audit.collect.summary import Summary

REFRESH_SECONDS = 0.5


@contextmanager
def shown(pacer: Pacer, expected: int = 0) -> Iterator[Callable[[Summary], None]]:
    """Show a run while it lasts; yields what is to be called with its summary.

    Args:
        pacer: whose requests are shown.
        expected: entries to come, if that is known; else what the source counts in what is being read.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.live import Live

    over = threading.Event()
    running: list[Summary] = []
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:

        def refresh() -> None:
            clock = pacer.clock
            began = clock.monotonic()
            while not over.wait(REFRESH_SECONDS):
                if running:
                    live.update(line(running[0], pacer, clock.monotonic() - began, expected), refresh=True)

        thread = threading.Thread(target=refresh, daemon=True)
        thread.start()
        try:
            yield running.append
        finally:
            over.set()
            thread.join()


def line(summary: Summary, pacer: Pacer, seconds: float, expected: int = 0) -> str:
    """Return the state of a run in one line of at most 80 columns."""
    runs = summary.organizations
    done = sum(run.done for run in runs)
    read = sum(run.fetched for run in runs)
    rate = read / seconds if seconds > 0 else 0.0
    text = f"{done}/{len(runs)} organizations  {read:,} entries  {rate:,.0f}/s"
    text += f"  {pacer.last_minute()}/{pacer.per_minute} requests/min"
    left = (expected or sum(run.result.expected for run in runs)) - read
    if left > 0 and rate > 0:
        text += f"  {_time(left / rate)} left"
    return text


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
