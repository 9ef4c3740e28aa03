"""One day of an archive: read, measured and judged."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from isal import isal_zlib

from mulesoft_audit.archive.layout import DayNames
from mulesoft_audit.archive.part import read_lines
from mulesoft_audit.archive.store import LARGEST
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.evidence import judge
from mulesoft_audit.evidence.finding import Kind, Remedy
from mulesoft_audit.evidence.judge import Sums, Wrong
from mulesoft_audit.evidence.measure import by_hour
from mulesoft_audit.ledger import manifest as manifests
from mulesoft_audit.ledger.head import Counted
from mulesoft_audit.ledger.keys import RECORD, SIZE, Key, Keys, unseen
from mulesoft_audit.ledger.manifest import Damaged

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Listed, Store
    from mulesoft_audit.evidence.inventory import DayObjects
    from mulesoft_audit.evidence.measure import Measured
    from mulesoft_audit.evidence.workers import Measuring
    from mulesoft_audit.ledger.manifest import Manifest, Oversize


@dataclass(frozen=True, slots=True)
class Asked:
    """How a day is to be looked at.

    Attributes:
        deep: whether to make the keys of every line again.
        require_parts: whether a part that is gone is missing, though its keys are there.
        repeats: whether logs of this archive repeat each other.
    """

    deep: bool = False
    require_parts: bool = False
    repeats: bool = False


@dataclass(slots=True)
class Loaded:
    """A day with its manifest.

    Attributes:
        objects: what is listed of it.
        manifest: None if there is none, or none that can be read.
        generation: of the manifest; 0 if there is none.
        digest: hex SHA-256 of the manifest's object; empty if there is none.
        damaged: why the manifest cannot be read.
        data: the manifest's bytes.
    """

    objects: DayObjects
    manifest: Manifest | None = None
    generation: int = 0
    digest: str = ""
    damaged: str = ""
    data: bytes = b""

    @property
    def names(self) -> DayNames:
        """The names of its objects."""
        return DayNames(self.objects.organization, self.objects.day)

    def numbers(self) -> list[int]:
        """Return the numbers of all parts that anything names."""
        known = self.manifest.numbers() if self.manifest else set()
        return sorted(known | set(self.objects.parts) | set(self.objects.keys))

    def counted(self) -> Counted | None:
        """Return what the manifest counts, as a head keeps it; None if there is none."""
        if self.manifest is None:
            return None
        one = self.manifest
        source = one.held if one.source is None else one.source
        return Counted(one.revision, self.generation, one.held, source, len(one.unreadable))


@dataclass(slots=True)
class Judged:
    """What is the matter with a day.

    Attributes:
        wrong: what was found.
        entries: how many are held, by the manifest.
        parts: how many are there.
        measured: each part, by number.
    """

    wrong: list[Wrong] = field(default_factory=list)
    entries: int = 0
    parts: int = 0
    measured: dict[int, Measured] = field(default_factory=dict)


def load(store: Store, objects: DayObjects) -> Loaded:
    """Return a day with its manifest.

    Raises:
        ArchiveError: the archive cannot be read, or a newer version wrote the manifest.
    """
    name = DayNames(objects.organization, objects.day).manifest
    held = store.read(name) if objects.manifest else None
    if held is None:
        return Loaded(objects)
    digest = hashlib.sha256(held.data).hexdigest()
    try:
        return Loaded(objects, manifests.decode(held.data, name), held.generation, digest, data=held.data)
    except Damaged as error:
        return Loaded(objects, None, held.generation, digest, str(error.__cause__ or error.message))


def look(store: Store, loaded: Loaded, number: int, measuring: Measuring, *, deep: bool) -> Measured:
    """Read a part and its keys, and measure them.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    objects, names = loaded.objects, loaded.names
    part = _bytes(store, names.part(number), objects.parts.get(number))
    keys = _bytes(store, names.keys(number), objects.keys.get(number))
    return measuring(part, keys, objects.start, deep=deep)


def _bytes(store: Store, name: str, listed: Listed | None) -> bytes | None:
    """Return an object's bytes; none of one that is too large to be read. None if there is no object."""
    if listed is None or listed.size > LARGEST:
        return None if listed is None else b""
    held = store.read(name)
    return held.data if held else None


def conclude(store: Store, loaded: Loaded, measured: dict[int, Measured], asked: Asked) -> Judged:
    """Return what is the matter with a day, once its parts are measured.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    manifest, names = loaded.manifest, loaded.names
    found = Judged(entries=manifest.held if manifest else 0, parts=len(loaded.objects.parts), measured=measured)
    if loaded.damaged:
        found.wrong.append(Wrong(Kind.DAMAGED, names.manifest, "a manifest", loaded.damaged, Remedy.MANIFEST))
    known = {part.number: part for part in manifest.parts} if manifest else {}
    sums = Sums()
    for number, seen in measured.items():
        if number in known:
            found.wrong += judge.known_part(names, known[number], seen, require_parts=asked.require_parts)
            sums.add(seen.hours, sound=seen.keys == known[number].keys_sha256)
        else:
            all_new = seen.there and _all_new(store, loaded, number)
            first = manifest is not None and manifest.format < manifests.FORMAT
            found.wrong.append(judge.unknown_part(names, number, seen, all_new=all_new, first_format=first))
    found.wrong += _oversize(store, loaded, sums)
    if manifest:
        found.wrong += judge.whole_manifest(names, manifest, sums, repeats=asked.repeats)
    if loaded.damaged:
        found.wrong = [one for one in found.wrong if one.kind is not Kind.UNFINISHED]
    return found


def _all_new(store: Store, loaded: Loaded, number: int) -> bool:
    """Return whether no other part holds an entry that a part's keys name, as far as keys can be read."""
    own = keys_of(store, loaded, number)
    if not own or not loaded.manifest:
        return True
    held: list[Key] = [RECORD.unpack(item.key) for item in loaded.manifest.oversize if len(item.key) == SIZE]
    for part in loaded.manifest.parts:
        held += keys_of(store, loaded, part.number)
    return len(unseen(own, held).new) == len(own)


def keys_of(store: Store, loaded: Loaded, number: int) -> list[Key]:
    """Return the keys that lie beside a part; none if there are none, or they are cut.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    held = store.read(loaded.names.keys(number)) if number in loaded.objects.keys else None
    return list(Keys(held.data)) if held and len(held.data) % SIZE == 0 else []


def _oversize(store: Store, loaded: Loaded, sums: Sums) -> list[Wrong]:
    """Return what is the matter with the entries that are kept beside the feed."""
    found: list[Wrong] = []
    known = loaded.manifest.oversize if loaded.manifest else []
    for item in known:
        if len(item.key) == SIZE:
            sums.add(by_hour([RECORD.unpack(item.key)[0]]), sound=True)
        wrong = _oversize_entry(store, item)
        found += [wrong] if wrong else []
    names = {item.name for item in known}
    for name in loaded.objects.oversize:
        if name not in names:
            line = _line(store, name)
            if isinstance(line, bytes) and hashlib.sha256(line).hexdigest() in name:
                text = "an entry that its name describes"
                found.append(Wrong(Kind.UNFINISHED, name, "an entry in the manifest", text))
            else:
                found.append(Wrong(Kind.UNKNOWN, name, "no such object", "not what its name says", Remedy.SET_ASIDE))
    return found


def _oversize_entry(store: Store, item: Oversize) -> Wrong | None:
    expected = f"an entry of {item.size:,} bytes with the SHA-256 in the object's name"
    line = _line(store, item.name)
    if line is None:
        return Wrong(Kind.MISSING, item.name, expected, "no object", Remedy.FETCH)
    if isinstance(line, str):
        return Wrong(Kind.DAMAGED, item.name, expected, line, Remedy.SET_ASIDE)
    key = RECORD.unpack(item.key) if len(item.key) == SIZE else (0, b"", -1)
    digest = hashlib.sha256(line).hexdigest()
    if digest not in item.name or len(line) != item.size or isal_zlib.crc32(line) != key[2]:
        return Wrong(Kind.ALTERED, item.name, expected, f"{len(line):,} bytes, SHA-256 {digest}", Remedy.SET_ASIDE)
    return None


def _line(store: Store, name: str) -> bytes | str | None:
    """Return the one line of an object; why there is none, if it is damaged; None if there is no object."""
    held = store.read(name)
    if held is None:
        return None
    found: list[bytes] = []
    try:
        for line in read_lines(held.data, name):
            if found:
                return "more than one line"
            found.append(line)
    except ArchiveError as error:
        return error.message
    return found[0] if found else "no line"
