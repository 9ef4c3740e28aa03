"""Runs of the collector in this process, at any time of day."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING

from tests.plain_source import CLIENT_ID, CLIENT_SECRET, PlainSource

from mulesoft_audit.archive.layout import day_of, day_start
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.clock import Stop, SystemClock
from mulesoft_audit.collect.period import Period
from mulesoft_audit.collect.run import collect
from mulesoft_audit.settings import load
from mulesoft_audit.wiring import find_organizations, open_source

if TYPE_CHECKING:
    from pathlib import Path

    from mulesoft_audit.collect.summary import Summary

DAY, HOUR = 86_400_000, 3_600_000


class Shifted(SystemClock):
    """The machine's clock, moved to another time."""

    def __init__(self, at: int) -> None:
        self._shift = at / 1000 - time.time()

    def time(self) -> float:
        return time.time() + self._shift


def run_at(
    source: PlainSource,
    archive: Path,
    at: int,
    *,
    since: int | None = None,
    look_back: int = DAY,
    orgs: tuple[str, ...] = (),
    queries: int | None = None,
) -> Summary:
    """Run the collector as if it were `at` (Unix ms); it is time to stop once `queries` were asked."""
    stop = Stop(Shifted(at))
    if queries is not None:
        asked = count(1)
        source.before_query = lambda _: stop.ask("time is up") if next(asked) >= queries else None
    flags = {"client_id": CLIENT_ID, "anypoint_base_url": source.url, "requests_per_minute": 100_000}
    settings = load({**flags, "client_secret": CLIENT_SECRET}, {})
    anypoint = open_source(settings, settings.secret, stop)
    period = Period(None if since is None else day_start(day_of(since)), None, look_back)
    try:
        whose = find_organizations(anypoint, settings, orgs)
        store = LocalStore(archive)
        return collect(whose, period, store=store, query=anypoint.query, pacer=anypoint.pacer, stop=stop)
    finally:
        anypoint.close()
