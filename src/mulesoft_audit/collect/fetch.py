"""The entries of a slice of time, in order, each page a query of its own from the first millisecond not yet settled.

All of a page but its last millisecond is settled: a query that starts at that millisecond gives it whole. So nothing
depends on what came before: entries that arrive, vanish or change places while they are read shift no position.
Offsets are used inside a millisecond that fills a page, and where a source cuts the start to whole seconds.
"""

from __future__ import annotations

import logging
import threading
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from mulesoft_audit.anypoint.entry import recognize
from mulesoft_audit.anypoint.query import BEHIND_ALL, PAGE_LIMIT, LogRefused, Window, iso
from mulesoft_audit.anypoint.response import NoResponse, RedirectRefused, TooLarge
from mulesoft_audit.errors import AuditError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from msgspec import Raw

    from mulesoft_audit.anypoint.entry import Page
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization

log = logging.getLogger(__name__)

SECOND = 1000
TRIES = 3  #: times that a page is asked for again that does not fit the one before
MORE_REQUESTS = 64  #: what a slice may take over twice its pages
MOST_HOLES = 50  #: of one slice


class Entries(NamedTuple):
    """Entries with their times (Unix ms) and keys (identity, checksum), three lists of one length."""

    lines: list[Raw | bytes]
    times: list[int]
    keys: list[tuple[bytes, int]]

    def between(self, start: int, end: int) -> Entries:
        """Return those whose time is from `start` up to but not including `end`."""
        if not self.times or (start <= min(self.times) and max(self.times) < end):
            return self
        return self.chosen([index for index, time in enumerate(self.times) if start <= time < end])

    def chosen(self, indices: list[int]) -> Entries:
        """Return those with these indices, in that order."""
        lines, times, keys = self
        return Entries([lines[i] for i in indices], [times[i] for i in indices], [keys[i] for i in indices])

    def joined(self, other: Entries) -> Entries:
        """Return both."""
        return Entries([*self.lines, *other.lines], [*self.times, *other.times], [*self.keys, *other.keys])


NOTHING = Entries([], [], [])


class Hole(NamedTuple):
    """An entry that the source counts and cannot be made to give: it lies between two times, Unix ms, inclusive."""

    first: int
    last: int
    reason: str


class NoProgress(SourceError):
    """The source's pages lead nowhere."""


def placed(page: Page, otherwise: int) -> Entries:
    """Return a page's entries with times; one that names no time is taken to be as old as the one before it."""
    lines, stamps, keys = recognize(page.entries)
    times = []
    for stamp in stamps:
        otherwise = otherwise if stamp is None else stamp
        times.append(otherwise)
    return Entries(lines, times, keys)


def in_order(times: list[int]) -> bool:
    """Return whether times never go back."""
    return all(before <= after for before, after in pairwise(times))


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
        self._gathered = NOTHING
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
            found = self._within(placed(page, self.position))
            settled = self._settle(page, found) if in_order(found.times) else self._without_order()
            if settled.times:
                self.settled += len(settled.times)
                yield settled

    def _within(self, found: Entries) -> Entries:
        """Leave out entries of quite another time, but for what a source adds at the end that ignores the end."""
        if not found.times or found.times[-1] >= self._end:
            return found
        return found.between(self.position // SECOND * SECOND, self._end)

    def _settle(self, page: Page, found: Entries) -> Entries:
        """Return what is settled by a page, together with what was gathered at this position, and move on."""
        count = len(page.entries)
        repeated = found.keys == self._before and len(set(found.keys)) > 1
        if self._must_ask_again(page, repeated=repeated):
            return NOTHING
        if repeated and set(found.times) == {self.position}:
            self.holes.append(Hole(self.position, self.position, "the source gives one page of it again and again"))
            return self._move_to(self.position + 1, self._gathered)
        self._before = found.keys
        fresh = self._gathered.joined(found.between(self.position, self._end))
        last = found.times[-1] if found.times else self.position
        most = min(self._asked, max(self._query.fullest, self._fullest))
        counted = page.total is not None and page.total == self._offset + count and count < most
        if last >= self._end:
            log.warning("Anypoint gives entries of %s that are newer than was asked for; they are left out", self)
        if not count or counted or last >= self._end:
            return self._move_to(self.stop, fresh)
        if found.times and last > self._bound(found.times[0]):
            return self._move_to(last, fresh)
        self._gathered = fresh
        self._offset += count
        return NOTHING

    def _bound(self, first: int) -> int:
        """Return the time that a page has to go beyond so that the next one may start at its last millisecond.

        A source that cuts the start to whole seconds gives a second from its beginning again: it must go beyond that.
        """
        bound = max(self.position, self._hole_until)
        return max(bound, self.position // SECOND * SECOND + SECOND - 1) if first < self.position else bound

    def _must_ask_again(self, page: Page, *, repeated: bool) -> bool:
        """Return whether a page does not fit the one before: a replica that lags, or a page that is given twice."""
        expected = self._first_total if self._offset else self.total
        fits = expected is None or page.total is None or page.total == expected
        fits = fits or (not self._offset and (page.total or 0) > (expected or 0))
        if (fits and not repeated) or self._tries >= TRIES:
            return False
        self._tries += 1
        if self._offset and not fits:  # something came or went: offsets mean other entries now
            self._offset, self._gathered, self._first_total = 0, NOTHING, None
        return True

    def _move_to(self, position: int, found: Entries) -> Entries:
        """Go on from `position`; return what of `found` lies before it and belongs to this slice."""
        with self._lock:  # nobody may take the rest between looking at the stop and moving on
            settled = found.between(self.start, min(position, self.stop))
            self.position = position
        if self._first_total is not None:
            self.total = max(0, self._first_total - len(settled.times))
        self._offset, self._gathered, self._first_total, self._tries = 0, NOTHING, None, 0
        return settled

    def _next_page(self) -> Page | None:
        """Ask for the page at the present position; None if it could not be read, and was stepped over."""
        allowed = 2 * (self.settled // self._fullest) + MORE_REQUESTS * (1 + len(self.holes))
        if self.requests > allowed or len(self.holes) > MOST_HOLES:
            raise NoProgress(
                f"Anypoint's pages of {self} lead nowhere: {self.requests} queries gave {self.settled} entries, and "
                f"went no further than {iso(self.position)}.",
                "What came is kept, and nothing else is kept from being collected. The next run asks again; if this "
                "stays, report it to MuleSoft with the times.",
            )
        self.requests += 1
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
        return self._query.page(self._organization, Window(self.position, self._end), offset=offset, limit=limit)

    def _step_over(self, error: AuditError) -> None:
        """Ask for fewer entries, down to one; if that one cannot be read, go on behind it.

        Raises:
            AuditError: what lies behind it cannot be read either: it is the log, not the entry.
        """
        if not isinstance(error, TooLarge) and self._limit == PAGE_LIMIT:
            self.requests += 1
            self._page(BEHIND_ALL, 1)  # raises, if it is the log or the source that is the matter, and not the page
        if self._limit > 1:
            self._limit = max(1, self._limit // 4)
            return
        self.requests += 1
        try:
            following = self._page(self._offset + 1, 1)
        except (SourceError, LogRefused):
            raise error from None
        first = self._gathered.times[-1] if self._gathered.times else self.position
        last = placed(following, first).times[0] if following.entries else self._end - 1
        if first < self.stop:
            self.holes.append(Hole(*self._narrowed(first, min(last, self.stop - 1)), error.message))
        self._hole_until = last
        self._offset += 1

    def _narrowed(self, first: int, last: int) -> tuple[int, int]:
        """Find out by totals when an entry is that lies alone between two times, inclusive."""

        def total(start: int) -> int | None:
            self.requests += 1
            return self._query.page(self._organization, Window(start, self._end), offset=BEHIND_ALL, limit=1).total

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

    def _without_order(self) -> Entries:
        """Read all that is left of the slice from a source that does not keep to the order of time."""
        with self._lock:
            start, stop, self.position = self.position, min(self.stop, self._end), self.stop
        found, requests = without_order(self._query, self._organization, Window(start, stop))
        self.requests += requests
        return found


def without_order(query: AuditQuery, organization: Organization, window: Window) -> tuple[Entries, int]:
    """Read a window by halves, until a page holds one whole; return its entries in order, and how many requests.

    Raises:
        AuditError: as `AuditQuery.page`.
    """
    found, requests, windows = NOTHING, 0, [window]
    while windows:
        part = windows.pop()
        page = query.page(organization, part)
        requests += 1
        inside = placed(page, part.start).between(*part)
        if requests > 8 * len(found.times) // query.fullest + 8 * MORE_REQUESTS:
            raise NoProgress(
                f"Anypoint gives the entries of {organization} from {window} in no order, and its totals do not fit.",
                "What was collected is kept. The next run asks again; if this stays, report it to MuleSoft.",
            )
        if len(page.entries) < query.fullest and page.total in (None, len(page.entries), len(inside.times)):
            found = found.joined(inside)
        elif part.end - part.start > 1:
            middle = (part.start + part.end) // 2
            windows += [Window(middle, part.end), Window(part.start, middle)]
        else:
            offset = 0
            while page.entries:
                found = found.joined(placed(page, part.start).between(*part))
                offset += len(page.entries)
                if page.total is not None and page.total <= offset:
                    break
                page = query.page(organization, part, offset=offset)
                requests += 1
    return found.chosen(sorted(range(len(found.times)), key=found.times.__getitem__)), requests
