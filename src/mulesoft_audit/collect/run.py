"""A run: every organization brought up to date, under one pace, one deadline and one way to stop."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.anypoint.tree import Organization, ancestors
from mulesoft_audit.archive.layout import DAY_MS
from mulesoft_audit.collect import last_run
from mulesoft_audit.collect.balance import Balance
from mulesoft_audit.collect.organization import OrganizationRun
from mulesoft_audit.collect.period import Kept, Period
from mulesoft_audit.collect.pool import WorkerPool, workers_for
from mulesoft_audit.collect.reading import WORTH_TAKING, Memory
from mulesoft_audit.collect.report import organization_fields
from mulesoft_audit.collect.roll_up import relate
from mulesoft_audit.collect.summary import Summary
from mulesoft_audit.errors import AuditError, Interrupted
from mulesoft_audit.ledger import head as heads
from mulesoft_audit.ledger import registry as registries
from mulesoft_audit.ledger.days import Days

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mulesoft_audit.anypoint.pacer import Pacer
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.collect.roll_up import Undecided

log = logging.getLogger(__name__)

READERS = 16
RESCUE_SECONDS = 2.0  #: how long committing may take once it is time to stop; a SIGTERM leaves five seconds
SAVED_EVERY_MS = 60_000  #: how often at least rounds without news write down that they were
AHEAD_SECONDS = 5.0  #: by how much this machine's clock may be ahead before the source's is gone by


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose logs are collected.

    Attributes:
        root: id of the root organization; empty if it is not known.
        organizations: in the order of the tree.
        named: whether they were named one by one; otherwise they are all that the tree names.
        retention_days: for how long the source keeps entries; None if it does not say.
        problems: what kept other organizations from being found.
    """

    root: str
    organizations: list[Organization]
    named: bool = False
    retention_days: int | None = None
    problems: list[AuditError] = field(default_factory=list)


@dataclass(slots=True)
class Between:
    """What one round leaves to the next one in the same process. A run by itself begins with an empty one.

    Attributes:
        runs: by id, where each organization stands; its head is not read again.
        busy: organizations that an earlier round is still reading. Theirs, and logs that may repeat theirs or be
            repeated by them, are left to it.
    """

    runs: dict[str, OrganizationRun] = field(default_factory=dict)
    busy: list[OrganizationRun] = field(default_factory=list)

    def left_alone(self, organizations: Sequence[Organization]) -> set[str]:
        """Return the ids of organizations that an earlier round has to come to an end with first."""
        heads = {name: run.head for name, run in self.runs.items()} | {
            one.organization.id: one.head for one in self.busy
        }
        busy = {one.organization.id for one in self.busy}
        found = set(busy)
        for name, all_above in ancestors(organizations).items():
            for above in all_above:
                separate = above in heads and heads[above].rolls_up is False
                if not separate and (name in busy or above in busy):
                    found |= {name, above}
        return found


class Run:
    """What the organizations of one run share."""

    def __init__(self, whose: Whose, period: Period, store: Store, query: AuditQuery, pacer: Pacer, stop: Stop) -> None:
        self.period = period
        self.store = store
        self.query = query
        self.stop = stop
        self.ahead: Callable[[], float | None] = lambda: None
        self.until = period.until if period.until is not None else self.now()
        self.kept = Kept.by(whose.retention_days, self.until)
        self.memory = Memory()
        self.between = Between()
        self.pool = WorkerPool(workers_for(pacer.per_minute), stop, idle=self._share)
        self.first_of_day = True
        self.runs: list[OrganizationRun] = []
        self.above: dict[str, list[str]] = {}  #: ids of all organizations above each, the nearest first, by its id
        self.beginning = 0  #: since when the archive holds other organizations' entries, Unix ms; 0 if it holds none
        self._named = whose.named
        self._balances: dict[str, Balance] = {}
        self._waiting: list[OrganizationRun] = []
        self._lock = threading.Lock()

    def now(self) -> int:
        """Return Unix ms: by the source's clock, if this machine's is ahead of it."""
        ahead = self.ahead() or 0.0
        return int((self.stop.clock.time() - (ahead if ahead > AHEAD_SECONDS else 0.0)) * 1000)

    def is_named(self, organization: Organization) -> bool:
        """Return whether somebody asked for this organization by its id, and nothing is held of it."""
        held = any(run.head.days for run in self.runs if run.organization.id == organization.id)
        return self._named and not held

    def load(self, organizations: Sequence[Organization], since: Mapping[str, int]) -> None:
        """Read where each organization stands, and decide what is due.

        Args:
            organizations: all of this run.
            since: by id, since when everything was to be held; Unix ms.
        """
        with ThreadPool(min(READERS, len(organizations) or 1)) as pool:
            self.runs = pool.starmap(self._organization, list(zip(organizations, count(), strict=False)))
            self.beginning = min((run.head.since for run in self.runs if run.head.since and run.head.days), default=0)
            pool.map(lambda run: run.guarded(lambda: run.prepare(since.get(run.organization.id, 0))), self.runs)

    def _organization(self, organization: Organization, rank: int) -> OrganizationRun:
        one = OrganizationRun(organization, self, rank, self.between.runs.get(organization.id))
        one.above = self.above[organization.id]
        return one

    def begin(self) -> None:
        """Queue every organization."""
        self._balances = {run.organization.id: Balance(run, self) for run in self.runs}
        families = {run.organization.id: family for family in relate(self.runs, self.query) for run in family.members}
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
        urgency = 2 if self.period.one_by_one else 0  # a reading's is 1
        self.pool.submit((urgency, run.rank), self._balances[run.organization.id].start)

    def _relatives(self, run: OrganizationRun, below: Sequence[OrganizationRun]) -> list[Days]:
        found = [one.days for one in self.runs if one.head.rolls_up and run.is_below(one)]
        elsewhere = set(run.above) - {one.organization.id for one in self.runs}
        found += [Days(self.store, name, {}) for name in elsewhere if heads.load(self.store, name)[0].rolls_up]
        if run.head.rolls_up:
            there = {one.organization.id for one in below}
            found += [one.days for one in below]
            found += [Days(self.store, name, {}) for name in run.head.below if name not in there]
        return found

    def finished(self) -> None:
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


def collect(
    whose: Whose,
    period: Period,
    *,
    store: Store,
    query: AuditQuery,
    pacer: Pacer,
    stop: Stop,
    ahead: Callable[[], float | None] = lambda: None,
    started: Callable[[Summary], None] = lambda _: None,
    between: Between | None = None,
) -> Summary:
    """Bring the archive's entries up to the source's.

    Args:
        whose: whose logs.
        period: from when to when.
        store: the archive.
        query: the source.
        pacer: the pace that every request keeps.
        stop: tells that it is time to stop; what was read by then is committed.
        ahead: returns by how many seconds this machine's clock is ahead of the source's; None if that is not known.
        started: called with the summary as it fills, for whoever shows progress.
        between: what the round before left, if this is one of several.

    Returns:
        What was done and what failed. Nothing is raised for a failure that the summary can hold.

    Raises:
        UsageError: the archive belongs to another root organization.
        ArchiveError: the archive cannot be read at all.
    """
    began = stop.clock.monotonic()
    store.stopping = lambda: stop.asked  # from then on nothing waits for a lock or a bucket
    registry, generation = registries.load(store)
    registries.check(registry, whose.root, store)
    gone = {} if whose.named else registries.left_the_tree(registry, {one.id for one in whose.organizations})
    organizations = [registries.recalled(registry, one) for one in (*whose.organizations, *map(Organization, gone))]
    between = between or Between()
    for one in organizations[len(whose.organizations) :]:
        if one.id not in between.runs:
            log.warning("The organization tree names %s no more; its log is still read", one)
    left_alone = between.left_alone(organizations)
    before, last_generation = last_run.load(store)
    run = Run(whose, period, store, query, pacer, stop)
    run.ahead, run.between = ahead, between
    held = (registries.recalled(registry, Organization(name)) for name in registry.organizations)
    run.above = ancestors([*held, *organizations])
    run.until = period.until if period.until is not None else run.now()
    run.first_of_day = before.ended // DAY_MS != run.until // DAY_MS
    summary = Summary(run.runs, list(whose.problems), until=run.until)
    summary.left_alone = [one for one in organizations if one.id in left_alone]
    stop.heeded = True
    try:
        said = {name: known.since for name, known in registry.organizations.items()}
        run.load([one for one in organizations if one.id not in left_alone], said)
        summary.organizations = run.runs
        since = {one.organization.id: one.head.since for one in run.runs}
        named = organizations[: len(whose.organizations)]
        found = {one.id: registries.known(one, since[one.id]) for one in named if one.id in since}
        registries.save(store, registry, generation, whose.root, found)
        run.begin()
        started(summary)
        if run.pool.run():
            run.rescue(summary)
            summary.interrupted = stop.reason
    except Interrupted as error:
        summary.interrupted = stop.reason or error.message
    except AuditError as error:
        run.rescue(summary)
        summary.problems.append(error)
    stop.heeded = False
    _say_floor_jumped(run, before)
    _say_part(run)
    summary.count(pacer, stop.clock.monotonic() - began, run.now())
    newest = [one for one in run.runs if one.organization.id not in summary.later]
    told = newest if period.until is None else []  # of a part of the time nothing is told that people go by
    fields = {one.organization.id: organization_fields(one, summary.ended) for one in told}
    floor = run.kept.floor or before.floor
    after = last_run.LastRun(summary.ended, floor, summary.complete, summary.exit_code, fields)
    same = not summary.written and (summary.complete, summary.exit_code) == (before.complete, before.exit_code)
    if not (same and between.runs and not run.first_of_day and summary.ended - before.ended < SAVED_EVERY_MS):
        last_run.save(store, after, before, last_generation)
    return summary


def _say_part(run: Run) -> None:
    """A run up to some moment proves that part of the time, and nothing of the rest."""
    if run.period.until is not None:
        for one in run.runs:
            if one.result.verified_at:
                part = f"{iso(one.result.floor)} to {iso(run.period.until)}"
                one.result.not_proved.append(f"only from {part} was compared (--until)")


def _say_floor_jumped(run: Run, before: last_run.LastRun) -> None:
    """Where the source keeps much less than it did a moment ago, what it dropped unread cannot be proved."""
    passed = run.until - before.ended
    if before.floor and run.kept.floor - before.floor > passed + 2 * DAY_MS:
        text = f"Anypoint keeps entries from {iso(run.kept.floor)[:10]} on only, and kept them from "
        text += f"{iso(before.floor)[:10]} on before: what it dropped in between was not compared"
        log.warning("%s", text)
        for one in run.runs:
            one.result.not_proved.append(text)
