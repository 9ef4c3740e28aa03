"""Fetching a day's entries again, and bringing into the archive those that it lacks, in new parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.archive.layout import DAY_MS, day_start
from mulesoft_audit.collect.fetch import Slice
from mulesoft_audit.ledger.batch import Batch
from mulesoft_audit.ledger.commit import commit
from mulesoft_audit.ledger.day import Day
from mulesoft_audit.ledger.manifest import Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.archive.store import Store

BATCH_BYTES = 12 << 20  #: of entries, compressed, at which they are committed before the day is through


def fetch_again(
    store: Store,
    query: AuditQuery,
    organization: Organization,
    day: date,
    *,
    now: int,
    since: int,
    relatives: Sequence[str] = (),
) -> int:
    """Read a day from the source, keep what is not held, and enter how many the source has; return what was new.

    Args:
        store: the archive.
        query: the source.
        organization: whose log.
        day: UTC.
        now: Unix ms; the day is read up to then.
        since: Unix ms since when everything is to be held; 0 if nobody said.
        relatives: ids of organizations whose logs this one repeats, or that repeat this one's.

    Raises:
        ArchiveError: the archive cannot be written.
        AuditError: as `AuditQuery.page`.
    """
    midnight = day_start(day)
    end = min(midnight + DAY_MS, now)
    held = Day(store, organization.id, day)
    held.since = since
    others = [Day(store, name, day) for name in relatives]
    slice_ = Slice(query, organization, midnight, end, end)
    given = new = 0
    batch = Batch(day)
    for entries in slice_.read():
        given += len(entries.times)
        batch.add(entries.lines, [time - midnight for time in entries.times], entries.keys)
        if batch.size > BATCH_BYTES:
            new += commit(held, batch, others).written
            batch = Batch(day)
    new += commit(held, batch, others).written
    holes = [Unreadable(one.first - midnight, one.last - midnight, one.reason) for one in slice_.holes]
    held.settle(0, DAY_MS, given + len(holes), holes, whole=True)
    return new
