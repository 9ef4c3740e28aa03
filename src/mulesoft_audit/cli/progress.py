"""Progress on a terminal: a bar, entries, organizations, time left, and why nothing happens. Silent in a pipe."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mulesoft_audit.cli.output import quiet
from mulesoft_audit.signals import held_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from rich.console import RenderableType

    from mulesoft_audit.anypoint.pacer import Pacer
    from mulesoft_audit.collect.summary import Summary

T = TypeVar("T")

REFRESH_SECONDS = 0.5
PAGE = 199  #: entries that a request brings: the first of a page is the last of the one before it
BAR = 14
WIDTH = 80


def shown(pacer: Pacer, expected: int = 0, requests: int = 0) -> AbstractContextManager[Callable[[Summary], None]]:
    """Show a run while it lasts; yields what is to be called with its summary.

    Args:
        pacer: whose requests are shown.
        expected: entries to come, if that is known; else what the source counts in what is being read.
        requests: how many the run will take by its plan, if there is one.
    """
    progress = Progress(pacer, expected, requests)
    began = pacer.clock.monotonic()

    def line(summary: Summary) -> RenderableType:
        return progress.line(summary, pacer.clock.monotonic() - began)

    return live(line, REFRESH_SECONDS)


@contextmanager
def live(line: Callable[[T], RenderableType], every: float) -> Iterator[Callable[[T], None]]:
    """Show a line on a terminal that changes while the block lasts; yields what is to be called with what it shows.

    Args:
        line: returns the line; called on a thread of its own.
        every: seconds between two looks.
    """
    if not sys.stderr.isatty() or quiet():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.live import Live

    over = threading.Event()
    running: list[T] = []
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as shown_line:

        def refresh() -> None:
            while not over.wait(every):
                if running:
                    shown_line.update(line(running[0]), refresh=True)

        thread = threading.Thread(target=refresh, daemon=True)
        try:
            with held_back():  # what a signal's handler raises while a thread is being started breaks the thread
                thread.start()
            yield running.append
        finally:
            over.set()
            if thread.is_alive():
                thread.join()


@dataclass(slots=True)
class Progress:
    """What is known of a run under way.

    Attributes:
        pacer: whose requests are counted.
        expected: entries to come; 0 if only the source's counts say.
        requests: how many the run will take; 0 if only the entries say.
        waited: seconds in which nothing could be asked.
        looked_at: seconds since the run began at which it was looked at last.
    """

    pacer: Pacer
    expected: int = 0
    requests: int = 0
    waited: float = 0.0
    looked_at: float = 0.0

    def line(self, summary: Summary, seconds: float) -> str:
        """Return the state of a run, `seconds` after it began, in at most 80 columns."""
        waiting = self.pacer.held_back()
        if waiting:
            self.waited += seconds - self.looked_at
        self.looked_at = seconds
        runs = summary.organizations
        read = sum(run.fetched for run in runs)
        whole = max(read, self.expected or sum(run.result.expected for run in runs))
        done = f"{sum(run.done for run in runs)}/{len(runs)} organizations"
        text = f"{_bar(read, whole)}  {read:,}/{whole:,} entries"
        left = self.seconds_left(whole - read, read, seconds)
        if waiting > 1:
            text += f"  waiting {waiting:.0f} s for Anypoint's allowance"
        elif left > 0:
            text += f"  about {_time(left)} left"
        return f"{text}  {done}" if len(text) + 2 + len(done) <= WIDTH else text[:WIDTH]

    def seconds_left(self, entries: int, read: int, seconds: float) -> float:
        """Return for how long the run will go on: as long as the entries take, or as the allowance makes it take."""
        working = seconds - self.waited
        quick = entries * working / read if read and working > 0 else 0.0
        requests = max(-(-entries // PAGE), self.requests - self.pacer.requests)
        return max(quick, self.pacer.seconds_for(requests))


def _bar(part: int, whole: int) -> str:
    filled = BAR * part // whole if whole else 0
    return "━" * filled + "─" * (BAR - filled)


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
