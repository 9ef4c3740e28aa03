"""The days of one organization: counted by the head, each read from the archive when it is needed."""

from __future__ import annotations

import threading
from datetime import date
from typing import TYPE_CHECKING

from mulesoft_audit.archive.layout import DAY_MS, day_of, day_of_manifest, day_start, days_between, manifests_of
from mulesoft_audit.ledger.day import Day
from mulesoft_audit.ledger.head import Counted
from mulesoft_audit.ledger.manifest import Damaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulesoft_audit.archive.store import Store

READERS = 16


class Days:
    """Days by date.

    Attributes:
        organization: whose days.
        counted: what is known of each day that has a manifest, by date in ISO 8601; the head's, kept up to date.
        since: Unix ms since when everything is to be held, to be written into manifests; 0 if unknown.
        damaged: what is wrong with days whose manifests could not be read; they are not counted.
    """

    def __init__(self, store: Store, organization: str, counted: dict[str, Counted]) -> None:
        self.organization = organization
        self.counted = counted
        self.since = 0
        self.damaged: dict[str, Damaged] = {}
        self._store = store
        self._lock = threading.Lock()
        self._days: dict[date, Day] = {}

    def get(self, day: date) -> Day:
        """Return a day; nothing is read yet."""
        with self._lock:
            found = self._days.setdefault(day, Day(self._store, self.organization, day))
            found.since = self.since
            return found

    @property
    def created(self) -> int:
        """How many parts were written."""
        with self._lock:
            return sum(day.created for day in self._days.values())

    def note(self, day: Day) -> None:
        """Take over what a day's manifest says."""
        manifest = day.manifest
        if not manifest.revision:
            return
        source = manifest.held if manifest.source is None else manifest.source
        counted = Counted(manifest.revision, day.generation, manifest.held, source, len(manifest.unreadable))
        with self._lock:
            before = self.counted.get(manifest.day)
            if before is None or before.revision <= counted.revision:
                self.counted[manifest.day] = counted

    def note_all(self) -> None:
        """Take over what the manifests say of all days that this run looked at."""
        with self._lock:
            days = list(self._days.values())
        for day in days:
            self.note(day)

    def refresh(self, *, every: bool = True) -> tuple[bool, int]:
        """Read each manifest that was written since it was counted; forget days whose manifest is gone or damaged.

        Args:
            every: read those again too of which the listing does not tell whether they were written since.

        Returns:
            Whether anything changed, and since when (Unix ms) everything is to be held as the manifests say; 0 if
            they do not.

        Raises:
            ArchiveError: the archive cannot be read.
        """
        changed: list[date] = []
        there: set[str] = set()
        for item in self._store.list(manifests_of(self.organization)):
            day = day_of_manifest(self.organization, item.name)
            if day is None:
                continue
            there.add(day.isoformat())
            known = self.counted.get(day.isoformat())
            if known is None or (known.generation != item.generation if item.generation else every):
                changed.append(day)
        before = dict(self.counted)
        for gone in set(before) - there:
            del self.counted[gone]
        since = self._read(changed)
        return before != self.counted, since

    def _read(self, dates: list[date]) -> int:
        """Read the manifests of these days; return the earliest `since` in them; else the first day."""
        days = [self.get(one) for one in dates]
        if len(days) > 3:  # each is a round trip to the store
            # Imported here for the sake of what starts fast. Unlike those of concurrent.futures, its threads let a
            # process end.
            from multiprocessing.pool import ThreadPool

            with ThreadPool(min(READERS, len(days))) as pool:
                whole = pool.map(self._load, days)
        else:
            whole = [self._load(day) for day in days]
        said = [day.manifest.since for day, read in zip(days, whole, strict=True) if read]
        return min(filter(None, said), default=0) or min((day.start for day in days), default=0)

    def _load(self, day: Day) -> bool:
        """Read a day's manifest and count it; if it is damaged, remember that, count it no more and return False."""
        name = day.day.isoformat()
        try:
            self.note(day.load(again=True))
        except Damaged as error:
            with self._lock:
                self.damaged[name] = error
                self.counted.pop(name, None)
            return False
        return True

    # Counting.

    def held(self, start: int = 0, end: int | None = None) -> int:
        """Return how many entries the archive holds of the days from `start` to `end` (Unix ms, 00:00 UTC)."""
        return sum(counted.held for counted in self._between(start, end))

    def source(self, start: int, end: int | None = None) -> int:
        """Return how many entries the source had of the days from `start` to `end` (Unix ms, 00:00 UTC)."""
        return sum(counted.source for counted in self._between(start, end))

    def source_up_to(self, start: int, end: int) -> int | None:
        """Return how many entries the source had from `start` (00:00 UTC) to `end` (exclusive, any time), Unix ms.

        None if that cannot be told: the source differs from what is held of the last day.

        Raises:
            ArchiveError: the archive cannot be read.
        """
        whole, last = day_start(day_of(end)), day_of(end).isoformat()
        if end == whole or last not in self.counted:
            return self.source(start, whole)
        if self.counted[last].differs:
            return None
        day = self.get(day_of(end)).load()
        return self.source(start, whole) + day.count_between(0, end - whole)

    def unreadable(self, start: int) -> list[tuple[int, int, str]]:
        """Return between which times (Unix ms) from `start` on entries are that could not be read, and why.

        Raises:
            ArchiveError: the archive cannot be read.
        """
        found: list[tuple[int, int, str]] = []
        for name, counted in sorted(self.counted.items()):
            day = self.get(date.fromisoformat(name))
            if counted.unreadable and day.start >= start:
                found += [
                    (day.start + one.first, day.start + one.last, one.reason) for one in day.load().manifest.unreadable
                ]
        return found

    def dates(self, start: int, end: int) -> list[date]:
        """Return the days from `start` to `end` (Unix ms) that have a manifest, in order."""
        if end <= start:
            return []
        low, high = day_of(start).isoformat(), day_of(end - 1).isoformat()
        with self._lock:
            return sorted(date.fromisoformat(day) for day in self.counted if low <= day <= high)

    def _between(self, start: int, end: int | None) -> list[Counted]:
        low = day_of(start).isoformat()
        high = "~" if end is None else day_of(end).isoformat()
        with self._lock:
            return [counted for day, counted in self.counted.items() if low <= day < high]


def split_by_day(start: int, end: int) -> Iterator[tuple[date, int, int]]:
    """Yield each day of `start` to `end` (Unix ms) with the first and the last (exclusive) of its milliseconds."""
    for day in days_between(start, end):
        yield day, max(0, start - day_start(day)), min(DAY_MS, end - day_start(day))
