"""Whether an organization's log repeats the logs of the business groups below it.

That is not documented ("Audit Logging" speaks of business-group awareness only). It is found out once, by comparing a
whole stretch: all that the groups' newest pages show must be in the log above, byte for byte. Then an entry is kept
under the group it comes from, and only counted above. Where a single one is not there, or there are too few to tell,
every log is taken for one of its own: in doubt an entry is delivered twice, never dropped.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mulesoft_audit.collect.fetch import Slice
from mulesoft_audit.ledger.keys import unseen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.collect.entries import Entries
    from mulesoft_audit.collect.newest import Newest
    from mulesoft_audit.collect.organization import OrganizationRun
    from mulesoft_audit.ledger.keys import Key

ENOUGH = 10  #: entries that have to be found before that means anything
MOST_PAGES = 20  #: of a log that are read to find out


def repeats(query: AuditQuery, above: Organization, pages: Sequence[tuple[Organization, Newest]]) -> bool | None:
    """Return whether the log of `above` has all that the newest pages of other logs show; None if that is too little.

    Raises:
        AuditError: as `AuditQuery.page`.
    """
    stretches = [one for one in (_stretch(query, organization, page) for organization, page in pages) if one]
    if sum(map(len, stretches)) < ENOUGH:
        return None
    first, last = min(one[0][0] for one in stretches), max(one[-1][0] for one in stretches)
    slice_ = Slice(query, above, first, last + 1, max(page.until for _, page in pages))
    found: list[Key] = []
    for entries in slice_.read():
        found += _keys(entries)
        settled = [[key for key in one if key[0] < slice_.position] for one in stretches]
        if any(unseen(one, (), found).new for one in settled):
            return False
        if slice_.requests >= MOST_PAGES:
            return True if sum(map(len, settled)) >= ENOUGH else None
    return not any(unseen(one, (), found).new for one in stretches)


def _stretch(query: AuditQuery, organization: Organization, page: Newest) -> list[Key]:
    """Return the keys of whole milliseconds that a page shows, in order; more pages, if it shows too few."""
    known = sorted(page.known())
    if len(known) >= ENOUGH or len(known) == len(page.entries.times) or not page.entries.times:
        return known
    slice_ = Slice(query, organization, min(page.entries.times), page.until, page.until)
    found: list[Key] = []
    for entries in slice_.read():
        found += _keys(entries)
        if slice_.requests >= MOST_PAGES:
            break
    return found


def _keys(entries: Entries) -> list[Key]:
    return [(time, *key) for time, key in zip(entries.times, entries.keys, strict=True)]


class Undecided:
    """Organizations above and below one another of which it is not known yet whether one's log repeats another's.

    Each asks for its newest page, and waits; then it is decided, before anything is committed.
    """

    def __init__(self, members: list[OrganizationRun], query: AuditQuery) -> None:
        self.members = members
        self._query = query
        self._missing = sum(not one.done for one in members)
        self._lock = threading.Lock()

    def arrived(self) -> bool:
        """Note that one more member has its page, or failed; return whether it was the last."""
        with self._lock:
            self._missing -= 1
            return not self._missing

    def decide(self) -> None:
        """Find out for each organization that has others below it.

        Raises:
            AuditError: as `AuditQuery.page`.
        """
        for above in self.members:
            below = [one for one in self.members if one.is_below(above)]
            pages = [(one.organization, one.first_page) for one in below if one.first_page]
            if below and above.first_page and above.head.rolls_up is None:
                above.head.rolls_up = repeats(self._query, above.organization, pages)
                above.head.below = [one.organization.id for one in below] if above.head.rolls_up else []


def relate(runs: Sequence[OrganizationRun], query: AuditQuery) -> list[Undecided]:
    """Return the families in which something is undecided: each with all that lies below its topmost member."""
    open_ = [one for one in runs if one.head.rolls_up is None and any(other.is_below(one) for other in runs)]
    tops = [one for one in open_ if not any(one.is_below(other) for other in open_)]
    families = []
    for top in tops:
        members = [top, *(one for one in runs if one.is_below(top))]
        families.append(Undecided(members, query))
    return families
