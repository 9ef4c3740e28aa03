"""Reading one window of one organization: every page in order, what is held dropped, the rest committed.

A window is complete when its loop ended the documented way and the number of entries equals the total that the source
gives at its end. Until then nothing of it is committed, so that a source which repeats itself under way cannot make
the archive hold an entry twice. Only a reader that is stopped, or that outgrows its memory, commits before.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.entry import recognize
from mulesoft_audit.anypoint.query import PAGE_LIMIT, Window
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start
from mulesoft_audit.collect.batch import Batch
from mulesoft_audit.collect.day import Agreed
from mulesoft_audit.collect.loop import Loop
from mulesoft_audit.errors import Interrupted, SourceError
from mulesoft_audit.memory import give_back

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from msgspec import Raw

    from mulesoft_audit.anypoint.entry import Page
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.collect.batch import Known
    from mulesoft_audit.collect.days import Days
    from mulesoft_audit.ledger.keys import Multiset

log = logging.getLogger(__name__)

READS = 4  #: times a window is read before a difference is taken as it is
MAX_PACKED = 12 << 20  #: bytes of batches in memory at which they are committed before the window is complete


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a window.

    Attributes:
        window: the window.
        read: entries the source gave.
        written: entries that were new.
        newest: Unix ms of the newest entry; 0 if there was none.
        missing: how many more the source's total counts than it gave, after several reads; carried to the next run.
    """

    window: Window
    read: int
    written: int
    newest: int
    missing: int = 0


class Reader:
    """One window being read. `abandon` may be called from another thread while `read` waits for the source."""

    def __init__(
        self,
        query: AuditQuery,
        days: Days,
        organization: Organization,
        window: Window,
        *,
        closed_before: int,
        now: Callable[[], int],
        relatives: Sequence[Days] = (),
    ) -> None:
        """Read `window`.

        Args:
            query: the source.
            days: what the archive holds of the organization.
            organization: whose log.
            window: from when to when.
            closed_before: days that end at or before this (Unix ms) are closed once they agree.
            now: Unix ms.
            relatives: other organizations whose entries this one's log may repeat.
        """
        self.organization = organization
        self.window = window
        self.written = 0
        self._query = query
        self._days = days
        self._closed_before = closed_before
        self._now = now
        self._relatives = relatives
        self._lock = threading.Lock()
        self._over = False
        self._reset()

    def _reset(self) -> None:
        self._batches: list[Batch] = []
        self._held: dict[date, tuple[Multiset, Known]] = {}
        self._excused = 0
        self._fell = False
        self._doubtful: int | None = None
        self._fingerprint = 0
        self._read = 0
        self._newest = 0
        self._lines: list[Raw | bytes] = []
        self._times: list[int] = []
        self._keys: list[tuple[bytes, int]] = []
        self._tail: list[tuple[bytes, int]] = []
        self._total: int | None = None

    @property
    def fetched(self) -> int:
        """Entries the source gave in the present reading of the window."""
        return self._read

    def read(self, too_many: Callable[[int], bool] = lambda _: False) -> Outcome:
        """Read the window until it agrees with the source.

        Args:
            too_many: whether to give up on a first page that speaks of so many entries.

        Raises:
            TooMany: it does; nothing was committed.
            SourceError: the source contradicts itself. What it gave is committed.
            Interrupted, PermissionMissing, CredentialsError, ArchiveError: what was committed is kept.
        """
        before: tuple[int, int, int] | None = None
        for attempt in range(READS):
            try:
                total = self._read_once(too_many)
            except Interrupted:
                self.abandon()
                raise
            seen = (self._read, total, self._fingerprint)
            if total == self._read and not self._fell:
                return self._commit_all(agreed=True)
            if total < self._read and before and before[0] == self._read and before[2] == seen[2]:
                log.warning(
                    "The source's total for %s from %s is %s, but it gave the same %d entries twice; they are taken",
                    *(self.organization, self.window, total if total >= 0 else "not given", self._read),
                )
                return self._commit_all(agreed=True)
            if attempt + 1 == READS:
                return self._disagreed(total, steady=before == seen)
            before = seen
            log.info(
                "Read %d entries of %s from %s, but the source counts %d; reading again",
                *(self._read, self.organization, self.window, total),
            )
            with self._lock:
                self._reset()
        raise AssertionError("a window is read at least once")

    def _disagreed(self, total: int, *, steady: bool) -> Outcome:
        read = self._read
        if total >= read:  # else something may have been given twice, which must not be written
            outcome = self._commit_all(agreed=False)
        if steady or total < read:
            raise SourceError(
                f"Anypoint contradicts itself about {self.organization} from {self.window}: it counts {total} entries "
                f"and gave {read}, {READS} times.",
                "The next run asks again; if this stays, report it to MuleSoft with the times.",
            )
        return Outcome(self.window, outcome.read, outcome.written, outcome.newest, missing=total - read)

    def _read_once(self, too_many: Callable[[int], bool]) -> int:
        """Read every page; return the total that the source gives at the end, -1 if it gives none."""
        loop = Loop(self._query, self.organization, self.window, rewind=self._rewind, too_many=too_many)
        for page in loop.pages():
            with self._lock:
                self._check_open()
                self._append(page)
            self._settle_complete(whole=False)
        self._settle_complete(whole=True)
        total = loop.total
        if total != self._read:  # no proof yet: ask for the count alone
            total = self._query.total(self.organization, self.window)
        return -1 if total is None else total

    def _settle_complete(self, *, whole: bool) -> None:
        """Settle all but the last millisecond, of which the next page may hold more; with `whole`, that too."""
        if self._doubtful is not None and (whole or self._times[-1] != self._doubtful):
            self._ask_again(self._doubtful)
        with self._lock:
            self._check_open()
            count = len(self._times)
            while not whole and count and self._times[count - 1] == self._times[-1]:
                count -= 1
            self._settle(count)
            if sum(batch.packed for batch in self._batches) > MAX_PACKED:
                self._commit_batches(None)

    def _ask_again(self, time: int) -> None:
        """Read one millisecond by itself, of which two pages gave the same entry: twins, or one entry given twice.

        The latter happens where a cursor is a position and entries of one millisecond change places, or entries arrive
        before it. One page shows the millisecond as it is; one that holds more than a page is taken as it came.
        """
        self._doubtful = None
        page = self._query.page(self.organization, Window(time, time + 1))
        if len(page.entries) >= PAGE_LIMIT:
            return
        found = recognize(page.entries)
        with self._lock:
            here = self._times.count(time)
            first = self._times.index(time)
            self._lines[first : first + here] = found.lines
            self._times[first : first + here] = [time] * len(found.lines)
            self._keys[first : first + here] = found.keys
            self._read += len(found.lines) - here

    def _rewind(self, start: int) -> int:
        """Forget the entries of the last millisecond, of which more may come; return that millisecond."""
        with self._lock:
            if not self._times:
                return start
            first = self._times[0]
            self._read -= len(self._lines)
            self._lines, self._times, self._keys = [], [], []
            self._tail, self._total, self._doubtful = [], None, None
            return first

    def _check_open(self) -> None:
        if self._over:
            raise Interrupted("Stopped while the source was answering.", "The next run continues.")

    def _append(self, page: Page) -> None:
        """Take a page in, less what it repeats of the page before."""
        if not page.entries:
            return
        lines, stamps, keys = recognize(page.entries)
        times = self._in_window(stamps)
        again = self._repeated(keys, times, page.total)
        if page.total is not None and self._total is not None and page.total < self._total:
            self._fell |= self._total - page.total != len(self._tail)  # else it counts what is left, as some may
        last = self._times[-1] if self._times else None
        if last is not None and last in times[again:]:
            straddling = {key for key, time in zip(keys[again:], times[again:], strict=True) if time == last}
            if not straddling.isdisjoint(self._keys):
                self._doubtful = last
        self._tail, self._total = keys, page.total
        self._lines += lines[again:]
        self._times += times[again:]
        self._keys += keys[again:]
        self._read += len(lines) - again
        self._newest = max(self._newest, *times)

    def _in_window(self, stamps: list[int | None]) -> list[int]:
        """Return the entries' times; one that has none, or another than was asked for, is filed where it came."""
        low, high = self.window.start, self.window.end - 1
        known = [stamp for stamp in stamps if stamp is not None]
        if len(known) == len(stamps) and low <= min(known) and max(known) <= high:
            return known
        last = self._times[-1] if self._times else low
        times = []
        for stamp in stamps:
            last = last if stamp is None else min(max(stamp, low), high)
            times.append(last)
        return times

    def _repeated(self, keys: list[tuple[bytes, int]], times: list[int], total: int | None) -> int:
        """Return how many entries at the start of a page are the end of the page before, given once more.

        A cursor that is a position rather than an entry moves back when entries arrive before it. Then the page begins
        before the other ended, or the total grew by as many. Else, equal entries on both sides of a border are twins.
        """
        if not self._tail or not self._times:
            return 0
        most = min(len(self._tail), len(keys))
        if times[0] >= self._times[-1]:
            most = 0 if total is None or self._total is None else min(most, total - self._total)
        return next((n for n in range(most, 0, -1) if self._tail[-n:] == keys[:n]), 0)

    def _settle(self, count: int) -> None:
        """Drop what is held of the first `count` entries, and put the rest into their days' batches."""
        lines, times, keys = self._lines[:count], self._times[:count], self._keys[:count]
        del self._lines[:count], self._times[:count], self._keys[:count]
        if times and day_of(min(times)) == day_of(max(times)):
            self._settle_day(day_of(times[0]), lines, times, keys)
            return
        start = 0
        for day, run in groupby(day_of(time) for time in times):
            end = start + sum(1 for _ in run)
            self._settle_day(day, lines[start:end], times[start:end], keys[start:end])
            start = end

    def _settle_day(self, day: date, lines: list[Raw | bytes], times: list[int], keys: list[tuple[bytes, int]]) -> None:
        start = day_start(day)
        held, known = self._look_up(day, start)
        if held.any:
            gone = held.take(keys)
            self._excused += held.excuse([time - start for time in times], gone)
            fresh = [index for index, there in enumerate(gone) if not there]
            lines, times, keys = [lines[i] for i in fresh], [times[i] for i in fresh], [keys[i] for i in fresh]
        if not lines:
            return
        self._fingerprint += sum(checksum for _, checksum in keys)
        if not self._batches or self._batches[-1].day != day:
            if self._batches:
                self._batches[-1].seal()  # entries come in order: that day is through
            self._batches.append(Batch(day, known))
        self._batches[-1].add(lines, [time - start for time in times], keys)

    def _look_up(self, day: date, start: int) -> tuple[Multiset, Known]:
        """Return what the archive holds of the window's stretch of `day`."""
        if day not in self._held:
            low, high = max(0, self.window.start - start), min(DAY_MS, self.window.end - start)
            held, known = self._days.get(day).held_between(low, high)
            for relative in self._relatives:
                held.merge(relative.get(day).held_between(low, high)[0])
            self._held[day] = held, known
        return self._held[day]

    def abandon(self) -> None:
        """Commit what was read so far, without its last millisecond, and take nothing more."""
        with self._lock:
            if not self._over:
                self._over = True
                self._commit_batches(None)

    def _commit_all(self, *, agreed: bool) -> Outcome:
        with self._lock:
            self._check_open()
            if self._excused:
                log.warning(
                    "%d entries of %s from %s are given otherwise than before; they are held and not written again",
                    *(self._excused, self.organization, self.window),
                )
            self._over = True
            self._commit_batches(self._agreed if agreed else None)
            return Outcome(self.window, self._read, self.written, self._newest)

    def _commit_batches(self, agreed: Callable[[date], Agreed | None] | None) -> None:
        batches = self._batches[::-1]
        self._batches = []
        while batches:
            batch = batches.pop()  # so that its memory is free before the next one's part is made
            if batch.entries:
                entries, part = self._days.get(batch.day).commit(batch, agreed(batch.day) if agreed else None)
                self.written += entries
                for other in batches:  # of one day only where the source does not answer in order: no rival's part
                    if other.day == batch.day:
                        other.known = other.known.with_part(part)
                give_back()
        self._held.clear()  # what is held has changed; a later page looks again

    def _agreed(self, day: date) -> Agreed | None:
        """Return the agreement about `day` that this window proves: one over the day from its start."""
        start = day_start(day)
        if self.window.start > start:
            return None
        until = min(start + DAY_MS, self.window.end)
        return Agreed(until, self._now(), until == start + DAY_MS and until <= self._closed_before)
