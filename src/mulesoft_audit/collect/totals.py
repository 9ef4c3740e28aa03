"""What a source's totals are worth, found out by asking: they may stop at some number, or prove nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import PAGE_LIMIT, QueryRefused, Window, iso
from mulesoft_audit.collect.rules import Totals, may_be_a_cap, worth
from mulesoft_audit.collect.search import Search, below_cap, in_the_middle, sure_total

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.collect.newest import Newest
    from mulesoft_audit.collect.organization import OrganizationRun

log = logging.getLogger(__name__)

OLDER_A_RUN = 3  #: stretches that a run looks at of what lies before a cap


class Worth:
    """What one organization's totals are worth; kept in its head."""

    def __init__(self, one: OrganizationRun, query: AuditQuery) -> None:
        self._one = one
        self._query = query
        self._judged = False
        self._cap_checked = False

    @property
    def useless(self) -> bool:
        """Whether they prove nothing."""
        return self._one.head.totals < 0

    @property
    def cap(self) -> int:
        """The number at which they stop; 0 if they do not."""
        return max(0, self._one.head.totals)

    @property
    def judged(self) -> bool:
        """Whether that was found out in this run."""
        return self._judged

    def floor(self, until: int) -> int:
        """Return from when on the source is asked (Unix ms): later than is due, where totals stop at some number."""
        floor = self._one.due.floor
        if self.cap and not self._cap_checked:
            self._cap_checked = True
            self._check_cap(Window(floor, until))
        return (below_cap(self._one.days, floor, self.cap) or floor) if self.cap else floor

    def _check_cap(self, window: Window) -> None:
        """See whether totals still stop there: a cap may have been read out of nonsense."""
        total = self._query.total(self._one.organization, window)
        if total is None:
            return
        if total != self.cap or (self._one.days.source(window.start) == total and not self._gives_more(window, total)):
            self.set(Totals())

    def _gives_more(self, window: Window, total: int) -> bool:
        page = self._query.page(self._one.organization, window, offset=total, limit=1)
        return bool(page.entries) and page.total in (None, total)

    def hides_more(self, newest: Newest) -> bool:
        """Return whether there are more entries than the total says: counting may stop at a round number."""
        if newest.total is None or not may_be_a_cap(newest.total) or newest.total < PAGE_LIMIT:
            return False
        try:
            more = self._gives_more(Window(newest.floor, newest.until), newest.total)
        except QueryRefused:
            self._one.result.not_proved.append(f"the total of {newest.total} may be where Anypoint stops counting")
            return False
        if more:
            self.set(Totals(cap=newest.total))
        return more

    def judge(self, newest: Newest, expected: int) -> bool:
        """Find out, once a run, what the totals are worth; return whether that is less than was thought."""
        if self._judged:
            return False
        self._judged = True
        organization = self._one.organization
        border = in_the_middle(self._one.days, newest.floor, newest.until)
        parts = (Window(newest.floor, newest.until), Window(newest.floor, border), Window(border, newest.until))
        whole, earlier, later = (sure_total(self._query, organization, part) for part in parts)
        found = worth(whole, expected, earlier, later)
        if found:
            self.set(found)
        return found is not None

    def count_again(self, newest: Newest, expected: int) -> bool:
        """Return whether totals that proved nothing do so again; they are asked once a run."""
        if self._judged or self.judge(newest, expected):
            return False
        self.set(Totals())
        return True

    def set(self, totals: Totals) -> None:
        """Keep what totals are worth."""
        if totals.code:
            log.warning("The totals that Anypoint gives of %s prove little: %s", self._one.organization, totals)
        self._one.head.totals = totals.code
        if totals.cap and not below_cap(self._one.days, self._one.due.floor, totals.cap):
            self._one.head.totals = Totals(useless=True).code

    def before_cap(self, search: Search, newest: Newest) -> list[Window]:
        """Compare a few stretches of what lies before a cap, others on each run; say what is proved.

        Returns:
            Those that differ.
        """
        found, looked = search.before_cap(self._one.due.floor, self.cap, OLDER_A_RUN)
        text = f"Anypoint's totals stop at {self.cap}: proved from {iso(newest.floor)} on"
        if looked:
            text += f", and of what is older {', '.join(f'{iso(a)[:10]} to {iso(b)[:10]}' for a, b in looked)}"
        self._one.result.not_proved.append(text)
        return found
