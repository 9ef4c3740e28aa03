"""Time as the code sees it: injectable, so that a test never waits for a wall-clock minute."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from mulesoft_audit.errors import Interrupted

#: Why a run stopped that nobody asked to.
DEADLINE = "the deadline was reached"


class Clock(Protocol):
    """Where time comes from. Seconds everywhere."""

    def time(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait up to `seconds` for `event`; return whether it is set."""
        ...


class SystemClock:
    """The machine's own clock."""

    def time(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait up to `seconds` for `event`; return whether it is set."""
        return event.wait(seconds)


class Stop:
    """The one request to stop (a signal, a deadline), seen by everything that waits or starts work.

    Attributes:
        reason: why, in words for a log; empty while nobody asked.
        heeded: whether somebody is at work who will notice, and has something to save first.
    """

    def __init__(self, clock: Clock | None = None, deadline: float | None = None) -> None:
        """Stop when asked, or when `clock.monotonic()` reaches `deadline`."""
        self.clock: Clock = clock or SystemClock()
        self.deadline = deadline
        self.reason = ""
        self.heeded = False
        self._event = threading.Event()

    def ask(self, reason: str) -> None:
        """Ask everybody to stop; the first reason stays."""
        self.reason = self.reason or reason
        self._event.set()

    @property
    def asked(self) -> bool:
        """Whether to stop, by request or because the deadline has come."""
        if self.deadline is not None and self.clock.monotonic() >= self.deadline:
            self.ask(DEADLINE)
        return self._event.is_set()

    def check(self) -> None:
        """Raise `Interrupted` if it is time to stop."""
        if self.asked:
            raise Interrupted(f"Stopped: {self.reason}.", "What was committed is kept; the next run continues.")

    def sleep(self, seconds: float) -> None:
        """Wait `seconds`, or raise `Interrupted` as soon as it is time to stop."""
        until = self.clock.monotonic() + seconds
        self.check()
        while (left := until - self.clock.monotonic()) > 0:
            if self.deadline is not None:
                left = min(left, max(0.0, self.deadline - self.clock.monotonic()))
            self.clock.wait(self._event, left)
            self.check()
