"""Finding entries: between two times, of some organizations, those that are wanted, perhaps only the newest."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit.archive.layout import DAY_MS
from mulesoft_audit.errors import UsageError
from mulesoft_audit.reading.filters import matching
from mulesoft_audit.reading.stream import entries
from mulesoft_audit.times import LocalTimes, moment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.ledger.manifest import Damaged
    from mulesoft_audit.reading.entry import Entry
    from mulesoft_audit.reading.filters import Wanted
    from mulesoft_audit.reading.stream import Problem

START = "2000-01-01T00:00Z"  #: before anything that there is
FIRST_LOOK = DAY_MS // 4  #: how far back the newest entries are looked for at first; then four times as far, and so on


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time, Unix ms, from `since` up to but not including `until`."""

    since: int
    until: int

    @classmethod
    def parse(cls, since: str | None, until: str | None, now: int, usual: str = START) -> Stretch:
        """Return the stretch that two texts name; dates and times without a zone are local.

        Args:
            since: from when.
            until: up to when; now if it is not said.
            now: Unix ms.
            usual: from when, if it is not said; a duration is one before `until`.

        Raises:
            UsageError: one is no time, or they are the wrong way round.
        """
        end = moment(until, now, "--until", None) if until else now + DAY_MS  # clocks differ
        start = moment(since, now, "--since", None) if since else moment(usual, end if until else now, "--until")
        if start >= end:
            times = LocalTimes()
            raise UsageError(f"--since ({times.minute(start)}) is not before --until ({times.minute(end)}).")
        return cls(start, end)


def search(
    store: Store,
    stretch: Stretch,
    organizations: Collection[str],
    wanted: Wanted,
    limit: int | None = None,
    problem: Problem | None = None,
) -> Iterator[Entry]:
    """Yield entries that are wanted, in order of time.

    Args:
        store: the archive.
        stretch: when.
        organizations: their ids.
        wanted: what they say.
        limit: how many of the newest; None for all.
        problem: as `stream.entries`.

    Raises:
        ArchiveError: as `stream.entries`.
    """
    if limit is None:
        return matching(entries(store, stretch.since, stretch.until, organizations, problem), wanted)
    return _newest(store, stretch, organizations, wanted, limit, problem)


def _newest(
    store: Store,
    stretch: Stretch,
    organizations: Collection[str],
    wanted: Wanted,
    limit: int,
    problem: Problem | None,
) -> Iterator[Entry]:
    """Yield the newest entries, reading further and further back until there are enough."""
    back = FIRST_LOOK
    while True:
        since = max(stretch.since, stretch.until - back)
        told: list[Damaged] = []
        stream = entries(store, since, stretch.until, organizations, told.append if problem else None)
        found = deque(matching(stream, wanted), limit)
        if len(found) == limit or since == stretch.since:
            for one in told:
                if problem:
                    problem(one)
            yield from found
            return
        back *= 4
