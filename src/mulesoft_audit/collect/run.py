"""A run: every organization brought up to date, under one pace, one deadline and one wish to stop."""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.collect.crew import Crew
from mulesoft_audit.collect.demand import FIRST_WORKERS, Demand, workers_for
from mulesoft_audit.collect.family import relate
from mulesoft_audit.collect.organization import OrganizationRun, Period
from mulesoft_audit.errors import AuditError, Interrupted, worst
from mulesoft_audit.ledger import head as heads

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.anypoint.pacer import Pacer
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.clock import Stop

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Summary:
    """What a run did.

    Attributes:
        organizations: each organization's run, in the order asked for.
        failures: what failed, one per organization, and what concerns all.
        interrupted: why the run ended early; empty if it did not.
        requests: requests sent.
        over_limit: answers that said that the limit was exceeded.
        waited: seconds that requests were held back, summed over workers.
        seconds: how long it took.
        until: Unix ms up to which entries were asked for.
        ended: Unix ms when it ended.
    """

    organizations: list[OrganizationRun] = field(default_factory=list)
    failures: list[AuditError] = field(default_factory=list)
    interrupted: str = ""
    requests: int = 0
    over_limit: int = 0
    waited: float = 0.0
    seconds: float = 0.0
    until: int = 0
    ended: int = 0

    @property
    def written(self) -> int:
        """Entries that were new to the archive."""
        return sum(run.written for run in self.organizations)

    @property
    def parts(self) -> int:
        """Parts that were written."""
        return sum(run.days.created for run in self.organizations)

    @property
    def newest(self) -> int:
        """Unix ms of the newest entry held; 0 for none."""
        return max((run.newest for run in self.organizations), default=0)

    @property
    def got_on(self) -> bool:
        """Whether the archive holds, or is known to hold, more than before: whether it is of use to go on."""
        return any(run.written or run.progress.gained for run in self.organizations)

    @property
    def exit_code(self) -> int:
        """The process's exit status: that of the gravest failure."""
        if self.failures:
            return worst(self.failures).exit_code
        return Interrupted.exit_code if self.interrupted else 0


def collect(
    organizations: list[Organization],
    period: Period,
    *,
    store: Store,
    query: AuditQuery,
    pacer: Pacer,
    stop: Stop,
    started: Callable[[Summary], None] = lambda _: None,
) -> Summary:
    """Bring the archive's entries of `organizations` up to the source's.

    Args:
        organizations: whose logs.
        period: from when to when.
        store: the archive.
        query: the source.
        pacer: the pace that every request keeps.
        stop: the wish to stop; what was read by then is committed.
        started: called with the summary as it fills, for whoever shows progress.

    Returns:
        What was done and what failed. Nothing is raised for a failure that the summary can hold.
    """
    clock = stop.clock
    began = clock.monotonic()
    most = workers_for(pacer.per_minute)
    crew = Crew(min(FIRST_WORKERS, most), stop, most=most, demand=Demand(pacer))
    beginning = _beginning(store, organizations)
    runs = [
        OrganizationRun(
            organization, period, store, query, crew, lambda: int(clock.time() * 1000), rank, earliest=beginning
        )
        for rank, organization in enumerate(organizations)
    ]
    relate(runs)
    summary = Summary(runs, until=period.until)
    started(summary)
    for run in runs:
        run.start()
    stop.heeded = True
    try:
        crew.run(lambda: _rescue(runs, summary))
    except Interrupted as error:
        summary.interrupted = stop.reason or error.message
    except AuditError as error:
        summary.failures.append(error)
    stop.heeded = False
    summary.failures += [run.group.error for run in runs if isinstance(run.group.error, AuditError)]
    summary.requests, summary.over_limit, summary.waited = pacer.requests, pacer.over_limit, pacer.waited
    summary.seconds, summary.ended = clock.monotonic() - began, int(clock.time() * 1000)
    return summary


def _beginning(store: Store, organizations: list[Organization]) -> Callable[[], int | None]:
    """Return what tells since when the archive holds any of `organizations`; it looks once, when first asked."""

    @functools.cache
    def earliest() -> int | None:
        wanted = [start for one in organizations for start, _ in heads.load(store, one.id).wanted]
        return min(wanted, default=None)

    return earliest


def _rescue(runs: list[OrganizationRun], summary: Summary) -> None:
    """Commit what readers hold that are still waiting for the source, and keep what agreed."""
    for run in runs:
        try:
            for reader in list(run.readers):
                reader.abandon()
            run.save()
        except AuditError as error:
            summary.failures.append(error)
            return
