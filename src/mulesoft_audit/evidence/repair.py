"""Repairing what a verification found, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.tree import Organization
from mulesoft_audit.archive import layout
from mulesoft_audit.errors import ArchiveError, AuditError, CredentialsError, Interrupted
from mulesoft_audit.evidence.day import Asked
from mulesoft_audit.evidence.fetch_again import fetch_again
from mulesoft_audit.evidence.finding import Finding, Kind, Remedy
from mulesoft_audit.evidence.quarantine import set_aside
from mulesoft_audit.evidence.repair_day import DayRepair
from mulesoft_audit.ledger import head as heads
from mulesoft_audit.ledger import registry as registries
from mulesoft_audit.ledger.commit import commit
from mulesoft_audit.ledger.day import Day
from mulesoft_audit.ledger.days import Days
from mulesoft_audit.ledger.registry import Known, Registry
from mulesoft_audit.times import earliest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.evidence.repair_day import Repaired
    from mulesoft_audit.evidence.verification import Verification

SOURCE = (Remedy.SET_ASIDE, Remedy.FETCH)  #: what needs the source to end well


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done about an object, before it is done.

    Attributes:
        finding: what it is about.
        text: what is to be done; why nothing can be done, where `possible` is false.
        possible: whether it can be repaired.
    """

    finding: Finding
    text: str
    possible: bool = True


@dataclass(slots=True)
class Done:
    """What was done.

    Attributes:
        texts: in words, in order.
        failures: what could not be.
    """

    texts: list[str] = field(default_factory=list)
    failures: list[AuditError] = field(default_factory=list)


class Repair:
    """What was found, and repairing it."""

    def __init__(
        self,
        store: Store,
        found: Verification,
        *,
        require_parts: bool = False,
        query: AuditQuery | None = None,
        root: str = "",
        now: int = 0,
    ) -> None:
        """Prepare to repair.

        Args:
            store: the archive.
            found: what a verification just found.
            require_parts: whether parts that are gone are to be fetched again.
            query: the source; None to leave it alone.
            root: id of the root organization; empty if it is not known.
            now: Unix ms.
        """
        self._store = store
        self._found = found
        self._standing = found.result.standing
        self._require_parts = require_parts
        self._query = query
        self._root = root
        self._now = now
        self._names = {one.organization.id: one.organization for one in found.compared or []}

    def plan(self) -> list[Step]:
        """Return what is to be done about each problem."""
        return [self._step(one) for one in self._found.problems]

    def _step(self, finding: Finding) -> Step:
        if not finding.remedy:
            return Step(finding, finding.repair or "a person has to look at it", possible=False)
        if self._doubtful(finding):
            return Step(finding, str(Remedy.SET_ASIDE))
        if finding.remedy not in SOURCE or not finding.day or self._fetchable(finding.organization, finding.day):
            return Step(finding, finding.action)
        why = "the source keeps that day no more" if self._query else "the source is not asked (--offline)"
        if finding.kind is Kind.MISSING or finding.remedy is Remedy.FETCH:
            return Step(finding, f"cannot be repaired: {why}", possible=False)
        text = f"move it to state/quarantine/ and keep of it what its keys vouch for; the rest is lost: {why}"
        return Step(finding, text if finding.kind is not Kind.UNKNOWN else "move it to state/quarantine/")

    def _not_trusted(self, finding: Finding) -> bool:
        return finding.kind is Kind.UNKNOWN or self._doubtful(finding)

    def _doubtful(self, finding: Finding) -> bool:
        """Return whether only its keys vouch for a part of other bytes, and the source can be asked instead.

        Keys recognize entries. They are no proof: names are not in them, and a checksum can be made to fit.
        """
        if not (finding.kind is Kind.ALTERED and finding.number and finding.remedy is Remedy.MANIFEST):
            return False
        as_sealed = finding.path in self._found.news.seals.objects and not any(
            one.kind is Kind.SEAL and one.path == finding.path for one in self._found.problems
        )
        return not as_sealed and self._fetchable(finding.organization, finding.day)

    def _fetchable(self, organization: str, day: str) -> bool:
        for one in self._found.compared or []:
            if one.organization.id == organization and one.failure is None:
                return layout.day_start(date.fromisoformat(day)) >= one.window.start
        return False

    def run(self, told: Callable[[str], None] = lambda _: None) -> Done:
        """Repair, a day after the other; a source that refuses one day keeps no other from being repaired.

        Args:
            told: called with what was done, as it is done.

        Raises:
            ArchiveError: the archive cannot be written.
            CredentialsError, Interrupted: Anypoint refuses who we are; it is time to stop.
        """
        done = Done()
        findings = [step.finding for step in self.plan() if step.possible]

        def tell(texts: Iterable[str]) -> None:
            for text in texts:
                done.texts.append(text)
                told(text)

        tell(self._registry(findings))
        tell(self._strangers(findings))
        days: dict[tuple[str, str], list[Finding]] = defaultdict(list)
        for one in findings:
            if one.day:
                days[one.organization, one.day].append(one)
        for (organization, day), of_day in sorted(days.items()):
            try:
                tell(self._day(organization, date.fromisoformat(day), of_day))
            except (CredentialsError, ArchiveError, Interrupted):
                raise
            except AuditError as error:
                done.failures.append(error)
        for organization in sorted({one.organization for one in findings if one.organization}):
            tell(self._head(organization))
        return done

    def _strangers(self, findings: Iterable[Finding]) -> list[str]:
        """Move what does not belong under the feed's prefix out of it."""
        names = [one.path for one in findings if one.kind is Kind.MISPLACED]
        copies = [(name, set_aside(self._store, name, remove=True)) for name in names]
        return [f"moved {name} to {copy}" for name, copy in copies if copy]

    # A day.

    def _day(self, organization: str, day: date, findings: list[Finding]) -> list[str]:
        fetchable = self._fetchable(organization, day.isoformat())
        since = self._standing.since(organization)
        asked = Asked(False, self._require_parts, self._standing.repeats)
        forged = frozenset(one.number for one in findings if one.number and self._not_trusted(one))
        repair = DayRepair(self._store, organization, day, asked=asked, since=since, seals=self._found.news.seals)
        known = self._standing.counted(organization, day)
        rewrite = any(one.remedy is Remedy.MANIFEST for one in findings)
        done = repair.run(known, forged, fetchable=fetchable, manifest=rewrite)
        if done.salvaged:
            done.done.append(self._salvage(organization, day, done))
        if fetchable and (done.fetch or any(one.remedy in SOURCE for one in findings)):
            done.done.append(self._fetch(organization, day, since))
        return [f"{organization} on {day}: {text}" for text in done.done]

    def _salvage(self, organization: str, day: date, done: Repaired) -> str:
        held = Day(self._store, organization, day)
        written = sum(commit(held, batch).written for batch in done.salvaged)
        return f"kept {written:,} entries of what was set aside, as its keys vouch for them"

    def _fetch(self, organization: str, day: date, since: int) -> str:
        assert self._query is not None  # noqa: S101 - nothing is fetchable without a source
        whose = self._names.get(organization, Organization(organization))
        relatives = self._standing.relatives(organization)
        new = fetch_again(self._store, self._query, whose, day, now=self._now, since=since, relatives=relatives)
        return f"fetched {new:,} entries again"

    # Registry and heads.

    def _registry(self, findings: Iterable[Finding]) -> list[str]:
        """Write the registry again where it is missing or damaged, or lacks an organization."""
        wrong = [one for one in findings if one.path == layout.ORGANIZATIONS]
        if not wrong:
            return []
        held = self._store.read(layout.ORGANIZATIONS)
        registry = self._standing.registry
        if registry is None and held:
            set_aside(self._store, layout.ORGANIZATIONS, remove=False)
        found = {name: self._known(name) for name in self._found.result.held}
        generation = held.generation if held else 0
        registries.save(self._store, registry or Registry(), generation, self._root, found)
        return [f"wrote {layout.ORGANIZATIONS} again"]

    def _known(self, organization: str) -> Known:
        since = self._standing.since(organization)
        if organization in self._standing.known:
            known = self._standing.known[organization]
            return Known(known.name, known.parent, known.depth, earliest(since, known.since))
        if one := self._names.get(organization):
            return registries.known(one, since)
        return Known(since=since)

    def _register(self, organization: str, since: int) -> None:
        """Enter an organization that the registry does not know, of which something is held now."""
        whose = self._names.get(organization, Organization(organization))
        registry, generation = registries.load(self._store)
        registries.save(self._store, registry, generation, self._root, {organization: registries.known(whose, since)})

    def _head(self, organization: str) -> list[str]:
        """Make an organization's head say what its manifests say."""
        head, generation = heads.load(self._store, organization)
        before, counted = heads.encode(head), dict(head.days)
        days = Days(self._store, organization, head.days)
        _, said = days.refresh()
        head.days.update({day: one for day, one in counted.items() if day not in head.days})  # lost, and still known
        head.since = earliest(head.since, self._standing.since(organization), said)
        if organization not in self._standing.known:
            self._register(organization, head.since)
        if generation and heads.encode(head) == before:
            return []
        heads.save(self._store, head, generation)
        return [f"wrote {layout.head_name(organization)} again"]
