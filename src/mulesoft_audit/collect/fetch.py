"""The entries of a slice of time, in order, each page a query of its own from the first millisecond not yet settled.

All of a page but its last millisecond is settled: a query that starts at that millisecond gives it whole. So nothing
depends on what came before: entries that arrive, vanish or change places while they are read shift no position.
Offsets are used inside a millisecond that fills a page, and where a source cuts the start to whole seconds.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, NamedTuple

from mulesoft_audit.anypoint.query import BEHIND_ALL, PAGE_LIMIT, LogRefused, Window, iso
from mulesoft_audit.anypoint.response import NoResponse, RedirectRefused, TooLarge
from mulesoft_audit.collect.entries import NOTHING, Entries, in_order, joined, placed
from mulesoft_audit.collect.unordered import NoProgress, by_halves
from mulesoft_audit.errors import AuditError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulesoft_audit.anypoint.entry import Page
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization

log = logging.getLogger(__name__)

SECOND = 1000
TRIES = 3  #: times that a page is asked for again that does not fit the one before
MORE_REQUESTS = 64  #: what a slice may take over twice its pages
MOST_HOLES = 50  #: of one slice
IN_A_ROW = 16  #: entries that cannot be read, behind which one is looked for that can
MOST_GATHERED = 50_000  #: entries of one millisecond, or of one second where bounds are cut to seconds


class Hole(NamedTuple):
    """An entry that the source counts and cannot be made to give: it lies between two times, Unix ms, inclusive."""

    first: int
    last: int
    reason: str


class Slice:
    """Time to be read by one reader. Another one may take the later part of it while it is read.

    Attributes:
        start: Unix ms.
        stop: Unix ms, exclusive; goes down when another reader takes the rest.
        position: all before it is settled.
        total: how many entries the source counts from `position` to the end of the queries; None if it does not say.
        holes: what could not be read.
        requests: queries sent.
        settled: entries read.
    """

    def __init__(self, query: AuditQuery, organization: Organization, start: int, stop: int, end: int) -> None:
        """Read from `start` to `stop`, with queries that all end before `end`: so that their totals compare."""
        self.start = self.position = start
        self.stop = stop
        self.total: int | None = None
        self.holes: list[Hole] = []
        self.requests = 0
        self.settled = 0
        self._query = query
        self._organization = organization
        self._end = end
        self._lock = threading.Lock()
        self._limit = PAGE_LIMIT
        self._fullest = 1
        self._offset = 0  # of the next page; what the pages before it gave of this position is gathered
        self._gathered: list[Entries] = []
        self._whole_seconds = False  # whether the source cuts bounds to whole seconds
        self._before: list[tuple[bytes, int]] = []  # keys of the page before
        self._first_total: int | None = None  # of the first page at this position
        self._tries = 0
        self._hole_until = -1

    def __str__(self) -> str:
        return f"{self._organization} from {Window(self.start, self.stop)}"

    def take_from(self, middle: int) -> int | None:
        """Leave the time from `middle` on to somebody else; return where that ends, or None if it is too late."""
        with self._lock:
            if not self.position < middle < self.stop:
                return None
            stop, self.stop = self.stop, middle
            return stop

    def read(self) -> Iterator[Entries]:
        """Yield settled entries: whole milliseconds, in order, up to `stop`.

        Raises:
            NoProgress: the source's pages lead nowhere.
            AuditError: as `AuditQuery.page`.
        """
        while self.position < self.stop:
            page = self._next_page()
            if page is None:
                continue
            given = placed(page, self.position)
            repeated = self._is_repeated(given)
            if self._must_ask_again(page, repeated=repeated):
                continue
            self._before = given.keys
            found = self._within(given)
            settled = [self._settle(page, found, repeated)] if in_order(found.times) else self._without_order()
            for entries in settled:
                if entries.times:
                    self.settled += len(entries.times)
                    yield entries

    def _within(self, found: Entries) -> Entries:
        """Leave out entries of quite another time, but for what a source adds at the end that ignores the end."""
        if not found.times or found.times[-1] >= self._end:
            return found
        return found.between(self.position // SECOND * SECOND, self._end)

    def _is_repeated(self, given: Entries) -> bool:
        """Return whether a page is the one before, or one of earlier time: a page that was asked for before."""
        if not given.times:
            return False
        second = self.position // SECOND * SECOND
        if max(given.times) < second:
            return True
        same = given.keys == self._before and len(set(given.keys)) > 1
        return same and (self._offset > 0 or given.times[0] < second)

    def _settle(self, page: Page, found: Entries, repeated: bool) -> Entries:
        """Return what is settled by a page, together with what was gathered at this position, and move on."""
        count = len(page.entries)
        if repeated and set(found.times) == {self.position}:
            self.holes.append(Hole(self.position, self.position, "the source gives one page of it again and again"))
            return self._move_to(self.position + 1)
        self._gathered.append(found.between(self.position, self._end))
        if found.times and not self._offset and found.times[0] < self.position:
            self._whole_seconds = True
        last = found.times[-1] if found.times else self.position
        most = min(self._asked, max(self._query.fullest, self._fullest))
        counted = page.total is not None and page.total == self._offset + count and count < most
        if last >= self._end:
            log.warning("Anypoint gives entries of %s that are newer than was asked for; they are left out", self)
        if not count or counted or last >= self._end:
            return self._move_to(self.stop)
        if found.times and last > self._bound():
            return self._move_to(last)
        self._offset += count
        return NOTHING

    def _bound(self) -> int:
        """Return the time that a page has to go beyond so that the next one may start at its last millisecond.

        A source that cuts the start to whole seconds gives a second from its beginning again: it must go beyond that.
        """
        bound = max(self.position, self._hole_until)
        return max(bound, self.position // SECOND * SECOND + SECOND - 1) if self._whole_seconds else bound

    def _must_ask_again(self, page: Page, *, repeated: bool) -> bool:
        """Return whether a page does not fit the one before: a replica that lags, or a page that is given twice."""
        expected = self._first_total if self._offset else self.total
        fits = expected is None or page.total is None or page.total == expected
        fits = fits or (not self._offset and (page.total or 0) > (expected or 0))
        if (fits and not repeated) or self._tries >= TRIES:
            return False
        self._tries += 1
        if self._offset and not fits:  # something came or went: offsets mean other entries now
            self._offset, self._gathered, self._first_total = 0, [], None
        return True

    def _move_to(self, position: int) -> Entries:
        """Go on from `position`; return what was gathered that lies before it and belongs to this slice."""
        with self._lock:  # nobody may take the rest between looking at the stop and moving on
            settled = joined(self._gathered).between(self.start, min(position, self.stop))
            self.position = position
        if self._first_total is not None:
            self.total = max(0, self._first_total - len(settled.times))
        self._offset, self._gathered, self._first_total, self._tries = 0, [], None, 0
        return settled

    def _next_page(self) -> Page | None:
        """Ask for the page at the present position; None if it could not be read, and was stepped over."""
        gathered = sum(len(part.times) for part in self._gathered)
        allowed = 2 * ((self.settled + gathered) // self._fullest) + MORE_REQUESTS * (1 + len(self.holes))
        if self.requests > allowed or len(self.holes) > MOST_HOLES or gathered > MOST_GATHERED:
            raise NoProgress(
                f"Anypoint's pages of {self} lead nowhere: {self.requests} queries gave {self.settled} entries, and "
                f"went no further than {iso(self.position)}.",
                "What came is kept, and nothing else is kept from being collected. The next run asks again; if this "
                "stays, report it to MuleSoft with the times.",
            )
        self._asked = self._limit
        try:
            page = self._page(self._offset, self._limit)
        except (RedirectRefused, NoResponse):
            raise
        except (SourceError, LogRefused) as error:
            self._step_over(error)
            return None
        self._fullest = max(self._fullest, len(page.entries))
        self._limit = min(PAGE_LIMIT, self._limit * 2)  # find back to full pages a little at a time
        if not self._offset:
            self._first_total = page.total
        return page

    def _page(self, offset: int, limit: int) -> Page:
        return self._ask(Window(self.position, self._end), offset, limit)

    def _ask(self, window: Window, offset: int, limit: int) -> Page:
        self.requests += 1
        return self._query.page(self._organization, window, offset=offset, limit=limit)

    def _step_over(self, error: AuditError) -> None:
        """Ask for fewer entries, down to one; if that one cannot be read, go on behind it.

        Raises:
            AuditError: what lies behind it cannot be read either: it is the log, not the entry.
        """
        if not isinstance(error, TooLarge) and self._limit == PAGE_LIMIT:
            self._page(BEHIND_ALL, 1)  # raises, if it is the log or the source that is the matter, and not the page
        if self._limit > 1:
            self._limit = max(1, self._limit // 4)
            return
        following, unreadable = self._behind(error)
        first = self.position
        for part in self._gathered:
            first = part.times[-1] if part.times else first
        last = placed(following, first).times[0] if following.entries else self._end - 1
        if first < self.stop:
            until = min(last, self.stop - 1)
            between = self._narrowed(first, until) if unreadable == 1 else (first, until)
            self.holes += [Hole(*between, error.message)] * unreadable
        self._hole_until = last
        self._offset += unreadable

    def _behind(self, error: AuditError) -> tuple[Page, int]:
        """Return the next page of one entry that can be read, and how many entries before it cannot.

        Raises:
            AuditError: `error`: there is none.
        """
        for step in range(1, IN_A_ROW + 1):
            try:
                return self._page(self._offset + step, 1), step
            except (SourceError, LogRefused):
                continue
        raise error from None

    def _narrowed(self, first: int, last: int) -> tuple[int, int]:
        """Find out by totals when an entry is that lies alone between two times, inclusive."""

        def total(start: int) -> int | None:
            return self._ask(Window(start, self._end), BEHIND_ALL, 1).total

        try:
            with_it = total(first + 1) if last - first > 1 else None
            if with_it is None or total(last) == with_it:
                return first, last
            low, high = first + 1, last  # it is from `low` on, and before `high`
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if total(middle) == with_it else (low, middle)
        except (SourceError, LogRefused):
            return first, last
        return low, low

    def _without_order(self) -> Iterator[Entries]:
        """Yield what is left of the slice from a source that does not keep to the order of time."""
        window = Window(self.position, min(self.stop, self._end))
        for position, found in by_halves(self._ask, lambda: self._query.fullest, window, str(self)):
            with self._lock:
                settled = found.between(self.position, self.stop)
                self.position = position
            yield settled
            if self.position >= self.stop:
                return
