"""How many workers keep the allowance busy."""

from __future__ import annotations

import time
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.pacer import Pacer

#: How many workers a run begins with: each holds a slice in memory. More are hired while the allowance is not spent.
FIRST_WORKERS = 2


def workers_for(per_minute: int) -> int:
    """Return how many requests may be under way at once so that `per_minute` is reached at a second's latency."""
    return max(3, min(16, per_minute // 60 + 2))


class _Sample(NamedTuple):
    moment: float
    processor: float
    answers: int
    waited: float


class Demand:
    """Tells how many workers there should be, by what those there are got done while tasks were waiting.

    A worker's share of the work is its own time with the source and the archive, whatever their latency. More workers
    get more done unless the allowance is spent, the processor is busy, or the source is: then hiring changed nothing.
    """

    SAMPLE_SECONDS = 1.0
    BUSY = 0.6  #: share of one core: threads of one interpreter get no more
    GAIN = 1.1
    SPARE = 1.15  #: over what would do, to make up for what was missed before

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._before: _Sample | None = None
        self._rate_at_last = 0.0

    def idle(self) -> None:
        """Note that no task was waiting: what is under way says nothing of what the workers could do."""
        self._before = None

    def workers(self, present: int) -> int:
        """Return how many workers there should be, `present` or more.

        To be called every now and then while tasks are waiting; it looks at what was done since, a second at the least.
        """
        pacer = self._pacer
        now = _Sample(pacer.clock.monotonic(), time.process_time(), pacer.responses, pacer.waited)
        before = self._before = self._before or now
        seconds = now.moment - before.moment
        if seconds < self.SAMPLE_SECONDS:
            return present
        self._before = now
        rate = (now.answers - before.answers) * 60 / seconds
        held_back = now.waited > before.waited
        busy = (now.processor - before.processor) / seconds >= self.BUSY
        if held_back or busy or rate <= self.GAIN * self._rate_at_last:
            return present
        needed = ceil(present * pacer.per_minute / rate * self.SPARE)
        if needed > present:
            self._rate_at_last = rate
        return max(present, needed)
