"""The oldest entries, which the source drops while a run looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import Window
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start
from mulesoft_audit.collect.entries import placed
from mulesoft_audit.collect.period import Due
from mulesoft_audit.times import earliest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mulesoft_audit.collect.context import Context
    from mulesoft_audit.collect.organization import OrganizationRun


class Expiring:
    """The oldest days of one organization: read once more before they are compared no longer."""

    def __init__(self, one: OrganizationRun, context: Context) -> None:
        self._one = one
        self._context = context
        self._read = False
        self._looked = False

    def window(self, until: int) -> Window | None:
        """Return the days that the source is about to drop, if they are compared and not read yet."""
        floor, kept = self._one.due.floor, self._context.kept.floor
        if self._read or not floor < kept < until:
            return None
        self._read = True
        return Window(floor, kept)

    def leave_out(self, read: Sequence[Window]) -> None:
        """Compare them no more, if they are among what was read."""
        one, kept = self._one, self._context.kept.floor
        floor = one.due.floor
        if floor < kept and any(start <= floor and kept <= end for start, end in read):
            one.head.proved_from = earliest(one.head.proved_from, floor)
            one.covers(Due(one.due.since, kept))

    def gone(self) -> bool:
        """Where the retention is not known: raise the floor to what the source still has; return whether it had to."""
        if self._context.kept.floor or self._looked:
            return False
        self._looked = True
        one, before, now = self._one, self._one.due.floor, self._context.now()
        page = self._context.query.page(one.organization, Window(before, now), limit=1)
        times = placed(page, before).times
        today = day_start(day_of(now))  # compared in any case: nobody keeps entries for less than a day
        floor = min(day_start(day_of(times[0])) + DAY_MS, today) if times else before
        if not one.days.dates(before, floor - 2 * DAY_MS):
            return False
        one.covers(Due(one.due.since, floor))
        return True
