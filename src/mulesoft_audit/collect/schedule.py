"""The order in which a run collects its organizations: which wait for others, and what an idle worker takes over."""

from __future__ import annotations

import threading
from functools import partial
from itertools import count
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING

from mulesoft_audit.collect.balance import Balance
from mulesoft_audit.collect.organization import OrganizationRun
from mulesoft_audit.collect.pool import WorkerPool
from mulesoft_audit.collect.roll_up import relate
from mulesoft_audit.collect.slices import WORTH_TAKING
from mulesoft_audit.errors import AuditError
from mulesoft_audit.ledger import head as heads
from mulesoft_audit.ledger.days import Days

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.collect.context import Context
    from mulesoft_audit.collect.roll_up import Undecided
    from mulesoft_audit.collect.summary import Summary

READERS = 16
RESCUE_SECONDS = 2.0  #: how long committing may take once it is time to stop; a SIGTERM leaves five seconds


class Schedule:
    """The organizations of one run, brought up to date by one pool of workers.

    Attributes:
        pool: the workers.
        runs: where each organization stands, in the order of the tree.
    """

    def __init__(self, context: Context, stop: Stop, workers: int, above: Mapping[str, list[str]]) -> None:
        """Prepare.

        Args:
            context: what they share.
            stop: tells that it is time to stop.
            workers: how many requests may be under way at once.
            above: ids of all organizations above each, the nearest first, by its id.
        """
        self.pool = WorkerPool(workers, stop, idle=self._share)
        self.runs: list[OrganizationRun] = []
        self._context = context
        self._above = above
        self._balances: dict[str, Balance] = {}
        self._waiting: list[OrganizationRun] = []
        self._lock = threading.Lock()

    def load(
        self, organizations: Sequence[Organization], since: Mapping[str, int], before: Mapping[str, OrganizationRun]
    ) -> None:
        """Read where each organization stands, and decide what is due.

        Args:
            organizations: all of this run.
            since: by id, since when everything was to be held; Unix ms.
            before: by id, where organizations stand after the round before; their heads are not read again.
        """

        def loaded(organization: Organization, rank: int) -> OrganizationRun:
            above = self._above[organization.id]
            return OrganizationRun(
                organization, self._context, rank, above, self._finished, before.get(organization.id)
            )

        with ThreadPool(min(READERS, len(organizations) or 1)) as pool:
            self.runs = pool.starmap(loaded, list(zip(organizations, count(), strict=False)))
            beginning = min((run.head.since for run in self.runs if run.head.since and run.head.days), default=0)
            pool.map(
                lambda run: run.guarded(lambda: run.prepare(since.get(run.organization.id, 0), beginning)), self.runs
            )

    def begin(self) -> None:
        """Queue every organization."""
        self._balances = {run.organization.id: Balance(run, self._context, self.pool) for run in self.runs}
        families = {
            run.organization.id: family for family in relate(self.runs, self._context.query) for run in family.members
        }
        for run in self.runs:
            if run.done:
                continue
            if family := families.get(run.organization.id):
                self.pool.submit((0, run.rank), partial(self._look_first, run, family))
            else:
                self._ready(run)

    def _look_first(self, run: OrganizationRun, family: Undecided) -> None:
        """Ask for an organization's newest page; with the last of a family, decide whose log repeats whose."""
        self._balances[run.organization.id].look_first()
        if family.arrived():
            family.decide()
            for one in family.members:
                if not one.done:
                    self._ready(one)

    def _ready(self, run: OrganizationRun) -> None:
        """Queue an organization's balance; if its log repeats others', once these are collected."""
        below = [one for one in self.runs if one.is_below(run)]
        run.relatives = self._relatives(run, below)
        with self._lock:
            if run.head.rolls_up and not all(one.done for one in below):
                self._waiting.append(run)
                return
        urgency = 2 if self._context.period.one_by_one else 0  # a reading's is 1
        self.pool.submit((urgency, run.rank), self._balances[run.organization.id].start)

    def _relatives(self, run: OrganizationRun, below: Sequence[OrganizationRun]) -> list[Days]:
        store = self._context.store
        found = [one.days for one in self.runs if one.head.rolls_up and run.is_below(one)]
        elsewhere = set(run.above) - {one.organization.id for one in self.runs}
        found += [Days(store, name, {}) for name in elsewhere if heads.load(store, name)[0].rolls_up]
        if run.head.rolls_up:
            there = {one.organization.id for one in below}
            found += [one.days for one in below]
            found += [Days(store, name, {}) for name in run.head.below if name not in there]
        return found

    def _finished(self) -> None:
        """One more organization is through: go on with those that waited for it."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for one in waiting:
            self._ready(one)

    def _share(self) -> Callable[[], None] | None:
        """Return work for an idle worker: the later half of what the busiest reader has left."""
        rests = [(found, run) for run in self.runs if run.reading and (found := run.reading.largest_rest())]
        if not rests:
            return None
        (rest, reader), run = max(rests, key=lambda item: item[0][0])
        reading = run.reading
        return reading.share(reader) if reading and rest >= WORTH_TAKING else None

    def rescue(self, summary: Summary) -> None:
        """Commit what readers hold that still wait for the source, and keep where each organization stands."""

        def commit() -> None:
            try:
                for run in self.runs:
                    if not run.done:
                        run.interrupt()
            except AuditError as error:
                summary.problems.append(error)

        thread = threading.Thread(target=commit, name="rescue", daemon=True)  # a store that hangs keeps nobody
        thread.start()
        thread.join(RESCUE_SECONDS)
