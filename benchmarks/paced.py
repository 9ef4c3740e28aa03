"""The collector under a clock that runs faster: a minute of it takes a few seconds, and so does the source's.

It is the collector's own pacer, pool and reader; only the clock they are given is another (`Stop(clock)`). The
simulator is run with its minute and its latency shortened by the same factor.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mulesoft_audit import settings as all_settings
from mulesoft_audit.anypoint.pacer import MINUTE, Pacer
from mulesoft_audit.archive.layout import DAY_MS
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.clock import Stop
from mulesoft_audit.collect.period import Period
from mulesoft_audit.collect.run import collect
from mulesoft_audit.wiring import find_organizations, open_source

if TYPE_CHECKING:
    import threading

    from mulesoft_audit.anypoint.pacer import Slot


class FastClock:
    """A clock of which a second takes `1 / factor` seconds."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._began, self._epoch = time.monotonic(), time.time()

    def monotonic(self) -> float:
        """Return its seconds."""
        return (time.monotonic() - self._began) * self._factor

    def time(self) -> float:
        """Return epoch seconds, begun at the true ones."""
        return self._epoch + self.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait its seconds for `event`."""
        return event.wait(seconds / self._factor)


class WatchedPacer(Pacer):
    """A pacer that remembers when it gave leave.

    Attributes:
        moments: seconds of its clock.
    """

    def __init__(self, per_minute: int, stop: Stop) -> None:
        super().__init__(per_minute, stop)
        self.moments: list[float] = []

    def acquire(self) -> Slot:
        """Wait for leave, and note when it came."""
        slot = super().acquire()
        self.moments.append(self.clock.monotonic())
        return slot


def main(factor: float, per_minute: int, organization: str, day_start: int) -> None:
    """Collect one day and print how the allowance was used."""
    logging.disable(logging.WARNING)
    stop = Stop(FastClock(factor))
    settings = all_settings.load({"requests_per_minute": per_minute})
    source = open_source(settings, settings.secret, stop)
    pacer = WatchedPacer(per_minute, stop)
    transport = source.transport.sharing(stop, pacer)
    source = type(source)(transport, source.tokens.sharing(transport), source.query, pacer)
    source.query = type(source.query)(transport, source.tokens)
    whose = find_organizations(source, settings, (organization,))
    period = Period(day_start, day_start + DAY_MS, look_back=DAY_MS)
    with tempfile.TemporaryDirectory() as folder:
        summary = collect(whose, period, store=LocalStore(Path(folder)), query=source.query, pacer=pacer, stop=stop)
    source.close()
    if summary.exit_code:
        raise SystemExit(f"{summary.failures} {summary.interrupted}")
    print(json.dumps({"new_entries": summary.written, "over_limit": summary.over_limit, "minutes": by_minute(pacer)}))


def by_minute(pacer: WatchedPacer) -> list[int]:
    """Return the requests of each whole minute from the first one on."""
    first, last = pacer.moments[0], pacer.moments[-1]
    counts = [0] * int((last - first) // MINUTE)
    for moment in pacer.moments:
        index = int((moment - first) // MINUTE)
        if index < len(counts):
            counts[index] += 1
    return counts


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
