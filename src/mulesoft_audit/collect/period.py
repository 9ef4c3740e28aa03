"""What a run is asked for: whose logs, of which time, and from when on that makes it look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start
from mulesoft_audit.errors import UsageError
from mulesoft_audit.times import earliest, moment

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.errors import AuditError


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose logs are collected.

    Attributes:
        root: id of the root organization; empty if it is not known.
        organizations: in the order of the tree.
        named: whether they were named one by one; otherwise they are all that the tree names.
        retention_days: for how long the source keeps entries; None if it does not say.
        problems: what kept other organizations from being found.
    """

    root: str
    organizations: list[Organization]
    named: bool = False
    retention_days: int | None = None
    problems: list[AuditError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Period:
    """What a run is asked for. Unix milliseconds.

    Attributes:
        since: 00:00 UTC of the first day; None to continue.
        until: the end, exclusive; None for now.
        look_back: how far back everything is read again on each run, where the source's totals prove nothing.
        first: how far back a first run reaches that is not told since when.
        oldest_first: begin with the oldest days, not the newest.
        one_by_one: bring what was begun to its end before another organization is asked. For what goes on where a run
            had no time for all: it would only ask the first ones again.
    """

    since: int | None = None
    until: int | None = None
    look_back: int = DAY_MS
    first: int = DAY_MS
    oldest_first: bool = False
    one_by_one: bool = False

    @classmethod
    def parse(cls, since: str | None, until: str | None, now: int, look_back: int, *, names: tuple[str, str]) -> Period:
        """Return the period that two texts name: ISO 8601, a date, or how long ago. An empty one says nothing.

        Args:
            since: from when; taken back to 00:00 UTC of its day, so that days are whole.
            until: up to, not including, this time.
            now: Unix ms.
            look_back: see the class.
            names: what the two are called, for messages.

        Raises:
            UsageError: a time is unreadable, in the future, or the wrong way round.
        """
        start = moment(since, now, names[0]) if since else None
        end = moment(until, now, names[1]) if until else None
        for name, value in zip(names, (start, end), strict=True):
            if value is not None and value > now:
                raise UsageError(f"{name} is {iso(value)}, which is in the future; it is {iso(now)} now.")
        if start is not None and end is not None and start >= end:
            raise UsageError(f"{names[0]} ({iso(start)}) is not before {names[1]} ({iso(end)}).")
        return cls(None if start is None else day_start(day_of(start)), end, look_back)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the source still keeps, by its retention. Unix milliseconds, 00:00 UTC; 0 for all.

    Attributes:
        since: the day in which the oldest entries may be.
        floor: the first day that is kept whole, with a day to spare: what is older may vanish while a run looks.
    """

    since: int = 0
    floor: int = 0

    @classmethod
    def by(cls, retention_days: int | None, now: int) -> Kept:
        """Return what is kept for so many days before `now`; everything if that is not known."""
        if retention_days is None:
            return cls()
        oldest = day_start(day_of(max(0, now - retention_days * DAY_MS)))
        return cls(oldest, oldest + 2 * DAY_MS)


@dataclass(frozen=True, slots=True)
class Due:
    """What an organization's run has to do. Unix milliseconds, 00:00 UTC.

    Attributes:
        since: since when the archive is to hold everything, from now on.
        floor: from when on the archive is compared with the source.
    """

    since: int
    floor: int


def due(since: int, proved_from: int, period: Period, kept: Kept, until: int, beginning: int) -> Due:
    """Return since when everything is to be held, and from when on that is compared.

    Time that the source does not keep any more is never promised. What is older than the floor may vanish while a run
    looks: it is compared only as long as it was never proved that all of it is held.

    Args:
        since: what was promised before; 0 if nothing.
        proved_from: since when the archive once equalled the source; 0 if that was never proved.
        period: what the run is asked for.
        kept: what the source keeps.
        until: now, Unix ms.
        beginning: since when the archive holds other organizations' entries; 0 if it holds none.
    """
    asked = period.since or since or beginning or day_start(day_of(until - period.first))
    promised = earliest(since, max(asked, kept.since))
    start = max(promised, kept.since)
    if period.until is not None and period.since is not None:
        start = max(start, period.since)
    return Due(promised, max(start, kept.floor) if 0 < proved_from <= start else start)
