"""Reading stretches of time by several readers, and committing what they give, a day at a time."""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import Window
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start
from mulesoft_audit.collect.fetch import SECOND, Slice
from mulesoft_audit.collect.slices import cut, pieces
from mulesoft_audit.errors import ArchiveError, AuditError, CredentialsError, Interrupted
from mulesoft_audit.ledger.batch import Batch
from mulesoft_audit.ledger.days import split_by_day
from mulesoft_audit.ledger.head import MOST_NEWEST
from mulesoft_audit.ledger.manifest import Damaged, Unreadable
from mulesoft_audit.memory import give_back

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.collect.entries import Entries
    from mulesoft_audit.collect.pool import WorkerPool
    from mulesoft_audit.ledger.day import Day
    from mulesoft_audit.ledger.keys import Key

log = logging.getLogger(__name__)

BATCH_BYTES = 12 << 20  #: of one day's entries, compressed, at which they are committed before the day is through
ALL_BATCHES_BYTES = 32 << 20  #: of all readers' batches; a reader that finds more commits its own


class Memory:
    """How many bytes the batches of all readers take."""

    def __init__(self) -> None:
        self.used = 0
        self._lock = threading.Lock()

    def change(self, size: int) -> None:
        """Add `size` bytes, or take them away if negative."""
        with self._lock:
            self.used += size


class Reader:
    """One slice on its way into the archive. `abandon` may be called from another thread while it waits."""

    def __init__(self, reading: Reading, slice_: Slice, window: Window) -> None:
        self.slice = slice_
        self.window = window
        self.position = slice_.start  #: all before it is on its way into the archive
        self.done = False
        self._reading = reading
        self._batch: Batch | None = None
        self._size = 0
        self._lock = threading.Lock()
        self._abandoned = False

    def read(self) -> None:
        """Read the slice to its end, committing as it goes; what failed is noted."""
        try:
            try:
                for entries in self.slice.read():
                    self._take(entries)
            finally:
                self.commit()
            self.done = True
        except Interrupted:
            raise
        except AuditError as error:
            self._reading.failed(self.slice, error)
        self._reading.finished(self)

    def _take(self, entries: Entries) -> None:
        with self._lock:
            if self._abandoned:
                raise Interrupted("Stopped while the source was responding.", "The next run continues.")
            start = 0
            while start < len(entries.times):
                day = day_of(entries.times[start])
                end = bisect_left(entries.times, day_start(day) + DAY_MS, start)
                self._add(day, entries, start, end)
                start = end
            self.position = self.slice.position
            if self._batch and (self._size > BATCH_BYTES or self._reading.memory.used > ALL_BATCHES_BYTES):
                self._commit()

    def _add(self, day: date, entries: Entries, start: int, end: int) -> None:
        if self._batch and self._batch.day != day:
            self._commit()
        self._batch = self._batch or Batch(day)
        midnight = day_start(day)
        times, keys = entries.times[start:end], entries.keys[start:end]
        self._batch.add(entries.lines[start:end], [time - midnight for time in times], keys)
        self._reading.gave(self.window, day, times, keys)
        size = self._batch.size
        self._reading.memory.change(size - self._size)
        self._size = size

    def commit(self) -> None:
        """Commit what was read so far."""
        with self._lock:
            self._commit()

    def abandon(self) -> None:
        """Commit what was read so far, and take nothing more."""
        with self._lock:
            self._abandoned = True
            self._commit()

    def _commit(self) -> None:
        batch, self._batch = self._batch, None
        if batch:
            self._reading.memory.change(-self._size)
            self._size = 0
            try:
                self._reading.commit(batch)
            except Damaged as error:  # of this day: the slice goes on with others
                self._reading.failed(self.slice, error)
            give_back()


class Reading:
    """Stretches of one organization's time being read. Safe for several threads.

    Attributes:
        windows: what is read. Each begins at 00:00 UTC, or where a day's counts do not differ.
        given: entries that the source gave, by window and day.
        expected: about how many entries there are.
        readers: under way or waiting.
        newest: keys of what the source gave from `known_from` on; times in Unix ms.
        failures: what failed, each with the slice it happened in.
    """

    def __init__(
        self,
        windows: list[Window],
        expected: int,
        end: int,
        *,
        query: AuditQuery,
        organization: Organization,
        commit: Callable[[Batch], object],
        memory: Memory,
        known_from: int = 0,
        then: Callable[[], None],
    ) -> None:
        """Prepare to read.

        Args:
            windows: what to read.
            expected: how many entries the source counts in them, about.
            end: where every query ends, exclusive: Unix ms.
            query: the source.
            organization: whose log.
            commit: brings a batch into the archive.
            memory: what the batches of all readings take.
            known_from: from when on (Unix ms) the keys of what the source gives are kept in `newest`; 0 for never.
            then: called once all is read, on the thread that read the last of it.
        """
        self.windows = windows
        self.given: Counter[tuple[Window, date]] = Counter()
        self.expected = expected
        self.readers: list[Reader] = []
        self.failures: list[tuple[Slice, AuditError]] = []
        self.memory = memory
        self.commit = commit
        self._end = end
        self._query = query
        self._organization = organization
        self._then = then
        self._lock = threading.Lock()
        self._open = 0
        self.holes: list[Unreadable] = []
        self.newest: list[Key] = []
        self._known_from = known_from or 1 << 62

    def start(self, pool: WorkerPool, rank: int, *, oldest_first: bool) -> None:
        """Queue the slices: newest first, so that what matters most arrives first."""
        length = sum(window.end - window.start for window in self.windows) or 1
        for window in self.windows:
            share = self.expected * (window.end - window.start) // length
            slices = [self._slice(start, stop) for start, stop in cut(window, pieces(share))]
            self.readers += [Reader(self, one, window) for one in slices]
        self._open = len(self.readers)
        for reader in self.readers:
            urgency = reader.slice.start if oldest_first else -reader.slice.stop
            pool.submit((1, urgency, rank), reader.read)

    def _slice(self, start: int, stop: int) -> Slice:
        return Slice(self._query, self._organization, start, stop, self._end)

    def gave(self, window: Window, day: date, times: list[int], keys: list[tuple[bytes, int]]) -> None:
        """Note entries of a day that the source gave, in order of time."""
        newer = bisect_left(times, self._known_from)
        with self._lock:
            self.given[window, day] += len(times)
            if len(self.newest) <= MOST_NEWEST:
                self.newest += [(time, *key) for time, key in zip(times[newer:], keys[newer:], strict=True)]

    def days(self) -> set[date]:
        """Return the days of which the source gave entries."""
        return {day for _, day in self.given}

    @property
    def fetched(self) -> int:
        """Entries the source gave so far."""
        with self._lock:
            return self.given.total()

    def failed(self, slice_: Slice, error: AuditError) -> None:
        """Note what failed in a slice. What concerns all that is collected is raised.

        Raises:
            CredentialsError, ArchiveError: it would meet everybody.
        """
        if isinstance(error, CredentialsError) or (isinstance(error, ArchiveError) and not isinstance(error, Damaged)):
            raise error
        with self._lock:
            self.failures.append((slice_, error))

    def told(self) -> list[AuditError]:
        """Return what failed, once for all stretches in which the same failed."""
        found: dict[type[AuditError], list[AuditError]] = {}
        for _, error in self.failures:
            found.setdefault(type(error), []).append(error)
        return [
            type(errors[0])(f"{errors[0].message} ({len(errors) - 1} more stretches failed likewise.)", errors[0].hint)
            if len(errors) > 1
            else errors[0]
            for errors in found.values()
        ]

    def finished(self, reader: Reader) -> None:
        """Note that a reader is through, well or not."""
        with self._lock:
            self._open -= 1
            last = not self._open
        del reader
        if last:
            self._then()

    def largest_rest(self) -> tuple[int, Reader] | None:
        """Return how many entries, about, are left to the reader that has most left, and that reader."""
        rests = [(self._rest(reader.slice), index) for index, reader in enumerate(self.readers) if not reader.done]
        rest, index = max(rests, default=(0, 0))
        return (rest, self.readers[index]) if rest else None

    def _rest(self, slice_: Slice) -> int:
        """Return about how many entries a slice has left: by the totals of its own and of the next one's start."""
        if slice_.total is None or not slice_.settled:
            return 0
        after = [one.slice for one in self.readers if one.slice.position == slice_.stop and one.slice.total is not None]
        if after:
            return slice_.total - (after[0].total or 0)
        return slice_.total * (slice_.stop - slice_.position) // max(1, self._end - slice_.position)

    def share(self, reader: Reader) -> Callable[[], None] | None:
        """Take the later half of what a reader has left; return what reads it, or None if it is too late."""
        slice_ = reader.slice
        half = (slice_.position + slice_.stop) // 2 // SECOND * SECOND
        with self._lock:  # `reader` may come to its end meanwhile: that is not the end of the reading any more
            stop = slice_.take_from(half) if self._open else None
            if stop is None:
                return None
            other = Reader(self, self._slice(half, stop), reader.window)
            self.readers.append(other)
            self._open += 1
        return other.read

    def unread(self) -> list[tuple[int, int]]:
        """Return the stretches that no reader has settled."""
        rests = [(one.position, one.slice.stop) for one in self.readers if not one.done]
        return [(start, stop) for start, stop in rests if start < stop]

    def settle(self, day_at: Callable[[date], Day], known: Callable[[int, int], list[date]], now: int) -> bool:
        """Enter into the manifests what the source gave of each day that was read to its end; return if any is news.

        Args:
            day_at: returns a day.
            known: returns the days of a stretch of time that have a manifest.
            now: Unix ms up to which the source was asked.
        """
        news = False
        broken = [Window(one.start, one.stop) for one, _ in self.failures]
        for window in self.windows:
            dates = set(known(*window)) | {day for one, day in self.given if one == window}
            for day, start, end in split_by_day(*window) if dates else ():
                midnight = day_start(day)
                if day not in dates or any(b.start < midnight + end and midnight + start < b.end for b in broken):
                    continue
                holes = self._unreadable(midnight + start, midnight + end)
                whole = start == 0 and (end == DAY_MS or midnight + end >= now)
                given = self.given[window, day] + len(holes)
                news |= day_at(day).settle(start, DAY_MS if whole else end, given, holes, whole=whole)
        return news

    def _unreadable(self, start: int, end: int) -> list[Unreadable]:
        midnight = day_start(day_of(start))
        holes = [hole for reader in self.readers for hole in reader.slice.holes if start <= hole.first < end]
        return [Unreadable(hole.first - midnight, min(hole.last, end - 1) - midnight, hole.reason) for hole in holes]
