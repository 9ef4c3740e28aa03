"""One organization's balance with its source, and what is done until that is even.

Each step ends with the next one, or hands windows to readers, after which it is balanced again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import PAGE_LIMIT, Window, iso
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start
from mulesoft_audit.collect.counted import CountedTotals
from mulesoft_audit.collect.expiring import Expiring
from mulesoft_audit.collect.failures import contradiction, unreadable
from mulesoft_audit.collect.newest import newest_page, total_only
from mulesoft_audit.collect.period import Due
from mulesoft_audit.collect.reading import Reading
from mulesoft_audit.collect.search import Search
from mulesoft_audit.collect.second_look import SecondLook
from mulesoft_audit.collect.slices import joined
from mulesoft_audit.collect.totals import Worth
from mulesoft_audit.ledger.commit import Respelled
from mulesoft_audit.ledger.keys import unseen
from mulesoft_audit.ledger.manifest import Damaged
from mulesoft_audit.times import earliest

if TYPE_CHECKING:
    from datetime import date

    from mulesoft_audit.collect.context import Context
    from mulesoft_audit.collect.newest import Newest
    from mulesoft_audit.collect.organization import OrganizationRun
    from mulesoft_audit.collect.pool import WorkerPool

log = logging.getLogger(__name__)

FEW = 20  #: entries of the page that is asked for where lately nothing came
QUIET = 3  #: rounds without anything new after which that is so
ROUNDS = 6  #: times that a run balances an organization whose entries keep moving
DAYS_NAMED = 40  #: days of which each is asked for, to say where a source contradicts itself


@dataclass(slots=True)
class Tried:
    """What a run does once for an organization, and whether it was done."""

    refreshed: bool = False
    edge: bool = False
    all_read: bool = False
    looked_back: bool = False
    missing: bool = False
    page_by_days: bool = False
    page_read: bool = False
    gone: bool = False


class Balance:
    """The balance of one organization.

    Attributes:
        one: the organization.
    """

    def __init__(self, one: OrganizationRun, context: Context, pool: WorkerPool) -> None:
        self.one = one
        self._context = context
        self._pool = pool
        self._query = context.query
        self._days = one.days
        self._worth = Worth(one, context.query)
        self._second_look = SecondLook(one, context, self._worth)
        self._expiring = Expiring(one, context)
        self._tried = Tried()
        self._rounds = 0
        self._totals = CountedTotals()
        self._windows: list[Window] = []  # read last
        self._read_days: set[date] = set()
        self._written = 0  # before the last reading
        self._arrived = 0  # entries of the last reading that no page showed before, in the time that it showed whole
        self._looking_again = False  # whether the last reading was of what only a second look found
        self._not_shown = 0  # stretches of that in which the source counts what it did not give
        self._settled = False  # whether the last reading told anything new of what the source has

    def look_first(self) -> None:
        """Ask for the newest page, to find out whose log repeats whose."""
        self.one.guarded(self._look_first)

    def start(self) -> None:
        """Balance until that is even."""
        self.one.guarded(self._balance)

    def _look_first(self) -> None:
        self.one.first_page = self._newest_page(self._context.until)

    def _balance(self) -> None:
        """Compare the archive with the source; do something about the difference, and come back here."""
        self._rounds += 1
        newest = self._look()
        before = self._days.source(newest.floor)
        told = bool(self.one.head.known_from or not before) and not newest.judged.missing
        if not self._commit_page(newest, count_repeated=told):
            self._read([newest.last_days()], PAGE_LIMIT, newest.until)
            return
        expected = self._days.source(newest.floor)
        self._totals.note(newest.floor, newest.total, before=before, expected=expected, arrived=self._arrived)
        self._arrived = 0
        if newest.judged.missing:
            self._look_for_missing(newest)
        elif newest.total == expected and (self._tried.all_read or not self._worth.hides_more(newest)):
            self._verified(newest)
        elif self._worth.useless and not self._worth.count_again(newest, expected):
            self._look_back(newest)
        elif self._rounds == 1 and not before and newest.judged.above >= newest.floor:
            self._tried.all_read = True
            self._read([self._shown_no_more(newest.floor, newest)], (newest.total or 0) - newest.newer, newest.until)
        else:
            self._explain(newest, before, expected)

    def _look(self) -> Newest:
        """Return the newest page; or only the total, where the run is asked for time up to some moment."""
        until = self._context.period.until
        if until is not None:
            self._refreshed()  # a run up to some moment may be one of many, which write manifests only
            floor = self._worth.floor(until)
            before = self._days.source_up_to(floor, until)
            if before is None:  # a day that differs tells only as a whole
                end = day_start(day_of(until)) + DAY_MS
                until, before = min(end, self._context.now()), self._days.source(floor, end)
            beyond = self._days.source(floor) - before
            return total_only(self._query, self.one.organization, floor, until, beyond)
        first, self.one.first_page = self.one.first_page, None
        newest = first or self._newest_page(self._context.now())
        self.one.result.total, self.one.result.floor = newest.total, newest.floor
        return newest

    def _newest_page(self, until: int) -> Newest:
        limit = FEW if self.one.quiet >= QUIET else PAGE_LIMIT
        return newest_page(self._query, self.one.organization, self._worth.floor(until), until, self.one.head, limit)

    def _commit_page(self, newest: Newest, *, count_repeated: bool) -> bool:
        """Commit what is new of the newest page, whatever the total says; False if it has to be read by whole days."""
        if self._rounds == 1:
            self.one.result.read += len(newest.entries.times)
        try:
            for batch in newest.batches():
                self.one.commit(batch, count_repeated=count_repeated)
        except (Damaged, Respelled):
            if self._tried.page_by_days:
                raise
            self._tried.page_by_days = True
            return False
        if newest.until != self._context.period.until and not newest.judged.missing:
            self.one.head.keep_newest(newest.known(), newest.judged.above + 1)
        return True

    def _look_for_missing(self, newest: Newest) -> None:
        """The page lacks what was there: a stale response; or a deletion, which the next page shows as well."""
        if self._tried.missing:
            self.one.head.keep_newest((), 0)
            self._read([newest.last_days()], PAGE_LIMIT, newest.until)
        else:
            self._tried.missing = True
            self._balance()

    # A difference.

    def _explain(self, newest: Newest, before: int, expected: int) -> None:
        """Do something about a total that is not what is expected."""
        steady = self._totals.repeated and not self._news
        ends = steady or self._rounds >= ROUNDS
        if ends or (self._tried.all_read and not self._worth.judged):
            if self._context.period.until is None and self._worth.judge(newest, expected):
                self._balance()
                return
            if ends:
                self._give_up(newest, expected, steady=steady)
                return
        if (oldest := self._expiring.window(newest.until)) is not None:
            self._read([oldest], 0, newest.until)
        elif (edge := self._edge(newest)) is not None:
            self._read([self._shown_no_more(edge, newest)], max(0, (newest.total or 0) - before), newest.until)
        elif newest.total is not None and newest.total < expected and self._expiring.gone():
            self._balance()
        else:
            self._descend(newest)

    @property
    def _news(self) -> bool:
        """Whether the last reading brought anything new."""
        return self._settled or self.one.result.written != self._written

    def _edge(self, newest: Newest) -> int | None:
        """Return where the entries that were known before end, if the page does not reach so far; else None."""
        if self._tried.edge or self._context.period.until is not None:
            return None
        self._tried.edge = True
        reaches = not newest.known_until or newest.known_until >= newest.judged.above
        return None if reaches or self._refreshed() else max(newest.known_until, newest.floor)

    def _descend(self, newest: Newest) -> None:
        """Ask for the total of what the page does not show; if that differs too, find out where."""
        newest, older = self._older(newest)
        if self._is_expected(newest, older) or (self._refreshed() and self._is_expected(newest, older)):
            self._verified(newest, max(0, (newest.total or 0) - (older or 0) - newest.newer))
            return
        unread, self.one.head.unread = self.one.head.unread, []
        windows = [Window(max(a, newest.floor), min(b, newest.until)) for a, b in unread]
        windows = [one for one in windows if one.start < one.end]
        windows = windows or self._search(newest).by_halves(newest.floor, older)
        missing = max(0, (older or 0) - (self._days.source(newest.floor) - newest.newer))
        if not windows and not self._tried.page_read:  # older days agree: something is held that the page lacks
            self._tried.page_read = True
            windows, missing = [newest.last_days()], PAGE_LIMIT
        if windows:
            self._read(windows, missing, newest.until)
        else:
            self._give_up(newest, self._days.source(newest.floor), steady=False)

    def _older(self, newest: Newest) -> tuple[Newest, int | None]:
        """Return a page with the total up to its border, which is asked for.

        Where the page shows nothing new, and its total says that there is more, that need not be asked: then the
        border is the end.
        """
        late = newest.total is not None and newest.total > self._days.source(newest.floor)
        if late and not newest.judged.new and self._rounds == 1:
            return replace(newest, border=newest.until - 1, newer=0), newest.total
        if newest.border + 1 >= newest.until:
            return newest, None if newest.total is None else newest.total - newest.newer
        window = Window(newest.floor, max(newest.border, newest.floor) + 1)
        return newest, self._query.total(self.one.organization, window)

    def _is_expected(self, newest: Newest, older: int | None) -> bool:
        return older == self._days.source(newest.floor) - newest.newer

    def _shown_no_more(self, start: int, newest: Newest) -> Window:
        """Return the time from `start` up to what the page shows; to the end, where the last day's counts differ."""
        last = self._days.counted.get(day_of(newest.until - 1).isoformat())
        differs = self.one.head.rolls_up or (last and last.differs)
        return Window(start, newest.until if differs else min(newest.border + 1, newest.until))

    def _search(self, newest: Newest) -> Search:
        return Search(self._query, self.one.organization, self._days, newest)

    def _refreshed(self) -> bool:
        """Look, once a run, at what others wrote; return whether there was anything."""
        if self._tried.refreshed:
            return False
        self._tried.refreshed = True
        changed, since = self._days.refresh()
        if since and since < self.one.due.since:
            self.one.covers(Due(since, self.one.due.floor))
        return changed

    def _look_back(self, newest: Newest) -> None:
        """Where totals prove nothing: read again what may still change, and say so."""
        start = max(newest.floor, day_start(day_of(newest.until - self._context.period.look_back)))
        if not self._tried.looked_back and not self._tried.all_read:
            self._tried.looked_back = True
            self._read([Window(start, newest.until)], 0, newest.until)
            return
        self.one.result.not_proved.append(
            f"Anypoint's totals prove nothing; only what is newer than {iso(start)} was read again (LOOK_BACK)"
        )
        self.one.finish()

    # Reading.

    def _read(self, windows: list[Window], expected: int, until: int) -> None:
        """Read stretches of time, and balance again."""
        windows = joined([self._widened(one) for one in windows])
        self._read_days |= {day for one in windows for day in self._days.dates(*one)}
        if self.one.relatives:
            self._count_anew(windows)
        reading = Reading(
            windows,
            expected,
            until,
            query=self._query,
            organization=self.one.organization,
            commit=self.one.commit,
            memory=self._context.memory,
            known_from=self.one.head.known_from,
            then=lambda: self.one.guarded(self._after_reading),
        )
        self._written, self._settled = self.one.result.written, False
        self._windows = windows
        self.one.reading = reading
        self.one.result.expected += expected
        reading.start(self._pool, self.one.rank, oldest_first=self._context.period.oldest_first)

    def _count_anew(self, windows: list[Window]) -> None:
        """Forget what the source had of days that are read: what it repeats of other logs would be counted twice."""
        for window in windows:
            for day in self._days.dates(*window):
                if self._days.counted[day.isoformat()].differs:
                    self._days.get(day).forget_source()
        self._days.note_all()

    def _widened(self, window: Window) -> Window:
        """Return the window from 00:00 UTC, if its first day's counts differ: then only a whole day tells anything."""
        counted = self._days.counted.get(day_of(window.start).isoformat())
        if counted and counted.differs:
            return Window(max(self.one.due.floor, day_start(day_of(window.start))), window.end)
        return window

    def _after_reading(self) -> None:
        one = self.one
        reading, one.reading = one.reading, None
        assert reading is not None  # noqa: S101 - it is what calls this
        one.result.read += reading.fetched
        before = self._days.held() - self._days.source(0)
        end = self._context.until if self._context.period.until is None else self._context.now()
        self._settled = reading.settle(self._days.get, self._days.dates, end)
        if self._looking_again and not self._news:
            self._not_shown = len(self._windows)
        self._looking_again = False
        self._read_days |= reading.days()
        self._days.note_all()
        gone = self._days.held() - self._days.source(0) - before
        if gone > 0:
            log.warning("Anypoint has %d entries of %s no more; the archive keeps them", gone, one.organization)
        if reading.failures:
            one.head.keep_newest((), 0)
            one.failures += [one.told(error) for error in reading.told()]
            one.head.unread = reading.unread()
            one.finish()
        else:
            self._arrived = len(unseen(reading.newest, one.head.newest_keys()).new)
            one.head.learn_newest(reading.newest, reading.windows)
            self._expiring.leave_out(reading.windows)
            self._balance()

    # Being done.

    def _verified(self, newest: Newest, arriving: int = 0) -> None:
        """Note that the archive equals the source; first look, where that is due, whether it does so by accident."""
        windows = self._second_look.windows(newest, self._search(newest), self._read_days)
        gone = self._totals.owed(newest.floor)  # deleted meanwhile; or another replica counts now, which lags
        if windows:
            self._looking_again = True
            self._read(windows, 0, newest.until)
        elif (arriving and self._rounds < ROUNDS) or (gone and not self._tried.gone):
            self._tried.gone = bool(gone)
            self._balance()
        else:
            self.one.result.left = arriving or gone or self._not_shown
            self._prove(newest.until)

    def _prove(self, until: int) -> None:
        one = self.one
        one.result.verified_at = until
        one.head.unread = []
        if not one.result.not_proved and not one.result.left:
            one.head.proved_from = earliest(one.head.proved_from, one.due.floor)
        if found := self._days.unreadable(one.due.floor):
            one.failures.append(unreadable(one.organization, found))
        one.finish()

    def _where(self, newest: Newest) -> list[Window]:
        """Return where counts differ: which days, if there are not too many to ask for each."""
        windows = self._windows
        if len(self._days.dates(newest.floor, newest.until)) <= DAYS_NAMED:
            everything = replace(newest, border=newest.until - 1, newer=0)
            windows = self._search(everything).by_day(()) or windows
        return windows

    def _give_up(self, newest: Newest, expected: int, *, steady: bool) -> None:
        """End with a difference that reading does not explain."""
        one, total = self.one, newest.total
        if not steady:
            one.result.left = abs((total or 0) - expected)
            log.warning("Entries of %s keep moving; %d are left to the next run", one.organization, one.result.left)
        else:
            where = self._where(newest)
            one.failures.append(contradiction(one.organization, one.due.floor, total, expected, where))
        one.finish()
