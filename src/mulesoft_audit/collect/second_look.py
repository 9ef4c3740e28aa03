"""What balances as a whole, looked at in parts: once a run, before an organization counts as proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import LogRefused, Window
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start
from mulesoft_audit.collect.rules import Totals
from mulesoft_audit.errors import SourceError

if TYPE_CHECKING:
    from datetime import date

    from mulesoft_audit.collect.context import Context
    from mulesoft_audit.collect.newest import Newest
    from mulesoft_audit.collect.organization import OrganizationRun
    from mulesoft_audit.collect.search import Search
    from mulesoft_audit.collect.totals import Worth

RETRIED_A_RUN = 3  #: entries that could not be read before


class SecondLook:
    """The second look at one organization."""

    def __init__(self, one: OrganizationRun, context: Context, worth: Worth) -> None:
        self._one = one
        self._context = context
        self._worth = worth
        self._taken = False

    def windows(self, newest: Newest, search: Search, read: set[date]) -> list[Window]:
        """Return what is to be read though the whole balances; nothing where it was looked before.

        Args:
            newest: the page that balances.
            search: finds where counts differ.
            read: days that this run has read, which need not be compared.
        """
        if self._taken:
            return []
        self._taken = True
        if windows := self._readable_again(newest):
            return windows
        if self._worth.cap:
            return self._worth.before_cap(search, newest)
        if self._worth.useless:
            self._worth.set(Totals())  # they count again
        if self._context.period.since is not None:
            return search.by_day(read)
        return search.by_suffix() if self._one.first_of_day else []

    def _readable_again(self, newest: Newest) -> list[Window]:
        """Return the days of entries that could not be read, and now can; a few are tried on each run."""
        found: list[Window] = []
        for first, last, _ in self._one.days.unreadable(newest.floor)[:RETRIED_A_RUN]:
            try:
                page = self._context.query.page(self._one.organization, Window(first, last + 1), limit=2)
            except (SourceError, LogRefused):
                continue
            start = max(newest.floor, day_start(day_of(first)))
            if page.entries:
                found.append(Window(start, min(start + DAY_MS, newest.until)))
        return list(dict.fromkeys(found))
