"""A clock whose waits take no time: for all tests that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading


class FakeClock:
    """Time that passes by waiting, or when a test moves `now`."""

    def __init__(self, start: float = 1_767_225_600.0) -> None:
        self.now = start

    def time(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        return self.now

    def monotonic(self) -> float:
        """Return the same."""
        return self.now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let the time pass at once; never none, so that whoever waits again and again gets on."""
        self.now += max(seconds, 1e-6)
        return event.is_set()
