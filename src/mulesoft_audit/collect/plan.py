"""What a backfill will take, before it starts: entries, requests, and time at the allowed rate."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import PAGE_LIMIT, Window
from mulesoft_audit.collect.days import Days
from mulesoft_audit.collect.organization import SLICE
from mulesoft_audit.errors import PermissionMissing

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
        """Requests that collecting them takes: full pages, one to end each slice, one to find its bounds."""
        if not self.missing:
            return 1
        slices = -(-self.missing // SLICE)
        return -(-self.missing // PAGE_LIMIT) + 2 * slices + 1


def estimate(organizations: list[Organization], window: Window, query: AuditQuery, store: Store) -> list[Estimate]:
    """Return what each organization will take, by one request each.

    Raises:
        AuditError: as `AuditQuery.total`, but for a log that may not be read.
    """

    def one(organization: Organization) -> Estimate:
        held = Days(store, organization.id).count(window)
        try:
            return Estimate(organization, query.total(organization, window), held)
        except PermissionMissing:
            return Estimate(organization, None, held)

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(one, organizations))
