"""The days of one organization during a run: each read from the archive once, shared by every worker."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from mulesoft_audit.archive.layout import DAY_MS, day_of, day_of_manifest, day_start, manifests_of
from mulesoft_audit.collect.day import Day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from mulesoft_audit.anypoint.query import Window
    from mulesoft_audit.archive.store import Store

#: A window of more days than this is counted by listing which manifests there are.
FEW = 3
READERS = 16


class Days:
    """Days by date."""

    def __init__(self, store: Store, organization: str) -> None:
        self.organization = organization
        self._store = store
        self._lock = threading.Lock()
        self._days: dict[date, Day] = {}
        self._listed: set[date] | None = None

    def get(self, day: date) -> Day:
        """Return a day with everything adopted that lies in its folder.

        Raises:
            ArchiveError: the archive cannot be read.
        """
        return self._known(day).load_once()

    def _known(self, day: date) -> Day:
        with self._lock:
            return self._days.setdefault(day, Day(self._store, self.organization, day))

    @property
    def created(self) -> int:
        """How many parts were written."""
        with self._lock:
            return sum(day.created for day in self._days.values())

    @property
    def newest(self) -> int:
        """Unix ms of the newest entry held of the days that were looked at; 0 if there is none."""
        with self._lock:
            return max((day.newest for day in self._days.values()), default=0)

    def within(self, window: Window) -> list[Day]:
        """Return the days of `window` that have a manifest, or were touched by this run, in order.

        Raises:
            ArchiveError: the archive cannot be read.
        """
        dates = list(days_between(window.start, window.end))
        if len(dates) > FEW:
            there = self._with_manifest()
            dates = [day for day in dates if day in there or day in self._days]
        fresh = [day for day in dates if day not in self._days]
        if len(fresh) > FEW:  # each is a round trip to the store
            with ThreadPoolExecutor(READERS) as pool:
                list(pool.map(lambda day: self._known(day).load(adopt=False), fresh))
        else:
            for day in fresh:
                self.get(day)
        return [self._days[day] for day in dates]

    def _with_manifest(self) -> set[date]:
        """Return the days that had a manifest when this was first asked; what others write since costs a reading."""
        with self._lock:
            if self._listed is None:
                self._listed = {
                    day
                    for item in self._store.list(manifests_of(self.organization))
                    if (day := day_of_manifest(self.organization, item.name))
                }
            return self._listed

    def samples(self, most: int) -> list[tuple[int, bytes]]:
        """Return Unix ms and identity of up to `most` entries that are held, spread over what this run touched."""
        with self._lock:
            days = [self._days[day] for day in sorted(self._days, reverse=True)]
        found = [sample for day in days for sample in day.samples(most)]
        return found[:: max(1, len(found) // most)][:most]

    def count(self, window: Window) -> int:
        """Return how many entries of `window` the archive holds, by the manifests.

        Raises:
            ArchiveError: the archive cannot be read.
        """
        return sum(
            day.count_between(max(0, window.start - day.start), min(DAY_MS, window.end - day.start))
            for day in self.within(window)
        )

    def newest_in(self, window: Window) -> int | None:
        """Return Unix ms of the newest entry of `window` that the archive holds; None if it holds none.

        Raises:
            ArchiveError: the archive cannot be read.
        """
        for day in reversed(self.within(window)):
            found = day.newest_between(max(0, window.start - day.start), min(DAY_MS, window.end - day.start))
            if found is not None:
                return day.start + found
        return None


def days_between(start: int, end: int) -> Iterator[date]:
    """Yield the UTC days that `start` up to but not including `end` (Unix ms) touches."""
    day = day_of(start)
    while day_start(day) < end:
        yield day
        day += timedelta(days=1)
