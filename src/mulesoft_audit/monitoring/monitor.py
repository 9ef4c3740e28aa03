"""Telling of runs as they begin and end. Whatever goes wrong with that is one warning, and never the run's failure."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mulesoft_audit.monitoring import file
from mulesoft_audit.monitoring.address import Kind
from mulesoft_audit.monitoring.outcome import kind_of, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from mulesoft_audit.clock import Clock
    from mulesoft_audit.collect.summary import Summary
    from mulesoft_audit.monitoring.ping import Pinger

log = logging.getLogger(__name__)

APART = 29.0  #: seconds between two pings that say the same: rounds may come every second, and services limit pings


class Monitor:
    """Whoever is told of runs: a service, by pings; Prometheus, by a file; both or nobody."""

    def __init__(self, archive: str, clock: Clock, pinger: Pinger | None, metrics: Path | None) -> None:
        self._archive = archive
        self._clock = clock
        self._pinger = pinger
        self._metrics = metrics
        self._failing = False
        self._said = Kind.START  # how the last run ended that was told
        self._told: dict[Kind, float] = {}  # when each kind of ping was last sent, on the monotonic clock

    def began(self) -> None:
        """Tell that a run begins."""
        if self._is_due(Kind.START):
            self._ping(Kind.START)

    def ended(self, summary: Summary) -> None:
        """Tell how a run ended: at once if it is not as the last one, else twice a minute at most."""
        kind = kind_of(summary)
        if kind is not self._said or self._is_due(kind):
            self._said = kind
            self._ping(kind, text_of(summary, self._archive))
        if self._metrics is not None:
            self._write(self._metrics, summary)

    def stopped(self, reason: str) -> None:
        """Tell that no more runs will follow, because somebody stopped the process."""
        if self._said is not Kind.LOG:
            self._ping(Kind.LOG, f"Stopped: {reason}.")

    def _is_due(self, kind: Kind) -> bool:
        told = self._told.get(kind)
        return told is None or self._clock.monotonic() - told >= APART

    def _ping(self, kind: Kind, text: str = "") -> None:
        self._told[kind] = self._clock.monotonic()
        if self._pinger is not None:
            self._pinger.send(kind, text)

    def _write(self, path: Path, summary: Summary) -> None:
        try:
            file.add(path, self._archive, summary)
        except OSError as error:
            if not self._failing:
                log.warning("%s cannot be written: %s. The run goes on.", path, error.strerror or type(error).__name__)
            self._failing = True
        else:
            self._failing = False

    def close(self, seconds: float) -> None:
        """Wait for pings under way, `seconds` at most."""
        if self._pinger is not None:
            self._pinger.close(seconds)
