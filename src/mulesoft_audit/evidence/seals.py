"""What the seals of an archive say of its objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from mulesoft_audit.archive import layout
from mulesoft_audit.evidence.day import keys_of
from mulesoft_audit.evidence.finding import Finding, Kind, Remedy
from mulesoft_audit.evidence.inventory import place_of as place_in_archive
from mulesoft_audit.evidence.judge import RESTORE, Wrong, is_given_up
from mulesoft_audit.evidence.quarantine import quarantined
from mulesoft_audit.evidence.seal import sha256
from mulesoft_audit.ledger.keys import SIZE, Keys, unseen

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.evidence.day import Judged, Loaded
    from mulesoft_audit.evidence.signature import PublicKey


@dataclass(frozen=True, slots=True)
class FrozenDay:
    """The newest sealed manifest of a day.

    Attributes:
        path: of the frozen copy.
        digest: hex SHA-256 of it.
        revision: of it; 0 if it cannot be read.
    """

    path: str
    digest: str
    revision: int


@dataclass(slots=True)
class Seals:
    """What the seals of an archive say.

    Attributes:
        digests: hex SHA-256 of each seal's `SHA256SUMS`, in order.
        signed: how many of them hold a signature of the key that they should, as far as a key was given.
        objects: digests of all sealed objects outside `evidence/`, by path.
        keys: digests of the keys of sealed parts, by the part's path, as frozen manifests name them.
        days: the newest frozen manifest by organization and day.
        unfinished: number of a last seal that lacks its list or its signature; 0 if there is none.
        key: the public key of the next seal, as far as a key was given to begin with.
        key_id: id of the key that the next seal is to be signed with, as the last one says; empty if there is none.
        findings: what is wrong with the seals themselves.
    """

    digests: list[str] = field(default_factory=list)
    signed: int = 0
    objects: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    days: dict[tuple[str, str], FrozenDay] = field(default_factory=dict)
    unfinished: int = 0
    key: PublicKey | None = None
    key_id: str = ""
    findings: list[Finding] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _seen_days: set[tuple[str, str]] = field(default_factory=set)

    @property
    def newest(self) -> str:
        """Hex SHA-256 of the newest list; empty if there is none."""
        return self.digests[-1] if self.digests else ""

    def wrong(self, path: str, expected: str, found: str, kind: Kind = Kind.SEAL) -> None:
        """Add a finding about a seal."""
        self.findings.append(Finding(kind, path, expected, found, Remedy.NOTHING, RESTORE))

    # What they say of a day.

    def of_day(self, store: Store, loaded: Loaded, judged: Judged) -> list[Wrong]:
        """Return what a day's objects are that they were not when they were sealed.

        Raises:
            ArchiveError: the archive cannot be read.
        """
        found: list[Wrong] = []
        named = {part.number: part for part in loaded.manifest.parts} if loaded.manifest else {}
        for number, seen in judged.measured.items():
            path = loaded.names.part(number)
            sealed = self.objects.get(path)
            if sealed is None:
                continue
            self._seen.add(path)
            part = named.get(number)
            if part and is_given_up(part) and not seen.there:
                found += self._given_up(store, loaded, number, path)
                continue
            now = seen.sha256 if seen.there else part.sha256 if part else ""
            if now != sealed:
                expected = f"SHA-256 {sealed}, as it was sealed"
                text = f"SHA-256 {now}" if now else "no object"
                found.append(Wrong(Kind.SEAL, path, expected, text, advice=RESTORE, number=number))
        whose = (loaded.objects.organization, loaded.objects.day.isoformat())
        if whose in self.days:
            self._seen_days.add(whose)
            found += _against_frozen(loaded, self.days[whose])
        return found

    def _given_up(self, store: Store, loaded: Loaded, number: int, path: str) -> list[Wrong]:
        """Return that a sealed part was set aside, unless all that it held is proved to be held elsewhere.

        What it held is told by its keys, of which `repair` keeps a copy, and whose digest was sealed with the manifest.
        """
        name, sealed = loaded.names.keys(number), self.keys.get(path, "")
        copy = store.read(quarantined(name, sealed)) if sealed else None
        if copy and sha256(copy.data) == sealed and len(copy.data) % SIZE == 0:
            numbers = loaded.manifest.numbers() if loaded.manifest else set()
            held = [key for other in numbers for key in keys_of(store, loaded, other)]
            lost = len(unseen(list(Keys(copy.data)), held).new)
            if not lost:
                return []
            text = f"it was set aside, and {lost:,} of its entries are not held"
        else:
            text = "it was set aside, and that its entries are held elsewhere cannot be proved"
        return [Wrong(Kind.SEAL, path, "every entry that was sealed", text, advice=RESTORE, number=number)]

    def left(self, store: Store) -> list[Finding]:
        """Return the sealed objects of which nothing was found in the archive.

        Raises:
            ArchiveError: the archive cannot be read.
        """
        found: list[Finding] = []
        for path, digest in sorted(self.objects.items()):
            place = place_in_archive(path)
            if path in self._seen:
                continue
            whose = (place.organization, "", place.day.isoformat()) if place else ("", "", "")
            held = store.read(path) if place and place.kind == "oversize" else None
            if held and sha256(held.data) == digest:
                continue
            text = f"SHA-256 {sha256(held.data)}" if held else "no object, and nothing that knows of it"
            expected = f"SHA-256 {digest}, as it was sealed"
            found.append(Finding(Kind.SEAL, path, expected, text, Remedy.NOTHING, RESTORE, *whose))
        for organization, day in sorted(set(self.days) - self._seen_days):
            path = layout.manifest_name(organization, date.fromisoformat(day))
            expected = f"a manifest of revision {self.days[organization, day].revision} or later, as it was sealed"
            found.append(
                Finding(Kind.SEAL, path, expected, "no object", Remedy.NOTHING, RESTORE, organization, "", day)
            )
        return found


def _against_frozen(loaded: Loaded, frozen: FrozenDay) -> list[Wrong]:
    path, manifest = loaded.names.manifest, loaded.manifest
    if manifest is None or not frozen.revision:
        expected = f"a manifest of revision {frozen.revision} or later, as {frozen.path} is"
        return [] if manifest else [Wrong(Kind.SEAL, path, expected, loaded.damaged or "no object", advice=RESTORE)]
    if manifest.revision < frozen.revision:
        expected = f"revision {frozen.revision} or later, as it was sealed"
        return [Wrong(Kind.ROLLED_BACK, path, expected, f"revision {manifest.revision}", Remedy.MANIFEST)]
    same, next_one = manifest.revision == frozen.revision, manifest.revision == frozen.revision + 1
    if same and loaded.digest != frozen.digest:
        return [Wrong(Kind.SEAL, path, f"what {frozen.path} is", f"SHA-256 {loaded.digest}", advice=RESTORE)]
    if next_one and manifest.previous != frozen.digest:
        expected = f"the revision after {frozen.path}"
        return [Wrong(Kind.SEAL, path, expected, f"one after SHA-256 {manifest.previous}", advice=RESTORE)]
    return []
