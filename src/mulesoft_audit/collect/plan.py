"""What a backfill will take, before it starts: entries, requests, and time at the allowed rate."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import PAGE_LIMIT, Window
from mulesoft_audit.collect.slices import pieces
from mulesoft_audit.errors import PermissionMissing
from mulesoft_audit.ledger import head as heads
from mulesoft_audit.ledger.days import Days

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.archive.store import Store

WORKERS = 8


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one organization will take.

    Attributes:
        organization: whose log.
        total: entries the source counts; None if its log may not be read, or it does not say.
        held: entries the archive holds of the same time.
    """

    organization: Organization
    total: int | None
    held: int

    @property
    def missing(self) -> int:
        """Entries to collect."""
        return max(0, (self.total or 0) - self.held)

    @property
    def requests(self) -> int:
        """Requests that collecting them takes, each page beginning with an entry of the one before, and their proof."""
        if not self.missing:
            return 1
        return -(-self.missing // (PAGE_LIMIT - 1)) + pieces(self.missing) + 2


def estimate(organizations: list[Organization], window: Window, query: AuditQuery, store: Store) -> list[Estimate]:
    """Return what each organization will take, by one request each.

    Raises:
        AuditError: as `AuditQuery.total`, but for a log that may not be read.
    """

    def one(organization: Organization) -> Estimate:
        head, _ = heads.load(store, organization.id)
        days = Days(store, organization.id, head.days)
        if not head.days:
            days.refresh()
        held = days.source_up_to(window.start, window.end) or days.held(window.start)
        try:
            return Estimate(organization, query.total(organization, window), held)
        except PermissionMissing:
            return Estimate(organization, None, held)

    with ThreadPool(WORKERS) as pool:
        return pool.map(one, organizations)
