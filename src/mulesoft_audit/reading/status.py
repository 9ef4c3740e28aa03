"""What an archive holds and how fresh it is, by its heads and what the last run left: no entry is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start
from mulesoft_audit.collect import last_run
from mulesoft_audit.ledger import head as heads
from mulesoft_audit.ledger.names import organizations_of
from mulesoft_audit.reading.ahead import readers
from mulesoft_audit.times import earliest
from mulesoft_audit.words import number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.collect.last_run import LastRun
    from mulesoft_audit.ledger.head import Counted, Head
    from mulesoft_audit.ledger.names import Names
    from mulesoft_audit.ledger.registry import Known

BAR_DAYS = 30


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an organization's archive stands. Times are Unix ms; 0 if they are not known.

    Attributes:
        organization: its id.
        name: as it was last called; may be empty.
        since: since when everything is to be held.
        entries: how many are held.
        newest: time of the newest entry.
        proved: when a run last found the archive equal to Anypoint's log.
        complete: whether the last run that looked at it found it complete.
        gaps: what is known to be missing or was not proved, each in words.
        days: entries by UTC day, oldest first, of the last `BAR_DAYS` days; None for a day before `since`.
        counted: what the manifests say, by day (YYYY-MM-DD), as the head keeps it.
    """

    organization: str
    name: str
    since: int
    entries: int
    newest: int
    proved: int
    complete: bool
    gaps: tuple[str, ...]
    days: tuple[int | None, ...]
    counted: Mapping[str, Counted]

    def stale(self, now: int, longest: int) -> bool:
        """Return whether it was not proved within the `longest` milliseconds before `now`."""
        return now - self.proved > longest


@dataclass(frozen=True, slots=True)
class Status:
    """Where an archive stands.

    Attributes:
        run: what the last run left; its `ended` is 0 if there was none.
        standings: by the names of the organizations.
        names: of all organizations of the archive.
    """

    run: LastRun
    standings: tuple[Standing, ...]
    names: Names

    @property
    def entries(self) -> int:
        """How many entries are held of all these organizations."""
        return sum(one.entries for one in self.standings)

    @property
    def since(self) -> int:
        """Unix ms of the earliest time since when everything is to be held; 0 if nobody said."""
        return earliest(*(one.since for one in self.standings))


def status_of(store: Store, wanted: Sequence[str], now: int) -> Status:
    """Return where an archive stands, or the organizations `wanted` of it (names or ids).

    Raises:
        UsageError: there is nothing in the archive, or no such organization.
        ArchiveError: it cannot be read, or a newer version wrote it.
    """
    held, names = organizations_of(store)
    ids = names.ids(wanted) or list(held)
    with readers() as pool:
        found = list(pool.map(lambda one: heads.load(store, one)[0], ids))
    run, _ = last_run.load(store)
    standings = [standing(head, held[head.organization], run, now) for head in found]
    return Status(run, tuple(in_tree_order(standings, held)), names)


def standing(head: Head, known: Known, run: LastRun, now: int) -> Standing:
    """Return where one organization stands."""
    said = run.organizations.get(head.organization)
    fields: Mapping[str, Any] = said if isinstance(said, dict) else {}
    since = earliest(head.since, known.since)
    newest = max((key[0] for key in head.newest_keys()), default=0)
    return Standing(
        head.organization,
        known.name,
        since,
        sum(counted.held for counted in head.days.values()),
        newest or _moment(fields.get("newest_entry")),
        _moment(fields.get("proved_at") or fields.get("verified_at")),
        fields.get("complete") is True,
        tuple(_gaps(head, fields)),
        tuple(_last_days(head, since, now)),
        head.days,
    )


def in_tree_order(standings: Iterable[Standing], known: Mapping[str, Known]) -> list[Standing]:
    """Return the root first, each group below its own; what was collected first comes first."""
    below: dict[str, list[str]] = {}
    for one, said in known.items():
        below.setdefault(said.parent if said.parent in known else "", []).append(one)
    order: dict[str, int] = {}
    coming = below.get("", [])[::-1]
    while coming:
        order[one := coming.pop()] = len(order)
        coming += below.get(one, [])[::-1]
    return sorted(standings, key=lambda one: order.get(one.organization, len(order)))


def _gaps(head: Head, fields: Mapping[str, Any]) -> Iterable[str]:
    for key in ("failures", "not_proved"):
        said = fields.get(key)
        yield from (str(one) for one in (said if isinstance(said, list) else []))
    for start, end in head.unread:
        yield f"what was being read from {day_of(start)} to {day_of(end)} when a run was stopped is not read to its end"
    for day, counted in sorted(head.days.items()):
        if counted.unreadable:
            yield f"{number_of(counted.unreadable, 'entry', 'entries')} of {day} could not be read"
        elif counted.source > counted.held:
            yield f"of {day}, {counted.held:,} entries are held and Anypoint had {counted.source:,}"


def _last_days(head: Head, since: int, now: int) -> Iterable[int | None]:
    today = day_of(now)
    for back in reversed(range(BAR_DAYS)):
        day = today - timedelta(days=back)
        counted = head.days.get(day.isoformat())
        yield counted.held if counted else None if day_start(day) + DAY_MS <= since else 0


def _moment(text: object) -> int:
    try:
        return int(datetime.fromisoformat(str(text)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0


BARS = "▁▂▃▄▅▆▇█"
DIGITS = "12345678"  #: instead, where those cannot be shown


def bar(days: Iterable[int | None], bars: str = BARS) -> str:
    """Return a character a day: as high as the day's entries, a dot for none, a blank before everything began."""
    none = "·" if bars == BARS else "."
    counts = list(days)
    most = max((count or 0 for count in counts), default=0)
    shown = ""
    for count in counts:
        if count is None:
            shown += " "
        else:
            shown += bars[max(0, -(-count * len(bars) // most) - 1)] if count else none
    return shown
