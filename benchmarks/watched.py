"""`collect --every 1m` under a clock that runs faster: how long it takes until each organization is asked again."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.paced import FastClock
from mulesoft_audit import settings as all_settings
from mulesoft_audit.anypoint.query import PAGE_LIMIT, AuditQuery
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.clock import Stop
from mulesoft_audit.collect.period import Period
from mulesoft_audit.collect.watch import watch
from mulesoft_audit.wiring import Source, find_organizations, open_source

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.entry import Page
    from mulesoft_audit.anypoint.query import Window
    from mulesoft_audit.anypoint.tree import Organization

ROUNDS = 6  #: times that each organization is asked; the first two, while all is new, are not looked at


class Watched(AuditQuery):
    """A query that notes when each organization was asked for its newest page, and stops once that was often enough."""

    moments: dict[str, list[float]]
    stop: Stop

    def page(
        self,
        organization: Organization,
        window: Window,
        *,
        offset: int = 0,
        limit: int = PAGE_LIMIT,
        newest_first: bool = False,
    ) -> Page:
        """As it is; noted when the response is here."""
        page = super().page(organization, window, offset=offset, limit=limit, newest_first=newest_first)
        if newest_first:
            self.moments.setdefault(organization.id, []).append(self.stop.clock.monotonic())
            if min(map(len, self.moments.values())) >= ROUNDS:
                self.stop.ask("it was watched for long enough")
        return page


class WatchedSource(Source):
    """Anypoint, whose queries are watched."""

    def sharing(self, stop: Stop) -> Source:
        """Return the same, watched."""
        shared = super().sharing(stop)
        query = Watched(shared.transport, shared.tokens)
        query.moments, query.stop = MOMENTS, self.transport.stop
        shared.query = query
        return shared


MOMENTS: dict[str, list[float]] = {}


def main(factor: float, per_minute: int) -> None:
    """Watch a few rounds, and print the longest time between two looks at one organization."""
    logging.disable(logging.WARNING)
    stop = Stop(FastClock(factor))
    settings = all_settings.load({"requests_per_minute": per_minute})
    opened = open_source(settings, settings.secret, stop)
    source = WatchedSource(opened.transport, opened.tokens, opened.query, opened.pacer)
    with tempfile.TemporaryDirectory() as folder:
        store = LocalStore(Path(folder))
        watch(
            source,
            lambda: find_organizations(source, settings, ()),
            Period(),
            60.0,
            store=store,
            stop=stop,
            say=lambda _: None,
        )
    gaps = [b - a for moments in MOMENTS.values() for a, b in pairwise(moments[2:])]
    print(json.dumps({"longest_seconds": max(gaps), "organizations": len(MOMENTS)}))


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
