"""One pace for every organization and every worker of a process.

Anypoint counts requests per IP address and per minute, and responds 503 until the minute ends ("Audit Logging":
700 a minute in the US, 40 in EU and Gov). Whether that minute is the clock's or a rolling one is not said; holding
every 60 seconds to the allowance is right for both.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mulesoft_audit.clock import Clock, Stop

MINUTE = 60.0
#: A request is counted by the server between our sending it and our having its response. Past this many seconds
#: it is the server that is slow, not the way to it.
IN_FLIGHT_SECONDS = 1.0
YIELD_SECONDS = 0.005  #: for a request whose turn has come, but for one before it that has not woken yet


@dataclass(slots=True)
class Slot:
    """Leave to send one request; `counted_at` is the latest moment at which the server may have counted it."""

    counted_at: float


@dataclass(slots=True)
class _Allowance:
    """What every run of a process shares: which requests count, and until when the source asked us to wait."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    slots: deque[Slot] = field(default_factory=deque)
    waiting: list[object] = field(default_factory=list)  # one for each request that is held back, in order of arrival
    resume_at: float = 0.0
    refusals: int = 0
    refused_at: float = 0.0
    first_refused_at: float = 0.0
    spacing: float = 0.0
    next_at: float = 0.0


class Pacer:
    """At most `per_minute` requests in any 60 seconds, and none while the source asks us to wait.

    Attributes:
        per_minute: the allowance of this process.
        requests: how many slots were given.
        responses: how many of those requests have ended, with a response or without.
        over_limit: how many responses said that the limit was exceeded.
        waited: seconds that requests were held back, summed over workers.
    """

    def __init__(self, per_minute: int, stop: Stop) -> None:
        self.per_minute = max(1, per_minute)
        self.requests = 0
        self.responses = 0
        self.over_limit = 0
        self.waited = 0.0
        self._stop = stop
        self._shared = _Allowance()

    def sharing(self, stop: Stop) -> Pacer:
        """Return a pacer that shares this one's allowance, counts for itself, and stops when `stop` does."""
        other = Pacer(self.per_minute, stop)
        other._shared = self._shared
        return other

    def spread(self) -> None:
        """Spread requests over the minute from now on, rather than send them as soon as the allowance permits.

        Where it is always used up, each organization is then asked at the same distance of time.
        """
        with self._shared.lock:
            self._shared.spacing = (MINUTE + IN_FLIGHT_SECONDS) / self.per_minute

    def acquire(self) -> Slot:
        """Wait for leave to send one request. Who came first leaves first: no worker waits while others go round it.

        Raises:
            Interrupted: it is time to stop.
        """
        ticket = object()
        with self._shared.lock:
            self._shared.waiting.append(ticket)
        try:
            while True:
                self._stop.check()
                with self._shared.lock:
                    now = self._stop.clock.monotonic()
                    ahead = self._shared.waiting.index(ticket)
                    wait = self._wait_at(now, ahead)
                    if wait <= 0 and not ahead:
                        return self._slot(now)
                    wait = max(wait, YIELD_SECONDS)
                    self.waited += wait
                self._stop.sleep(wait)
        finally:
            with self._shared.lock:
                self._shared.waiting.remove(ticket)

    def _slot(self, now: float) -> Slot:
        self.requests += 1
        slot = Slot(now + IN_FLIGHT_SECONDS)
        self._shared.slots.append(slot)
        self._shared.next_at = max(self._shared.next_at, now) + self._shared.spacing
        return slot

    def _wait_at(self, now: float, ahead: int = 0) -> float:
        """Return the seconds until a request may be sent that has so many ahead of it."""
        slots = self._shared.slots
        while slots and slots[0].counted_at + MINUTE <= now:
            slots.popleft()
        wait = max(self._shared.resume_at, self._shared.next_at + ahead * self._shared.spacing) - now
        beyond = len(slots) + ahead - self.per_minute
        if slots and beyond >= 0:
            wait = max(wait, slots[min(beyond, len(slots) - 1)].counted_at + MINUTE - now)
        return wait

    def sent(self, slot: Slot) -> None:
        """Note that `slot`'s request goes out only now: something else had to be fetched first."""
        with self._shared.lock:
            slot.counted_at = self._stop.clock.monotonic() + IN_FLIGHT_SECONDS

    def responded(self, slot: Slot) -> None:
        """Note that the response to `slot`'s request is here: the server counted it before now."""
        with self._shared.lock:
            self.responses += 1
            slot.counted_at = min(slot.counted_at, self._stop.clock.monotonic())

    def succeeded(self) -> None:
        """Note a response that was not over the limit: whatever was the matter is over."""
        with self._shared.lock:
            self._shared.refusals = 0

    def pushed_back(self, slot: Slot, second_of_minute: float, retry_after: float | None) -> float:
        """Hold every request back because the response to `slot`'s was 503 or 429; return for how many seconds.

        A lone 503 while most of the allowance is unspent is more likely a passing fault: it is tried again
        after a second. The next ones are waited out to the end of the minute, and every third a whole minute.

        Args:
            slot: the request's slot.
            second_of_minute: where in its minute the source's clock stands.
            retry_after: seconds the source asked for, if it did.
        """
        with self._shared.lock:
            now = self._stop.clock.monotonic()
            self.over_limit += 1
            sent_at = slot.counted_at - IN_FLIGHT_SECONDS
            if self._shared.refusals and sent_at < self._shared.refused_at:  # it was under way when another was refused
                return max(0.0, self._shared.resume_at - now)
            self._shared.first_refused_at = self._shared.first_refused_at if self._shared.refusals else now
            self._shared.refusals += 1
            self._shared.refused_at = now
            wait = self._wait(second_of_minute, retry_after)
            self._shared.resume_at = max(self._shared.resume_at, now + wait)
            return wait

    def _wait(self, second_of_minute: float, retry_after: float | None) -> float:
        jitter = random.uniform(0.05, 0.5)
        if retry_after is not None and self._shared.refusals == 1:
            return min(retry_after, 10 * MINUTE) + jitter
        if self._shared.refusals == 1 and len(self._shared.slots) < self.per_minute // 2:
            return 1.0
        minute = MINUTE if self._shared.refusals % 3 == 0 else MINUTE - second_of_minute % MINUTE + 0.5
        return max(minute, min(retry_after or 0.0, 10 * MINUTE)) + jitter  # each third: the minute may be a rolling one

    @property
    def pushed_back_for(self) -> float:
        """For how many seconds, without one success, the source has pushed back."""
        if not self._shared.refusals:
            return 0.0
        return self._stop.clock.monotonic() - self._shared.first_refused_at

    @property
    def clock(self) -> Clock:
        """The clock it goes by."""
        return self._stop.clock

    def held_back(self) -> float:
        """For how many seconds from now the next request has to wait."""
        with self._shared.lock:
            return max(0.0, self._wait_at(self._stop.clock.monotonic()))

    def seconds_for(self, requests: int) -> float:
        """Return how many seconds the allowance makes so many more requests take; 0 if it has room for all of them."""
        with self._shared.lock:
            now = self._stop.clock.monotonic()
            wait = max(0.0, self._wait_at(now))
            beyond = requests - (self.per_minute - len(self._shared.slots))
            if beyond <= 0:
                return wait
            until_free = self._shared.slots[0].counted_at + MINUTE - now if self._shared.slots else MINUTE
            return max(wait, until_free) + (beyond - 1) // self.per_minute * (MINUTE + IN_FLIGHT_SECONDS)

    def last_minute(self) -> int:
        """How many requests of the last 60 seconds count against the allowance."""
        with self._shared.lock:
            self._wait_at(self._stop.clock.monotonic())
            return len(self._shared.slots)
