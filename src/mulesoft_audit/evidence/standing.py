"""What registry and heads say of an archive, and whether they say it soundly."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.anypoint.tree import ID
from mulesoft_audit.archive import layout
from mulesoft_audit.collect import last_run
from mulesoft_audit.evidence.finding import Finding, Kind, Remedy
from mulesoft_audit.ledger import head as heads
from mulesoft_audit.ledger.manifest import FORMAT, Damaged, decode_document
from mulesoft_audit.ledger.registry import Known, Registry
from mulesoft_audit.times import earliest

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.ledger.head import Counted, Head


class _Format(msgspec.Struct):
    format: int = 0


@dataclass(slots=True)
class Standing:
    """Where organizations stand, as registry and heads say.

    Attributes:
        registry: whose archive it is; None if it is missing or damaged.
        heads: by organization; None for one that is damaged.
        wrong: what is wrong with the registry.
        first_format: whether a head of the first format is there: such an archive has no registry.
        proved_at: by organization, Unix ms at which the last run proved everything; as that run wrote.
    """

    registry: Registry | None = None
    heads: dict[str, Head | None] = field(default_factory=dict)
    wrong: list[Finding] = field(default_factory=list)
    first_format: bool = False
    proved_at: dict[str, int] = field(default_factory=dict)
    _said: dict[str, int] = field(default_factory=dict)
    _damaged: dict[str, str] = field(default_factory=dict)

    @property
    def known(self) -> dict[str, Known]:
        """The organizations of the registry whose ids can be some."""
        found = self.registry.organizations if self.registry else {}
        return {name: one for name, one in found.items() if ID.fullmatch(name)}

    @property
    def repeats(self) -> bool:
        """Whether a log of this archive repeats others."""
        return any(head is not None and (head.rolls_up or head.below) for head in self.heads.values())

    def name(self, organization: str) -> str:
        """Return what an organization was last called; empty if that is unknown."""
        known = self.known.get(organization)
        return known.name if known else ""

    def since(self, organization: str) -> int:
        """Return since when everything is to be held, by whatever says so; Unix ms, 0 if nothing does."""
        head, known = self.heads.get(organization), self.known.get(organization)
        said = self._said.get(organization, 0)
        return earliest(head.since if head else 0, known.since if known else 0, said)

    def say(self, organization: str, since: int) -> None:
        """Note since when everything is to be held by a manifest."""
        self._said[organization] = earliest(since, self._said.get(organization, 0))

    def counted(self, organization: str, day: date) -> Counted | None:
        """Return what the head says of a day; None if it says nothing."""
        head = self.heads.get(organization)
        return head.days.get(day.isoformat()) if head else None

    def relatives(self, organization: str) -> list[str]:
        """Return the organizations whose logs this one repeats, or that repeat this one's."""
        own = self.heads.get(organization)
        above = [name for name, head in self.heads.items() if head and head.rolls_up and organization in head.below]
        return [*above, *(own.below if own and own.rolls_up else [])]

    def head_days(self, organization: str) -> list[str]:
        """Return the days that the head counts and that can be some."""
        head = self.heads.get(organization)
        return sorted(day for day in head.days if _is_day(day)) if head else []

    def read_registry(self, store: Store) -> bool:
        """Read whose archive it is; return whether anything says so.

        Raises:
            ArchiveError: the archive cannot be read, or a newer version wrote it.
        """
        held = store.read(layout.ORGANIZATIONS)
        if held:
            try:
                self.registry = decode_document(held.data, layout.ORGANIZATIONS, Registry)
            except Damaged as error:
                cause = str(error.__cause__ or error.message)
                self.wrong.append(_of_registry(Kind.DAMAGED, cause))
        return held is not None

    def read_head(self, store: Store, organization: str) -> None:
        """Read an organization's head.

        Raises:
            ArchiveError: the archive cannot be read, or a newer version wrote it.
        """
        name = layout.head_name(organization)
        held = store.read(name)
        if held is None:
            return
        try:
            if decode_document(held.data, name, _Format).format < FORMAT:
                self.first_format = True
                self.heads[organization] = heads.load(store, organization)[0]
            else:
                self.heads[organization] = decode_document(held.data, name, heads.Head)
        except Damaged as error:
            self.heads[organization] = None
            self._damaged[organization] = str(error.__cause__ or error.message)

    def of_organization(self, organization: str, first: str) -> list[Finding]:
        """Return what is wrong with an organization's head, and with its place in the registry.

        Args:
            organization: id.
            first: the first day of which anything is held (YYYY-MM-DD); empty if nothing is.
        """
        found: list[Finding] = []
        path, name = layout.head_name(organization), self.name(organization)

        def tell(kind: Kind, where: str, expected: str, seen: str) -> None:
            remedy = Remedy.NOTHING if kind is Kind.UNFINISHED else Remedy.RECOUNT
            found.append(Finding(kind, where, expected, seen, remedy, "", organization, name))

        if organization in self._damaged:
            tell(Kind.DAMAGED, path, "a head", self._damaged[organization])
        elif organization not in self.heads and first:
            text = "no object; the next run makes it from the manifests, as runs with --until write none"
            tell(Kind.UNFINISHED, path, "a head", text)
        elif organization not in self.heads:
            tell(Kind.UNFINISHED, path, "a head", "no object; nothing of it was collected yet")
        if self.registry and organization not in self.known:
            text = "objects of an organization that is not in it"
            tell(Kind.GAP, layout.ORGANIZATIONS, f"organization {organization}", text)
        head, known, said = self.heads.get(organization), self.known.get(organization), self._said.get(organization, 0)
        now = earliest(head.since if head else 0, known.since if known else 0)
        earlier = earliest(said, layout.day_start(date.fromisoformat(first)) if first else 0)
        if earlier and now and now > earlier:
            where = layout.ORGANIZATIONS if known and known.since else path
            text = f"everything since {_time(now)[:10]}: the promise was shortened"
            tell(Kind.ROLLED_BACK, where, f"everything since {_time(earlier)[:10]}, as manifests say", text)
        for start, end in head.unread if head else ():
            text = f"a run was stopped while it read {_time(start)} to {_time(end)}"
            tell(Kind.UNFINISHED, path, "all of it", text)
        return found


def read_standing(store: Store) -> Standing:
    """Return what the registry and the heads say.

    Raises:
        ArchiveError: the archive cannot be read, or a newer version wrote it.
    """
    standing = Standing()
    there = standing.read_registry(store)
    standing.proved_at = _proved(store)
    names = list(standing.known) or _listed(store)
    for organization in names:
        standing.read_head(store, organization)
    if not there and names and not standing.first_format:
        standing.wrong.append(_of_registry(Kind.MISSING, "no object"))
    return standing


def _proved(store: Store) -> dict[str, int]:
    """Return when the last run proved each organization, Unix ms."""
    found: dict[str, int] = {}
    for name, one in last_run.load(store)[0].organizations.items():
        try:
            text = str(one.get("verified_at", "")) if isinstance(one, dict) else ""
            found[name] = round(datetime.fromisoformat(text).timestamp() * 1000)
        except (ValueError, OverflowError):
            continue
    return found


def _of_registry(kind: Kind, found: str) -> Finding:
    return Finding(kind, layout.ORGANIZATIONS, "whose archive it is", found, Remedy.RECOUNT)


def _listed(store: Store) -> list[str]:
    """Return the organizations of an archive without a registry, by a listing of everything under `state/`."""
    found = (item.name.split("/")[1] for item in store.list(layout.STATE))
    return [name for name in dict.fromkeys(found) if ID.fullmatch(name) and name not in layout.NOT_ORGANIZATIONS]


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _time(milliseconds: int) -> str:
    return iso(milliseconds) if 0 <= milliseconds < 1 << 47 else str(milliseconds)
