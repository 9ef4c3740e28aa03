"""The one question of a run: the newest entries of a log, and the total of everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import BEHIND_ALL, PAGE_LIMIT, LogRefused, Window
from mulesoft_audit.anypoint.response import NoResponse, RedirectRefused
from mulesoft_audit.archive.layout import day_of, day_start
from mulesoft_audit.collect.entries import NOTHING, Entries, placed
from mulesoft_audit.collect.fetch import SECOND
from mulesoft_audit.collect.rules import Judged, judge
from mulesoft_audit.errors import SourceError
from mulesoft_audit.ledger.batch import Batch

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.ledger.head import Head
    from mulesoft_audit.ledger.keys import Key


SMALLEST = 3  #: entries of the smallest page that is asked for, where larger ones cannot be read


@dataclass(frozen=True, slots=True)
class Newest:
    """What the source said. Times are Unix milliseconds.

    Attributes:
        entries: the newest, newest first.
        total: how many it counts from `floor` to `until`; None if it does not say.
        judged: what that tells.
        floor: from when on it was asked.
        until: up to when it was asked, exclusive.
        border: what is newer than this is all among the entries. A whole second, so that a source that cuts bounds to
            seconds counts the same up to it.
        newer: how many of the total are newer than the border.
        known_until: time of the newest entry that was known before; 0 if none was.
    """

    entries: Entries
    total: int | None
    judged: Judged
    floor: int
    until: int
    border: int
    newer: int
    known_until: int = 0

    def keys(self) -> list[Key]:
        """Return the entries' keys with their times."""
        return [(time, *key) for time, key in zip(self.entries.times, self.entries.keys, strict=True)]

    def known(self) -> list[Key]:
        """Return the keys of which it is known, from now on, that they are in the archive."""
        return [key for key in self.keys() if key[0] > self.judged.above]

    def batches(self) -> list[Batch]:
        """Return the entries that are new, by day, oldest first."""
        found: list[Batch] = []
        new = self.entries.chosen(sorted(self.judged.new, key=self.entries.times.__getitem__))
        for line, time, key in zip(*new, strict=True):
            day = day_of(time)
            if not found or found[-1].day != day:
                found.append(Batch(day))
            found[-1].add([line], [time - day_start(day)], [key])
        return found

    def last_days(self) -> Window:
        """Return the days, from 00:00 UTC on, of which the page shows entries that can be judged."""
        return Window(max(self.floor, day_start(day_of(self.judged.above + 1))), self.until)


def newest_page(
    query: AuditQuery, organization: Organization, floor: int, until: int, head: Head, limit: int = PAGE_LIMIT
) -> Newest:
    """Ask for the newest entries between `floor` and `until` (exclusive), Unix ms.

    Raises:
        AuditError: as `AuditQuery.page`.
    """
    try:
        page = query.page(organization, Window(floor, until), limit=limit, newest_first=True)
    except (RedirectRefused, NoResponse):
        raise
    except (SourceError, LogRefused):  # one entry that cannot be read; or the whole log, which raises again
        if limit > SMALLEST:
            query.page(organization, Window(floor, until), limit=1, offset=BEHIND_ALL)
            return newest_page(query, organization, floor, until, head, max(SMALLEST, limit // 4))
        total = query.total(organization, Window(floor, until))
        return Newest(NOTHING, total, Judged(until - 1, [], 0), floor, until, until - 1, 0)
    entries = placed(page, until - 1).between(floor, until)
    keys: list[Key] = [(time, *key) for time, key in zip(entries.times, entries.keys, strict=True)]
    whole = page.total == len(page.entries) < limit
    known = head.newest_keys()
    judged = judge(keys, whole=whole, floor=floor, known_from=head.known_from or floor, known=known)
    if judged is None:  # a source that does not give the newest first: then only totals tell anything
        judged = Judged(until - 1, [], 0)
    border = -(-judged.above // SECOND) * SECOND
    newer = sum(time > border for time in entries.times)
    return Newest(entries, page.total, judged, floor, until, border, newer, known[-1][0] if known else 0)


def total_only(query: AuditQuery, organization: Organization, floor: int, until: int, beyond: int) -> Newest:
    """Ask for the total alone, for a run up to some moment in the past; `beyond` is what is counted after that.

    Raises:
        AuditError: as `AuditQuery.total`.
    """
    total = query.total(organization, Window(floor, until))
    known = None if total is None else total + beyond
    return Newest(NOTHING, known, Judged(until - 1, [], 0), floor, until, until - 1, beyond)
