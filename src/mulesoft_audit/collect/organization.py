"""Bringing one organization's archive up to date: which windows are due, which differ, which are read."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import PAGE_LIMIT, Window
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start
from mulesoft_audit.collect.crew import Group
from mulesoft_audit.collect.day import Agreed
from mulesoft_audit.collect.days import Days
from mulesoft_audit.collect.family import Family
from mulesoft_audit.collect.loop import TooMany
from mulesoft_audit.collect.reader import Outcome, Reader
from mulesoft_audit.errors import SourceError
from mulesoft_audit.ledger import head as heads
from mulesoft_audit.ledger.intervals import common, minus, union
from mulesoft_audit.ledger.manifest import HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.collect.crew import Crew
    from mulesoft_audit.ledger.intervals import Interval

log = logging.getLogger(__name__)

SLICE = 16_000  #: entries one reader should read: eighty pages, so that finding its bounds costs next to nothing
LARGEST_SLICE = SLICE * 3 // 2  #: entries that are read as one slice: halved, they would be two that are too small
CLOCK_SLACK = HOUR_MS  #: by how much this machine's clock may be ahead without closing a day before its time
LITTLE = 2_000  #: entries below which reading all of them is cheaper than finding out which are new
#: A total of just this many is taken for a cap, not a count: search engines stop counting there.
CAP = 10_000
ROUND = 1_000  #: caps are multiples of this


@dataclass(frozen=True, slots=True)
class Period:
    """What a run is asked for. Unix milliseconds.

    Attributes:
        since: 00:00 UTC of the first day; None to continue.
        until: the end, exclusive.
        look_back: how long entries may still arrive after their time.
        first: how far back a first run reaches that is not told since when.
        oldest_first: begin with the oldest days, not the newest.
    """

    since: int | None
    until: int
    look_back: int
    first: int = DAY_MS
    oldest_first: bool = False

    @property
    def closed_before(self) -> int:
        """00:00 UTC of the first day in which entries may still arrive."""
        return day_start(day_of(self.until - self.look_back - CLOCK_SLACK))


@dataclass(slots=True)
class Progress:
    """What a run did for one organization so far.

    Attributes:
        read: entries the source gave.
        written: entries that were new.
        expected: entries the source counts in what is being read.
        newest: Unix ms of the newest entry seen; 0 for none.
        carried: entries the source counts but did not give; the next run asks again.
        gained: milliseconds of time that are held now and were not before.
    """

    read: int = 0
    written: int = 0
    expected: int = 0
    newest: int = 0
    carried: int = 0
    gained: int = 0


def due(head: heads.Head, period: Period) -> list[Interval]:
    """Return the stretches of time that a run must look at, in order.

    With a `since`: from there. Without: what was asked for and is not held, what is held and still open, and all
    that came after; on a first run the last 24 hours.
    """
    if period.since is not None:
        return union([(period.since, period.until)])
    if not head.wanted:
        return union([(day_start(day_of(period.until - period.first)), period.until)])
    tail = (max(end for _, end in head.wanted), period.until)
    missing = minus([*head.wanted, tail], head.covered)
    open_since = min(head.closed_until, period.closed_before)  # a look-back that was made longer opens days again
    reopened = common(head.covered, [(open_since, period.until)])
    windows = [(a, b) for piece in (missing, reopened) for a, b in piece]
    return sorted((a, min(b, period.until)) for a, b in windows if a < period.until)


@dataclass(slots=True)
class OrganizationRun:
    """One organization during a run; its tasks go to the crew."""

    organization: Organization
    period: Period
    store: Store
    query: AuditQuery
    crew: Crew
    now: Callable[[], int]
    rank: int = 0
    earliest: Callable[[], int | None] = lambda: None
    progress: Progress = field(default_factory=Progress)
    done: bool = False
    group: Group = field(init=False)
    days: Days = field(init=False)
    readers: set[Reader] = field(default_factory=set)
    family: Family = field(default_factory=Family)
    _agreed: list[Interval] = field(default_factory=list)
    _due: list[Interval] = field(default_factory=list)
    _head: heads.Head = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Start with nothing due."""
        self.group = Group(self._finish)
        self.days = Days(self.store, self.organization.id)
        self._head = heads.Head(self.organization.id)

    @property
    def fetched(self) -> int:
        """Entries the source gave so far, those of windows under way included."""
        with self._lock:
            return self.progress.read + sum(reader.fetched for reader in self.readers)

    @property
    def written(self) -> int:
        """Entries that were new so far, those of readers that still wait for the source included."""
        with self._lock:
            return self.progress.written + sum(reader.written for reader in self.readers)

    @property
    def newest(self) -> int:
        """Unix ms of the newest entry held, as far as is known without looking for it; 0 if none is."""
        return max(self.progress.newest, self.days.newest, self._head.newest)

    def start(self) -> None:
        """Queue what is due."""
        self.crew.submit(self.group, (0, self.rank), self._begin)

    def _begin(self) -> None:
        """Note what is asked for, before anything else, so that a run that is killed now is completed by the next."""
        head = heads.load(self.store, self.organization.id)
        if not head.wanted and (since := self.earliest()):
            head.wanted = [(since, self.period.until)]  # a business group that is new here: it may be older than a day
        self._due = due(head, self.period)
        head.wanted = union([*head.wanted, *self._due, *_between(head.wanted, self._due)])
        self._head = heads.save(self.store, head)
        self.family.rolls_up = head.rolls_up
        told = {relative.days.organization for relative in self.family.below() if relative.days}
        self.family.remembered = [Days(self.store, below) for below in head.below if below not in told]
        if self.family.must_wait():
            self.crew.hold(self.group)
            self.family.when_below_is_done(self._resume)
        else:
            self._queue()

    def _resume(self) -> None:
        """Go on once the business groups below are collected."""
        self.crew.submit(self.group, (0, self.rank), self._learn_then_queue)
        self.crew.release(self.group)

    def _learn_then_queue(self) -> None:
        self._head.rolls_up = self.family.learn(self.query, self.organization)
        if self._head.rolls_up:
            self._head.below = [one.days.organization for one in self.family.below() if one.days]
        self._queue()

    def _queue(self) -> None:
        for start, end in self._due:
            self._submit(Window(start, end), None)

    def _count(self, window: Window) -> int:
        """Return how many entries the archive holds of what this organization's log should have in `window`."""
        return self.days.count(window) + sum(days.count(window) for days in self.family.repeated())

    def _submit(self, window: Window, hint: int | None) -> None:
        """Queue a window; of all organizations' the newest first, so that what matters most arrives first."""
        urgency = window.start if self.period.oldest_first else -window.end
        self.crew.submit(self.group, (1, urgency, self.rank), lambda: self._compare(window, hint))

    def _compare(self, window: Window, hint: int | None) -> None:
        """Find out whether `window` differs from the source, and where; `hint` is a total that may be out of date."""
        held = self._count(window)
        if not held and hint is None:
            self._read(window)
            return
        total, more = (hint, False) if hint is not None and hint != held else self._total(window, held)
        if total == held and not more and self._was_read(window):
            self._agree(window)
        elif held >= PAGE_LIMIT and (edge := self._edge(window)):
            self._split_at(edge, window, total)
        elif total is None or (total <= LITTLE and not more) or window.end - window.start <= 1:
            self._read(window, total or 0)
        elif held or must_be_cut(total):
            self._split(window, total, even=held > 0)
        else:
            self._read(window, total)

    def _total(self, window: Window, held: int) -> tuple[int | None, bool]:
        """Return the source's total, and whether it has more than is held all the same: a round total may be a cap."""
        if held and held % ROUND == 0:
            page = self.query.page(self.organization, window, offset=held, limit=1)
            return page.total, bool(page.entries)
        return self.query.total(self.organization, window), False

    def _was_read(self, window: Window) -> bool:
        """Return whether equal counts prove anything: what is held of groups below says nothing of time never read."""
        return not self.family.repeated() or self._agreed_once(window)

    def _agreed_once(self, window: Window) -> bool:
        """Return whether all of `window` agreed with the source in an earlier run."""
        return not minus([(window.start, window.end)], self._head.covered)

    def _edge(self, window: Window) -> int | None:
        """Return where the reading of `window` broke off: behind the newest entry held; None if it never began.

        In time that agreed once as a whole, something arrived late, and it can be anywhere.
        """
        if self._agreed_once(window):
            return None
        newest = self.days.newest_in(window)
        return newest + 1 if newest is not None and newest + 1 < window.end else None

    def _split(self, window: Window, total: int, *, even: bool) -> None:
        """Halve a window: in time where it must be found what differs, else by where the entries should lie."""
        slices = max(2, -(-total // SLICE))
        self._split_at(cut(window, 0.5 if even else (slices // 2) / slices), window, total)

    def _split_at(self, middle: int, window: Window, total: int | None) -> None:
        """Ask for the total of what lies before `middle`, and queue both sides."""
        left, right = Window(window.start, middle), Window(middle, window.end)
        first = self.query.total(self.organization, left)
        rest = None if total is None or first is None or CAP in (total, first) else max(0, total - first)
        if first or first is None or self._count(left):
            self._submit(left, first)
        else:
            self._agree(left)
        self._submit(right, rest if rest is not None else self.query.total(self.organization, right))

    def _read(self, window: Window, expected: int = 0) -> None:
        reader = Reader(
            self.query,
            self.days,
            self.organization,
            window,
            closed_before=self.period.closed_before,
            now=self.now,
            relatives=self.family.relatives(),
        )
        with self._lock:
            self.readers.add(reader)
            self.progress.expected += expected
        divisible = window.end - window.start > 1
        try:
            outcome = reader.read(lambda total: divisible and must_be_cut(total))
        except TooMany as error:
            self._split(window, error.total, even=False)
            return
        finally:
            with self._lock:
                self.readers.discard(reader)
                self.progress.written += reader.written
        self._note(outcome)

    def _note(self, outcome: Outcome) -> None:
        with self._lock:
            self.progress.read += outcome.read
            self.progress.newest = max(self.progress.newest, outcome.newest)
        if not outcome.missing:
            self._agree(outcome.window)
        elif outcome.window.end <= self.period.closed_before:
            raise SourceError(
                f"Anypoint counts {outcome.missing} more entries of {self.organization} from {outcome.window} than it "
                "gives, though that time is older than the look-back.",
                "What it gave is kept. The next run asks again; if this stays, report it to MuleSoft with the times.",
            )
        else:
            log.warning(
                "Entries of %s were still arriving from %s; %d are left to the next run",
                *(self.organization, outcome.window, outcome.missing),
            )
            with self._lock:
                self.progress.carried += outcome.missing

    def _agree(self, window: Window) -> None:
        with self._lock:
            self._agreed.append((window.start, window.end))

    def save(self) -> None:
        """Keep which windows agreed, so that an unfinished run is continued, not repeated."""
        with self._lock:
            agreed, self._agreed = self._agreed, []
        if agreed or self._head.rolls_up is not None:
            gained = sum(end - start for start, end in minus(agreed, self._head.covered))
            self._head.covered = union([*self._head.covered, *agreed])
            self._head.newest = self.newest
            self._head = heads.save(self.store, self._head)
            self.progress.gained += gained

    def _finish(self) -> None:
        """Close what can be closed, and keep where to continue."""
        agreed = union(self._agreed)
        if self.group.error is None:
            for start, end in common(agreed, self._due):
                self._confirm(Window(start, end))
            must = common(self._head.wanted, [(self._head.closed_until, self.period.closed_before)])
            if not minus(must, agreed):  # agreed in this run, that is: after the look-back was over
                self._head.closed_until = max(self._head.closed_until, self.period.closed_before)
        self.save()
        self.done = True
        self.family.done()

    def _confirm(self, window: Window) -> None:
        """Enter the agreement in the manifests of the days that `window` has from their start."""
        for day in self.days.within(window):
            if day.manifest.revision and day.start >= window.start:
                until = min(day.start + DAY_MS, window.end)
                closed = until == day.start + DAY_MS <= self.period.closed_before
                if closed or until < day.start + DAY_MS or day.manifest.covered_until == 0:
                    day.confirm(Agreed(until, self.now(), closed))


def _between(wanted: list[Interval], due: list[Interval]) -> list[Interval]:
    """Return the time between what was wanted and what is due now: later runs close it, so that no gap stays."""
    if not wanted or not due:
        return []
    return union([(max(end for _, end in wanted), min(start for start, _ in due))])


def must_be_cut(total: int) -> bool:
    """Return whether a window of so many entries is more than a slice, or may be, as its total is where counts end."""
    return total > LARGEST_SLICE or total == CAP


def cut(window: Window, share: float) -> int:
    """Return where to cut a window after `share` of its time: at a day or hour where it is long enough for one."""
    length = window.end - window.start
    middle = window.start + max(1, min(length - 1, int(length * share)))
    for unit in (DAY_MS, HOUR_MS, HOUR_MS // 60):
        rounded = (middle + unit // 2) // unit * unit
        if length > 4 * unit and window.start < rounded < window.end:
            return rounded
    return middle
