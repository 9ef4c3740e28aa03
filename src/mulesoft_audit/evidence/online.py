"""The archive against the source: by one total an organization, day by day, or key by key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import Window, iso
from mulesoft_audit.anypoint.tree import Organization
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start, manifest_name, manifests_of
from mulesoft_audit.collect.period import Kept, Period, due
from mulesoft_audit.collect.pool import workers_for
from mulesoft_audit.collect.rules import middle
from mulesoft_audit.collect.search import sure_total, under_cap
from mulesoft_audit.errors import ArchiveError, AuditError, CredentialsError, Interrupted
from mulesoft_audit.evidence.day import load
from mulesoft_audit.evidence.finding import Finding, Kind, Remedy
from mulesoft_audit.evidence.inventory import objects_of
from mulesoft_audit.evidence.offline import Held
from mulesoft_audit.ledger.days import Days

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.anypoint.pacer import Pacer
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.collect.period import Whose
    from mulesoft_audit.evidence.offline import Result

SINCE_THEN = (
    "run collect, which brings what is missing and notes what Anypoint deleted; if it stays, verify --deep names it"
)


@dataclass(slots=True)
class Compared:
    """What was compared of one organization.

    Attributes:
        organization: whose log.
        held: what its manifests say.
        window: from when to when, Unix ms. What came after the last run is not compared.
        expected: entries that the source should count, by the manifests.
        total: entries that it counts; None if it does not say.
        findings: problems and notes.
        failure: why nothing could be compared; None if something was.
    """

    organization: Organization
    held: Held
    window: Window
    expected: int = 0
    total: int | None = None
    findings: list[Finding] = field(default_factory=list)
    failure: AuditError | None = None

    def tell(self, kind: Kind, day: date | None, expected: str, found: str, remedy: Remedy, advice: str = "") -> None:
        """Add a finding of a day, or of the whole."""
        one = self.organization
        path = manifest_name(one.id, day) if day else manifests_of(one.id)
        name = self.held.name or one.name
        self.findings.append(
            Finding(kind, path, expected, found, remedy, advice, one.id, name, day.isoformat() if day else "")
        )

    def as_fields(self) -> dict[str, object]:
        """Return it as an object."""
        start, end = self.window
        fields: dict[str, object] = {"from": iso(start), "to": iso(end), "expected": self.expected, "total": self.total}
        return fields if self.failure is None else {**fields, "failure": self.failure.message}


class Online:
    """One comparison of an archive, already verified against itself, with its source."""

    def __init__(
        self,
        store: Store,
        query: AuditQuery,
        pacer: Pacer,
        whose: Whose,
        result: Result,
        *,
        now: int,
        by_day: bool = False,
        deep: bool = False,
    ) -> None:
        """Prepare to compare.

        Args:
            store: the archive.
            query: the source.
            pacer: the pace that every request keeps.
            whose: whose logs.
            result: what the verification against itself found.
            now: Unix ms.
            by_day: whether each day is compared by itself.
            deep: whether keys are compared after that, so that totals need not prove anything.
        """
        self._query = query
        self._store = store
        self._workers = workers_for(pacer.per_minute)
        self._whose = whose
        self._result = result
        self._kept = Kept.by(whose.retention_days, now)
        self._now = now
        self._by_day = by_day
        self._deep = deep

    def run(self, deeper: Callable[[Compared], None] | None = None) -> list[Compared]:
        """Compare each organization, several at once.

        Args:
            deeper: compares one that was compared by totals further.

        Raises:
            CredentialsError, ArchiveError, Interrupted: it concerns all of them.
        """
        compared = [self._begin(one) for one in self._organizations()]
        with ThreadPool(min(self._workers, len(compared) or 1)) as pool:
            pool.map(lambda one: self._compare(one, deeper), compared, chunksize=1)
        return compared

    def _organizations(self) -> list[Organization]:
        """Return those asked for; if none was named, all of the tree and all that the archive holds."""
        found = {one.id: one for one in self._whose.organizations}
        if not self._whose.named:
            for held in self._result.held.values():
                found.setdefault(held.id, Organization(held.id, held.name))
        return list(found.values())

    def _begin(self, organization: Organization) -> Compared:
        held = self._result.held.get(organization.id) or Held(organization.id, organization.name)
        standing = self._result.standing
        since = standing.since(organization.id)
        all_since = [one for name in self._result.held if (one := standing.since(name))]
        oldest = min((day for day, one in held.counted.items() if one.held), default="")
        oldest_held = day_start(date.fromisoformat(oldest)) if oldest else 0
        until = self._until(held, all_since)
        begin = due(since, oldest_held, Period(), self._kept, self._now, min(all_since, default=oldest_held)).floor
        return Compared(organization, held, Window(min(begin, until), until))

    def _until(self, held: Held, all_since: list[int]) -> int:
        """Return up to when the last run brought everything; what came after that is no finding."""
        proved_at = {name: min(at, self._now) for name, at in self._result.standing.proved_at.items()}
        proved = proved_at.get(held.id, 0)
        if proved or held.newest:
            return max(proved, held.newest + 1)
        others = proved_at.values()  # of one that the archive does not know
        return max([*others, *all_since], default=self._now)

    def _compare(self, one: Compared, deeper: Callable[[Compared], None] | None) -> None:
        try:
            self._tell_beyond(one)
            if one.window.start < one.window.end:
                self._by_totals(one)
                if deeper:
                    deeper(one)
        except (CredentialsError, ArchiveError, Interrupted):
            raise
        except AuditError as error:
            one.failure = error

    def _tell_beyond(self, one: Compared) -> None:
        """Say what is held of time that the source keeps no more, or may drop at any moment."""
        first = day_of(one.window.start).isoformat()
        older = [counted.held for day, counted in one.held.counted.items() if day < first and counted.held]
        if older:
            text = f"{sum(older):,} entries of {len(older):,} days before {first}, not compared"
            one.tell(Kind.BEYOND_RETENTION, None, "to be compared", text, Remedy.NOTHING)

    # By totals.

    def _by_totals(self, one: Compared) -> None:
        days = Days(self._store, one.organization.id, one.held.counted)
        head = self._result.standing.heads.get(one.organization.id)
        worth = head.totals if head else 0
        one.expected = days.source(one.window.start)
        if worth < 0:
            self._unproved(one, None, "Anypoint's totals count nothing")
        elif worth > 0:
            self._under_cap(one, days, worth)
        else:
            self._below(one, days, one.window, 0)

    def _under_cap(self, one: Compared, days: Days, cap: int) -> None:
        """Compare stretch by stretch, each of fewer entries than totals can tell."""
        for stretch in under_cap(days, one.window.start, day_start(day_of(one.window.end)) + DAY_MS, cap):
            expected = days.source(*stretch)
            if expected < cap:
                self._below(one, days, Window(stretch.start, min(stretch.end, one.window.end)), cap)
            else:
                text = f"{expected:,} entries, more than the {cap:,} at which Anypoint's totals stop"
                self._unproved(one, day_of(stretch.start), text)

    def _unproved(self, one: Compared, day: date | None, why: str) -> None:
        """Tell that totals prove nothing; unless keys are compared, which prove more."""
        if not self._deep:
            one.tell(Kind.NOT_PROVED, day, "a total that counts", why, Remedy.NOTHING, "verify --deep")

    def _below(self, one: Compared, days: Days, window: Window, cap: int) -> None:
        """Compare a stretch as a whole; if it differs, or that is asked for, find out which days do."""
        expected = days.source(window.start, _day_end(window.end))
        total = self._query.total(one.organization, window)
        if total is None:
            self._unproved(one, None, "Anypoint gives no total")
            return
        if total != expected:
            total = sure_total(self._query, one.organization, window)
        if total is not None and total < expected and not self._kept.floor:
            window = self._still_kept(one, window)
            expected = days.source(window.start, _day_end(window.end))
            total = sure_total(self._query, one.organization, window)
        one.total = (one.total or 0) + (total or 0)
        if total != expected or self._by_day:
            self._days(one, days, window, total, cap)

    def _still_kept(self, one: Compared, window: Window) -> Window:
        """Return the window without what the source has dropped, where nobody says for how long it keeps entries."""
        oldest = self._query.page(one.organization, window, limit=1).entries
        if not oldest:
            return window
        low, high = window.start, window.end  # the first entry lies between them
        while high - low > DAY_MS:
            border = middle(low, high)
            earlier = self._query.total(one.organization, Window(low, border))
            low, high = (low, border) if earlier else (border, high)
        start = min(day_start(day_of(low)) + DAY_MS, day_start(day_of(window.end - 1)))
        if start <= window.start + DAY_MS:
            return window
        one.window = Window(start, one.window.end)
        one.expected -= Days(self._store, one.organization.id, one.held.counted).source(window.start, start)
        self._tell_beyond(one)
        return one.window

    def _days(self, one: Compared, days: Days, window: Window, total: int | None, cap: int) -> None:
        """Find the days whose counts differ, by halves; or compare every day."""
        left: list[tuple[Window, int | None]] = [(window, total)]
        while left:
            part, counted = left.pop()
            expected = days.source(part.start, _day_end(part.end))
            if counted is None:
                counted = self._query.total(one.organization, part)
            if counted == expected and not self._by_day:
                continue
            if part.end - part.start <= DAY_MS and day_of(part.start) == day_of(part.end - 1):
                if counted != expected:
                    self._differs(one, day_of(part.start), expected, counted)
                continue
            border = middle(part.start, part.end)
            earlier = self._query.total(one.organization, Window(part.start, border))
            capped = bool(cap) and (counted or cap) >= cap
            later = None if counted is None or earlier is None or capped else counted - earlier
            left += [(Window(border, part.end), later), (Window(part.start, border), earlier)]

    def _differs(self, one: Compared, day: date, expected: int, total: int | None) -> None:
        """Tell that a day differs; unless it is said already, or a run wrote it meanwhile."""
        path = manifest_name(one.organization.id, day)
        if any(finding.kind is Kind.MISSING and finding.path == path for finding in self._result.problems):
            return
        fresh = load(self._store, objects_of(self._store, one.organization.id, day)).counted()
        if fresh is not None and fresh != one.held.counted.get(day.isoformat()):
            one.held.counted[day.isoformat()] = fresh
            window = Window(day_start(day), min(day_start(day) + DAY_MS, one.window.end))
            expected, total = fresh.source, self._query.total(one.organization, window)
            if total == expected:
                return
        counted = "no total" if total is None else f"{total:,} entries"
        there = day.isoformat() in one.held.counted
        if (total or 0) > expected:
            kind = Kind.DIFFERS if there else Kind.MISSING
            found = f"{expected:,}, {(total or 0) - expected:,} fewer" if there else "no object"
            one.tell(kind, day, f"{counted}, as Anypoint counts", found, Remedy.FETCH)
        else:
            found = f"{expected:,} that Anypoint had, {expected - (total or 0):,} more"
            one.tell(Kind.DIFFERS, day, f"{counted}, as Anypoint counts", found, Remedy.NOTHING, SINCE_THEN)


def _day_end(moment: int) -> int:
    """Return the 00:00 UTC at or after a time, Unix ms."""
    return -(-moment // DAY_MS) * DAY_MS
