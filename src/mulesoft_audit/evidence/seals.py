"""All seals of an archive: their chain, their signatures, and what they say of the archive's objects."""

from __future__ import annotations

from base64 import b64decode
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit.archive import layout
from mulesoft_audit.evidence.day import keys_of
from mulesoft_audit.evidence.finding import Finding, Kind, Remedy
from mulesoft_audit.evidence.inventory import place_of as place_in_archive
from mulesoft_audit.evidence.judge import RESTORE, Wrong, is_given_up
from mulesoft_audit.evidence.quarantine import quarantined
from mulesoft_audit.evidence.seal import EVIDENCE, FORMAT, Seal, folder, frozen_day, place_of, read_sums, sha256
from mulesoft_audit.ledger.keys import SIZE, Keys, unseen
from mulesoft_audit.ledger.manifest import Damaged, decode

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.evidence.day import Judged, Loaded
    from mulesoft_audit.evidence.signature import PublicKey

SUMS, SIGNATURE, DOCUMENT, NEXT_KEY = "SHA256SUMS", "SHA256SUMS.sig", "SEAL.json", "next-key.pem"


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
        objects: digests of all sealed objects outside `evidence/`, by path.
        keys: digests of the keys of sealed parts, by the part's path, as frozen manifests name them.
        days: the newest frozen manifest by organization and day.
        unfinished: number of a last seal that lacks its list or its signature; 0 if there is none.
        key: the public key of the next seal, as far as a key was given to begin with.
        key_id: id of the key that the next seal is to be signed with, as the last one says; empty if there is none.
        findings: what is wrong with the seals themselves.
    """

    digests: list[str] = field(default_factory=list)
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


def read_seals(store: Store, key: PublicKey | None = None, newest: str = "") -> Seals:
    """Return what the seals say, and what is wrong with them.

    Args:
        store: the archive.
        key: the public key of the first seal; None to check all but signatures.
        newest: hex SHA-256 of a list that was the newest once, kept elsewhere; empty if there is none.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    seals = Seals(key=key)
    files: dict[int, set[str]] = defaultdict(set)
    for item in store.list(EVIDENCE):
        place = place_of(item.name)
        if place:
            files[place.number].add(place.file)
        else:
            seals.findings.append(_stranger(item.name))
    last, before = max(files, default=0), 0
    for number, there in sorted(files.items()):
        if number > before + 1:
            seals.wrong(folder(before + 1) + SUMS, "a seal of each number", "no object")
        before = number
        if number == last and not {SUMS, SIGNATURE} <= there:
            seals.unfinished = number
            text = "a sealer was stopped here; the next one finishes it"
            note = Finding(Kind.UNFINISHED, folder(number), "a list and its signature", text)
            seals.findings.append(note)
        if SUMS in there:
            _Reader(store, seals, number, there).read()
        elif number != last:
            seals.wrong(folder(number) + SUMS, "a list", "no object")
    if key and not seals.digests:
        seals.wrong(EVIDENCE + "seals/", "seals", "none")
    if newest and newest not in seals.digests:
        found = f"{len(seals.digests)} seals, none of that digest: it was cut off, or the archive was rolled back"
        seals.wrong(EVIDENCE + "seals/", f"a list with the SHA-256 {newest}", found)
    return seals


def _stranger(name: str) -> Finding:
    text = "an object of a name that does not belong here"
    return Finding(Kind.MISPLACED, name, "no such name", text, Remedy.NOTHING, "see what it is, and remove it")


class _Reader:
    """One seal being read."""

    def __init__(self, store: Store, seals: Seals, number: int, files: set[str]) -> None:
        self._store = store
        self._seals = seals
        self._number = number
        self._files = files
        self._folder = folder(number)

    def read(self) -> None:
        """Add what the seal says, and what is wrong with it."""
        seals = self._seals
        held = self._store.read(self._folder + SUMS)
        data = held.data if held else b""
        before = seals.newest
        seals.digests.append(sha256(data))
        if seals.key and SIGNATURE in self._files and not self._signed(data, seals.key):
            found = "a signature of another key, or over another list"
            seals.wrong(self._folder + SIGNATURE, f"a signature of the key {seals.key.id}", found)
        elif SIGNATURE not in self._files and seals.unfinished != self._number:
            seals.wrong(self._folder + SIGNATURE, "a signature", "no object")
        listed = read_sums(data)
        if listed is None:
            seals.wrong(self._folder + SUMS, "lines of sha256sum", "something else")
            return
        previous = {name: digest for name, digest in listed.items() if name.endswith("/" + SUMS)}
        expected = {folder(self._number - 1) + SUMS: before} if self._number > 1 else {}
        if previous != expected:
            text = "another list before it: seals are missing, changed or out of order"
            seals.wrong(self._folder + SUMS, f"a line for the list before it, SHA-256 {before}", text)
        own = {name: digest for name, digest in listed.items() if name.startswith(self._folder)}
        for name in [self._folder + DOCUMENT, *sorted(own)]:
            self._own(name, own.get(name, ""))
        for name, digest in listed.items():
            if not name.startswith(EVIDENCE):
                seals.objects[name] = digest

    def _signed(self, data: bytes, key: PublicKey) -> bool:
        signature = self._store.read(self._folder + SIGNATURE)
        return signature is not None and key.signed(data, signature.data)

    def _own(self, name: str, digest: str) -> None:
        """Read a file of the seal itself."""
        held = self._store.read(name)
        if held is None or sha256(held.data) != digest:
            found = f"SHA-256 {sha256(held.data)}" if held else "no object"
            self._seals.wrong(name, f"SHA-256 {digest}" if digest else "a line in the list", found)
        elif name == self._folder + DOCUMENT:
            self._document(held.data)
        elif name == self._folder + NEXT_KEY:
            self._rotate(name, held.data)
        elif whose := frozen_day(name):
            self._freeze(whose, FrozenDay(name, digest, 0), held.data)

    def _document(self, data: bytes) -> None:
        path = self._folder + DOCUMENT
        try:
            seal = msgspec.json.decode(data, type=Seal)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._seals.wrong(path, "a seal", str(error))
            return
        if (seal.number, seal.format) != (self._number, FORMAT):
            found = f"number {seal.number}, format {seal.format}"
            self._seals.wrong(path, f"number {self._number}, format {FORMAT}", found)
        self._seals.key_id = seal.key

    def _rotate(self, name: str, pem: bytes) -> None:
        """Check all later seals with the key that this one names."""
        self._seals.key_id = _id_of(pem)
        if self._seals.key is None:
            return
        from mulesoft_audit.evidence.signature import public_key

        key = public_key(pem)
        if key is None:
            self._seals.wrong(name, "a public key on the curve P-256", "something else")
        else:
            self._seals.key = key

    def _freeze(self, whose: tuple[str, str], frozen: FrozenDay, data: bytes) -> None:
        """Take note of a frozen manifest."""
        try:
            manifest = decode(data, frozen.path)
        except Damaged:
            self._seals.days[whose] = frozen
            return
        self._seals.days[whose] = FrozenDay(frozen.path, frozen.digest, manifest.revision)
        for part in manifest.parts:
            if part.entries:
                path = layout.part_name(whose[0], date.fromisoformat(whose[1]), part.number)
                self._seals.keys.setdefault(path, part.keys_sha256)


def _id_of(pem: bytes) -> str:
    """Return the id of a public key in PEM, without looking whether it is one."""
    body = b"".join(line for line in pem.splitlines() if not line.startswith(b"-"))
    with suppress(ValueError):
        return sha256(b64decode(body, validate=True))
    return ""
