"""An audit log in memory that responds as `AuditQuery` does, and misbehaves on purpose."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.entry import Page
from mulesoft_audit.anypoint.query import PAGE_LIMIT, Window
from mulesoft_audit.anypoint.tree import Organization

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ORGANIZATION = Organization("0a000000-0000-4000-8000-000000000000", "Acme")


def body(stamp: int, serial: int = 0) -> bytes:
    """Return an entry."""
    return json.dumps({"timestamp": stamp, "action": "View", "userId": f"u{serial}"}).encode()


@cache
def stamp_of(entry: bytes) -> int:
    """Return when an entry happened."""
    stamp: int = json.loads(entry)["timestamp"]
    return stamp


@dataclass
class AuditLog:
    """One organization's log.

    Attributes:
        entries: what there is, in the order in which they came.
        largest: entries of a page at most, whatever is asked for.
        whole_seconds: bounds are cut to whole seconds.
        ignores_end: entries after the end are given and counted too.
        ordered: the oldest come first; else in the order of their bytes, whatever is asked for.
        total: makes of the right total what is said; by default, the right one.
        unreadable: entries that no page can have, each with what is raised for such a page.
        before: called before each response with its number, from 1.
        after: makes of a page's entries what is given.
    """

    entries: list[bytes] = field(default_factory=list)
    largest: int = PAGE_LIMIT
    whole_seconds: bool = False
    ignores_end: bool = False
    ordered: bool = True
    total_said: Callable[[int], int | None] = lambda right: right
    unreadable: dict[bytes, Exception] = field(default_factory=dict)
    before: Callable[[int], None] = lambda number: None
    after: Callable[[list[bytes]], list[bytes]] = lambda page: page
    fullest: int = 0
    queries: int = 0

    def add(self, stamps: Iterable[int]) -> AuditLog:
        """Add an entry for each time, no two of them alike."""
        for stamp in stamps:
            self.entries.append(body(stamp, len(self.entries)))
        return self

    def truth(self, start: int, end: int) -> Counter[bytes]:
        """Return what there is in a window."""
        return Counter(one for one in self.entries if start <= stamp_of(one) < end)

    def inside(self, window: Window) -> list[bytes]:
        """Return what a window is taken to have, in order."""
        start, last = window.start, window.end - 1  # both bounds are inclusive
        if self.whole_seconds:
            start, last = start // 1000 * 1000, last // 1000 * 1000 + 999
        found = [(stamp_of(one), one) for one in self.entries]
        found = [(at, one) for at, one in found if start <= at and (at <= last or self.ignores_end)]
        return [one for _, one in (sorted(found) if self.ordered else sorted(found, key=lambda item: hash(item[1])))]

    def page(
        self,
        organization: Organization,
        window: Window,
        *,
        offset: int = 0,
        limit: int = PAGE_LIMIT,
        newest_first: bool = False,
    ) -> Page:
        """See `AuditQuery.page`."""
        self.queries += 1
        self.before(self.queries)
        found = self.inside(window)
        if newest_first:
            found.reverse()
        page = found[offset : offset + min(limit, self.largest)]
        for one in page:
            if one in self.unreadable:
                raise self.unreadable[one]
        page = self.after(page)
        self.fullest = max(self.fullest, len(page))
        return Page(list(page), self.total_said(len(found)))

    def total(self, organization: Organization, window: Window) -> int | None:
        """See `AuditQuery.total`."""
        return self.page(organization, window, limit=1, offset=1_000_000_000).total
