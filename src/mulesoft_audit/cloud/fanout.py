"""A backfill by many instances: one message per organization and span of whole days, sized by the source's totals.

Pub/Sub is the engine: it hands the messages out, repeats what fails, and keeps what fails for good. Nothing here waits
for them. Spans may overlap with other runs, and messages may come twice: each run reconciles, so that no entry is
written twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import LogRefused, Window, iso
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start
from mulesoft_audit.cloud.message import Message
from mulesoft_audit.collect.newest import newest_page
from mulesoft_audit.collect.roll_up import repeats
from mulesoft_audit.ledger import head as heads
from mulesoft_audit.times import earliest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.archive.store import Store

#: Entries of one message: a thousand pages, which is an invocation's ten minutes at 100 requests a minute.
SIZE = 200_000
#: Days down to which a span is halved whose total may be a cap, or is not given.
UNKNOWN_DAYS = 8
#: A total of just this many is taken for a cap, not a count: search engines stop counting there.
CAP = 10_000


@dataclass(frozen=True, slots=True)
class Span:
    """Work for one message.

    Attributes:
        organizations: whose log; with those below it, should its log repeat theirs.
        window: from 00:00 UTC of a day; up to 00:00 UTC of another, or to the end of the backfill.
        entries: how many the source says there are; at least so many, if it does not say.
    """

    organizations: tuple[Organization, ...]
    window: Window
    entries: int

    @property
    def message(self) -> Message:
        """The message that asks for it."""
        names = tuple(organization.id for organization in self.organizations)
        return Message(names, iso(self.window.start), iso(self.window.end))


@dataclass(frozen=True, slots=True)
class Planned:
    """Spans of work, newest first; who is collected together; and which logs may not be read."""

    spans: list[Span]
    families: list[tuple[Organization, ...]]
    refused: list[LogRefused]


def _promise(store: Store, family: tuple[Organization, ...], since: int) -> None:
    """Write into the archive since when everything of these is to be held, and whose log repeats whose."""
    for organization in family:
        head, generation = heads.load(store, organization.id)
        head.since = earliest(head.since, since)
        if len(family) > 1 and organization is family[0]:
            head.rolls_up, head.below = True, [one.id for one in family[1:]]
        heads.save(store, head, generation)


def fan_out(
    organizations: Sequence[Organization],
    since_ms: int,
    until_ms: int,
    query: AuditQuery,
    store: Store,
    publish: Callable[[Sequence[bytes]], object],
    *,
    size: int = SIZE,
) -> int:
    """Publish a message for each span of work, newest first; return how many.

    Since when everything is to be held is written into the archive first: each message covers a part of that time, and
    whoever works on it writes manifests only.

    Args:
        organizations: whose logs.
        since_ms: from 00:00 UTC of the day of this Unix millisecond.
        until_ms: up to, not including, this one; not in the future.
        query: the source.
        store: the archive.
        publish: publishes messages; `publisher(topic)`.
        size: entries of one message, about.

    Raises:
        PermissionMissing: a log may not be read. The messages for the others were published.
        AuditError: the source cannot be asked, or Pub/Sub refuses. What was published stays so; it does no harm.
    """
    planned = plan(organizations, since_ms, until_ms, query, size=size)
    for family in planned.families:
        _promise(store, family, day_start(day_of(since_ms)))
    publish([span.message.encoded() for span in planned.spans])
    if planned.refused:
        raise planned.refused[0]
    return len(planned.spans)


def plan(
    organizations: Sequence[Organization], since_ms: int, until_ms: int, query: AuditQuery, *, size: int = SIZE
) -> Planned:
    """Return the spans of work, newest first. A day is never divided; what is sparse is one span.

    Raises:
        AuditError: the source cannot be asked.
    """
    window = Window(day_start(day_of(since_ms)), until_ms)
    planned = Planned([], [], [])
    for family in families(organizations, window, query):
        try:
            found = list(_merged(_halved(family[0], window, query, size), size))
        except LogRefused as error:
            planned.refused.append(error)
        else:
            planned.families.append(family)
            planned.spans.extend(Span(family, stretch, entries) for stretch, entries in found)
    planned.spans.sort(key=lambda span: span.window.end, reverse=True)
    return planned


def families(
    organizations: Sequence[Organization], window: Window, query: AuditQuery
) -> Iterator[tuple[Organization, ...]]:
    """Yield what has to be collected together: an organization and, if its log repeats theirs, those below it.

    Whether it does is not documented: see `collect.roll_up`.
    """
    below = {organization.id: _below(organization, organizations) for organization in organizations}
    taken: set[str] = set()
    for organization in sorted(organizations, key=lambda one: one.depth):
        if organization.id in taken:
            continue
        repeated = below[organization.id]
        family = (organization, *(repeated if _repeats(organization, repeated, window, query) else ()))
        taken |= {one.id for one in family}
        yield family


def _below(above: Organization, organizations: Sequence[Organization]) -> list[Organization]:
    children = [one for one in organizations if one.parent == above.id and one.id != above.id]
    return [found for child in children for found in (child, *_below(child, organizations))]


def _repeats(above: Organization, below: Sequence[Organization], window: Window, query: AuditQuery) -> bool:
    """Return whether the log of `above` repeats the logs of those below it."""
    pages = []
    for organization in below:
        try:
            pages.append((organization, newest_page(query, organization, *window, heads.Head(organization.id))))
        except LogRefused:
            continue
    try:
        return bool(repeats(query, above, pages))
    except LogRefused:
        return False


def _halved(
    organization: Organization, window: Window, query: AuditQuery, size: int, total: int | None = None
) -> Iterator[tuple[Window, int]]:
    """Yield windows in order, each of at most `size` entries or one day, with their totals."""
    if total is None:
        total = query.total(organization, window)
    days = -(-(window.end - window.start) // DAY_MS)
    unsure = total is None or total == CAP
    if days <= 1 or (unsure and days <= UNKNOWN_DAYS) or (not unsure and (total or 0) <= size):
        yield window, total or 0
        return
    middle = window.start + days // 2 * DAY_MS
    left, right = Window(window.start, middle), Window(middle, window.end)
    first = query.total(organization, left)
    known = not unsure and first is not None and first != CAP and total is not None
    yield from _halved(organization, left, query, size, first)
    yield from _halved(organization, right, query, size, max(0, (total or 0) - (first or 0)) if known else None)


def _merged(windows: Iterator[tuple[Window, int]], size: int) -> Iterator[tuple[Window, int]]:
    """Yield neighbours together as long as they are of `size` at most."""
    before: tuple[Window, int] | None = None
    for window, entries in windows:
        if before and CAP not in (before[1], entries) and before[1] + entries <= size:
            before = Window(before[0].start, window.end), before[1] + entries
            continue
        if before:
            yield before
        before = window, entries
    if before:
        yield before
