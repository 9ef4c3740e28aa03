"""Where an archive differs from its source, found by totals."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import PAGE_LIMIT, Window
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start
from mulesoft_audit.collect.rules import Decision, decide, middle
from mulesoft_audit.collect.slices import joined
from mulesoft_audit.ledger.manifest import HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.collect.newest import Newest
    from mulesoft_audit.ledger.days import Days

TWO_PAGES = 2 * PAGE_LIMIT  #: entries that are read rather than searched


class Search:
    """Compares what days are expected to have with what the source counts of them.

    Nothing newer than the page's border is asked for: that moves. Each stretch that is found and ends there is to be
    read up to the end all the same.
    """

    def __init__(self, query: AuditQuery, organization: Organization, days: Days, newest: Newest) -> None:
        self._query = query
        self._organization = organization
        self._days = days
        self._newest = newest
        self._end = newest.border + 1

    def _expected(self, start: int, end: int) -> int:
        after = self._newest.newer if end >= self._end else self._days.source(end)
        return self._days.source(start) - after

    def _total(self, start: int) -> int | None:
        """Return what the source counts from `start` on: all totals end alike, so that they compare."""
        return self._query.total(self._organization, Window(start, self._end))

    def by_halves(self, start: int, total: int | None) -> list[Window]:
        """Return what differs from `start` to the border, of which the source counts `total`."""
        return self._joined(self._halved(Window(start, self._end), total, 0))

    def _halved(self, window: Window, total: int | None, after: int) -> list[Window]:
        """Return what of a window differs; the source counts `total` from its start on, and `after` from its end on."""
        found: list[Window] = []
        left = [(window, total, after)]
        while left:
            part, total, after = left.pop()
            counted = None if total is None else total - after
            decision = decide(part.start, part.end, self._expected(*part), counted)
            if decision is Decision.READ:
                found += self._hours(part, total, after)
            elif decision is Decision.SPLIT and total is not None:
                border = middle(part.start, part.end)
                between = self._between(part, total, after, border)
                left += [(Window(part.start, border), total, between or 0), (Window(border, part.end), between, after)]
        return found

    def _between(self, part: Window, total: int, after: int, border: int) -> int | None:
        """Return the total from `border` on, which lies within `part`."""
        later, earlier = self._expected(border, part.end), self._expected(part.start, border)
        between = self._total(border)
        if between is None or between - after < later or total - between < earlier:
            between = self._total(border)  # a replica that lags says less than there is
        return between

    def _hours(self, day: Window, total: int | None, after: int) -> list[Window]:
        """Return the hours of a day that differ, where what is held of each hour is all that the source had."""
        known = self._days.counted.get(day_of(day.start).isoformat())
        within = day.start == day_start(day_of(day.start)) and day.end <= day.start + DAY_MS
        if total is None or not within or not known or known.differs:
            return [day]
        held = self._days.get(day_of(day.start)).load()
        found: list[Window] = []
        left = [(day, total, after)]
        while left:
            part, total, after = left.pop()
            expected = held.count_between(part.start - day.start, part.end - day.start)
            if total - after == expected:
                continue
            border = part.start + (part.end - part.start) // HOUR_MS // 2 * HOUR_MS
            few = expected == 0 or total - after <= TWO_PAGES
            between = None if few or border == part.start else self._total(border)
            if between is None:
                found.append(part)
            else:
                left += [(Window(part.start, border), total, between), (Window(border, part.end), between, after)]
        return found

    def by_day(self, but: Collection[date]) -> list[Window]:
        """Compare every day that is held, `but` some, by one total each."""
        days = [day_start(day) for day in self._days.dates(self._newest.floor, self._end) if day not in but]
        borders = {border for day in days for border in (day, day + DAY_MS) if self._newest.floor <= border < self._end}
        found: list[Window] = []
        stop, counted_after = self._end, 0
        for border in sorted(borders | {self._newest.floor}, reverse=True) if days else ():
            counted = self._total(border)
            if counted is None or counted - counted_after != self._expected(border, stop):
                found.append(Window(border, stop))
            stop, counted_after = border, counted or 0
        return self._joined(found)

    def by_suffix(self) -> list[Window]:
        """Compare from some day on, another one each day: what balances by accident does not on both sides of it."""
        days = [day_start(day) for day in self._days.dates(self._newest.floor, self._end)][1:]
        if not days:
            return []
        # Of so many days in a row each has its turn once in as many days, whether the archive grows, or drops its
        # oldest day each day: those that are newer come up when they are among the oldest.
        first, last, today = days[0] // DAY_MS, days[-1] // DAY_MS, self._newest.until // DAY_MS
        period = 1 << (last - first + 1).bit_length() - 1
        border = (first - (first + today) % -period) * DAY_MS
        later = self._total(border)
        if later == self._expected(border, self._end):
            return []
        earlier = self._halved(Window(self._newest.floor, border), self._total(self._newest.floor), later or 0)
        return self._joined([*earlier, *self._halved(Window(border, self._end), later, 0)])

    def before_cap(self, floor: int, cap: int, most: int) -> tuple[list[Window], list[Window]]:
        """Compare a few stretches before the one that a run compares as a whole, others each time.

        Args:
            floor: from when on anything is compared.
            cap: where totals stop.
            most: how many stretches to compare.

        Returns:
            Those that differ, and all that were compared and counted.
        """
        stretches = under_cap(self._days, floor, self._newest.floor, cap)
        by_chance = Random(self._newest.until)  # taking turns by the hour would leave some out, if runs keep to an hour
        chosen = sorted(by_chance.sample(stretches, min(most, len(stretches))))
        different, looked = [], []
        for one in chosen:
            total, expected = self._query.total(self._organization, one), self._expected(*one)
            if total is not None and min(total, expected) < cap:
                looked.append(one)
                different += [one] if total != expected else []
        return different, looked

    def _joined(self, windows: list[Window]) -> list[Window]:
        """Return the windows in order, neighbours as one; what ends at the border is to be read to the end."""
        stops = [Window(start, self._newest.until if end >= self._end else end) for start, end in windows]
        return joined(stops)


def sure_total(query: AuditQuery, organization: Organization, window: Window) -> int | None:
    """Return a total that the source gives twice in a row; the last one, if it says another each time.

    Raises:
        AuditError: as `AuditQuery.total`.
    """
    total = query.total(organization, window)
    for _ in range(3):
        before, total = total, query.total(organization, window)
        if total == before:
            break
    return total


def below_cap(days: Days, floor: int, cap: int) -> int | None:
    """Return the first 00:00 UTC from which on the source has fewer entries than a cap, with room for a page more.

    None if the newest day alone has as many: then no total tells anything of it.
    """
    found = None
    for day in reversed(days.dates(floor, 1 << 43)):
        start = day_start(day)
        if days.source(start) + PAGE_LIMIT >= cap:
            return found
        found = max(start, floor)
    return floor if found is not None else None


def under_cap(days: Days, start: int, end: int, cap: int) -> list[Window]:
    """Return all the time from `start` to `end` (00:00 UTC) in stretches of fewer entries than a cap, if that can be.

    Each is as long as may be, so that days without entries are in one as well.
    """
    found = [start]
    for day in days.dates(start, end):
        first = day_start(day)
        if days.source(found[-1], first) and days.source(found[-1], first + DAY_MS) >= cap:
            found.append(first)
    return [Window(a, b) for a, b in pairwise([*found, end]) if a < b]


def in_the_middle(days: Days, floor: int, until: int) -> int:
    """Return a moment (Unix ms) before and after which there are entries from `floor` to `until`, if that can be."""
    total = days.source(floor)
    for day in days.dates(floor + 1, until):
        start = day_start(day)
        if 0 < days.source(start) < total:
            return start
    for day in days.dates(floor, until)[:1]:
        hours = days.get(day).load().manifest.hours
        filled = [hour for hour, entries in enumerate(hours) if entries]
        if len(filled) > 1:
            return day_start(day) + filled[len(filled) // 2] * 3_600_000
        if filled:
            return day_start(day) + filled[0] * 3_600_000 + 1_800_000
    return (floor + until) // 2
