"""An archive filled as a run fills it, and a search in it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, cast

from tests.collect.audit_log import ORGANIZATION

from mulesoft_audit.anypoint.entry import recognize
from mulesoft_audit.archive.layout import day_of, day_start
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.collect.newest import newest_page
from mulesoft_audit.collect.search import Search
from mulesoft_audit.ledger.batch import Batch
from mulesoft_audit.ledger.commit import commit
from mulesoft_audit.ledger.days import Days
from mulesoft_audit.ledger.head import Head

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.collect.audit_log import AuditLog

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.collect.newest import Newest


def batches(entries: Iterable[bytes]) -> list[Batch]:
    """Return entries as a reader would commit them: by day, in order."""
    lines = list(entries)
    _, stamps, keys = recognize(list(lines))
    by_day = defaultdict(list)
    for stamp, line, key in sorted(zip(stamps, lines, keys, strict=True), key=lambda one: one[0] or 0):
        assert stamp is not None
        by_day[day_of(stamp)].append((line, stamp - day_start(day_of(stamp)), key))
    found = []
    for day, items in by_day.items():
        found.append(Batch(day))
        found[-1].add(*(list(column) for column in zip(*items, strict=True)))
    return found


def archive_of(folder: Path, entries: Iterable[bytes]) -> Days:
    """Return the days of an archive in a folder, once it holds these entries too."""
    days = Days(LocalStore(folder), ORGANIZATION.id, {})
    days.refresh()
    for batch in batches(entries):
        day = days.get(batch.day)
        commit(day, batch)
        days.note(day)
    return days


def again(folder: Path) -> Days:
    """Return the days of an archive as the next run sees them."""
    return archive_of(folder, ())


def newest_of(log: AuditLog, floor: int, until: int) -> Newest:
    """Return what a first run is told of the newest entries."""
    return newest_page(cast("AuditQuery", log), ORGANIZATION, floor, until, Head(ORGANIZATION.id))


def search_in(log: AuditLog, days: Days, newest: Newest) -> Search:
    """Return a search; from here on the log counts what is asked."""
    log.queries = 0
    return Search(cast("AuditQuery", log), ORGANIZATION, days, newest)
