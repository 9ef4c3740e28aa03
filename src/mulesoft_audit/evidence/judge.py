"""What the objects of a day say of each other: pure functions from what was measured to what is found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.evidence.finding import Finding, Kind, Remedy
from mulesoft_audit.evidence.measure import EMPTY

if TYPE_CHECKING:
    from datetime import date

    from mulesoft_audit.archive.layout import DayNames
    from mulesoft_audit.evidence.measure import Measured
    from mulesoft_audit.ledger.head import Counted
    from mulesoft_audit.ledger.manifest import Manifest, PartEntry

RESTORE = "restore the object from a backup or an older version of it, then verify again"


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is the matter with one object of a day, before it is told of whose day it is."""

    kind: Kind
    path: str
    expected: str
    found: str
    remedy: Remedy = Remedy.NOTHING
    advice: str = ""
    number: int = 0

    def told(self, organization: str, name: str, day: date) -> Finding:
        """Return it with whose day it is."""
        wrong = (self.kind, self.path, self.expected, self.found, self.remedy, self.advice)
        return Finding(*wrong, organization, name, day.isoformat(), self.number)


def is_given_up(part: PartEntry) -> bool:
    """Return whether a part counts for nothing, because what it held was lost or is set aside."""
    return part.entries == 0 and part.keys_sha256 == EMPTY


def known_part(names: DayNames, part: PartEntry, seen: Measured, *, require_parts: bool) -> list[Wrong]:
    """Return what is the matter with a part that the manifest names, and with its keys."""
    keys_hold = seen.keys == part.keys_sha256
    if not seen.there:
        return _without_object(names, part, seen, keys_hold=keys_hold, require_parts=require_parts)
    if is_given_up(part):
        return [_again(names, part)]
    if seen.sha256 != part.sha256:
        return _other_bytes(names, part, seen, keys_hold=keys_hold)
    if not keys_hold or not seen.agree:
        return [_keys(names, part, seen, Remedy.KEYS)]
    return _described(names, part, seen)


def _without_object(
    names: DayNames, part: PartEntry, seen: Measured, *, keys_hold: bool, require_parts: bool
) -> list[Wrong]:
    path, number = names.part(part.number), part.number
    if is_given_up(part):
        text = "its entries count for nothing here; those that the source still had were collected again"
        note = Wrong(Kind.SET_ASIDE, path, "a part", text, number=number)
        return [note] if keys_hold else [note, _keys(names, part, seen, Remedy.KEYS)]
    if not keys_hold:
        missing = Wrong(Kind.MISSING, path, _described_as(part), "no object", Remedy.SET_ASIDE, number=number)
        return [missing, _keys(names, part, seen, Remedy.SET_ASIDE)]
    if require_parts:
        return [Wrong(Kind.MISSING, path, _described_as(part), "no object", Remedy.SET_ASIDE, number=number)]
    text = "no object; its keys are there, as after a feed that deletes what it has read"
    return [Wrong(Kind.TRANSFERRED, path, _described_as(part), text, number=number), *_described(names, part, seen)]


def _again(names: DayNames, part: PartEntry) -> Wrong:
    text = "an object of that name"
    return Wrong(
        Kind.UNKNOWN, names.part(part.number), "no object: it was set aside", text, Remedy.SET_ASIDE, "", part.number
    )


def _other_bytes(names: DayNames, part: PartEntry, seen: Measured, *, keys_hold: bool) -> list[Wrong]:
    path, number = names.part(part.number), part.number
    if seen.damaged:
        return [Wrong(Kind.DAMAGED, path, f"SHA-256 {part.sha256}", seen.damaged, Remedy.SET_ASIDE, number=number)]
    same_entries = (keys_hold and seen.agree) or seen.derived == part.keys_sha256
    remedy = Remedy.MANIFEST if same_entries else Remedy.SET_ASIDE
    found = f"SHA-256 {seen.sha256}, {seen.entries:,} entries"
    found += ", which are those that its keys name" if same_entries else ", not those that its keys name"
    wrong = Wrong(Kind.ALTERED, path, f"SHA-256 {part.sha256}, {part.entries:,} entries", found, remedy, number=number)
    return [wrong] if keys_hold or not same_entries else [wrong, _keys(names, part, seen, Remedy.KEYS)]


def _keys(names: DayNames, part: PartEntry, seen: Measured, remedy: Remedy) -> Wrong:
    path, number = names.keys(part.number), part.number
    expected = f"SHA-256 {part.keys_sha256}, the keys of {part.entries:,} entries"
    if not seen.keys:
        return Wrong(Kind.MISSING, path, expected, "no object", remedy, number=number)
    if seen.keys == part.keys_sha256:
        text = f"what the manifest says, but the part's lines make SHA-256 {seen.derived}"
        return Wrong(Kind.ALTERED, path, "the keys of the part's lines", text, remedy, number=number)
    return Wrong(Kind.ALTERED, path, expected, f"SHA-256 {seen.keys}", remedy, number=number)


def _described(names: DayNames, part: PartEntry, seen: Measured) -> list[Wrong]:
    """Compare what the manifest says of a part beside its digests, which hold."""
    said: dict[str, object] = {"entries": part.entries, "first": part.first, "last": part.last}
    real: dict[str, object] = {"entries": seen.keys_entries, "first": seen.first, "last": seen.last}
    if seen.there:
        said |= {"size": part.size, "inflated": part.inflated}
        real |= {"size": seen.size, "inflated": seen.inflated}
    other = [field for field in said if said[field] != real[field]]
    if not other:
        return []
    expected = ", ".join(f"{field} {real[field]}" for field in other)
    found = ", ".join(f"{field} {said[field]}" for field in other)
    return [_manifest(names, f"part {part.number} with {expected}", found)]


def _described_as(part: PartEntry) -> str:
    return f"{part.size:,} bytes, {part.entries:,} entries, SHA-256 {part.sha256}"


def _manifest(names: DayNames, expected: str, found: str) -> Wrong:
    return Wrong(Kind.ALTERED, names.manifest, expected, found, Remedy.MANIFEST)


def unknown_part(names: DayNames, number: int, seen: Measured, *, all_new: bool, first_format: bool = False) -> Wrong:
    """Return what a part or a claim is that the manifest does not name.

    A run creates the keys of a part, then the part, then enters it in the manifest: whatever it leaves when it is
    killed agrees with that, and none of its entries is held yet.

    Args:
        names: of the day's objects.
        number: of the part.
        seen: what there is.
        all_new: whether the manifest's parts hold none of its entries.
        first_format: whether the archive is of the first format, which wrote the part before its keys.
    """
    path = names.part(number)
    if not seen.there:
        text = "its number is claimed, by keys without a part"
        return Wrong(Kind.UNFINISHED, names.keys(number), "a part, or no keys", text, number=number)
    claimed = seen.agree or (first_format and not seen.keys and not seen.damaged)
    if claimed and all_new:
        text = f"{seen.entries:,} entries, which its keys name and no other part holds"
        return Wrong(Kind.UNFINISHED, path, "an entry in the manifest", text, number=number)
    if seen.damaged:
        found = seen.damaged
    elif not seen.keys:
        found = f"{seen.entries:,} entries, of which nothing in the archive knows"
    elif not seen.agree:
        found = f"{seen.entries:,} entries, not those that its keys name"
    else:
        found = f"{seen.entries:,} entries, some of which other parts hold"
    return Wrong(Kind.UNKNOWN, path, "no such part", found, Remedy.SET_ASIDE, number=number)


@dataclass(slots=True)
class Sums:
    """What the keys of a day's parts add up to.

    Attributes:
        hours: entries by hour.
        sound: whether all keys are those that the manifest names; only then do the sums mean anything.
    """

    hours: list[int] = field(default_factory=lambda: [0] * 24)
    sound: bool = True

    def add(self, hours: list[int], *, sound: bool) -> None:
        """Add a part's keys."""
        self.hours = [a + b for a, b in zip(self.hours, hours or [0] * 24, strict=True)]
        self.sound &= sound


def whole_manifest(names: DayNames, manifest: Manifest, sums: Sums, *, repeats: bool) -> list[Wrong]:
    """Return what of a manifest does not agree with its parts' keys, or says that the day is not held whole.

    Args:
        names: of the day's objects.
        manifest: of the day.
        sums: of its parts' keys and its oversize entries.
        repeats: whether logs of this archive repeat each other: then the source may well have more than is held.
    """
    found: list[Wrong] = []
    if (manifest.organization, manifest.day) != (names.organization, names.day.isoformat()):
        found.append(_manifest(names, "this organization's day", f"{manifest.organization}, {manifest.day}"))
    numbers = [part.number for part in manifest.parts]
    if len(set(numbers)) != len(numbers):
        found.append(_manifest(names, "each part once", "a part is named twice"))
    if manifest.hours and sums.sound and manifest.hours != sums.hours:
        found.append(_manifest(names, f"entries by hour {sums.hours}", f"{manifest.hours}"))
    lacking = manifest.difference - len(manifest.unreadable)
    if lacking > 0 and not repeats:
        text = f"{manifest.held:,}, {lacking:,} fewer"
        expected = f"{manifest.held + manifest.difference:,} entries, as Anypoint had"
        found.append(Wrong(Kind.GAP, names.manifest, expected, text, Remedy.FETCH))
    for one in manifest.unreadable:
        text = f"an entry between millisecond {one.first} and {one.last} of the day that could not be read"
        found.append(Wrong(Kind.GAP, names.manifest, "every entry", f"{text}: {one.reason}", Remedy.FETCH))
    return found


def against_head(names: DayNames, known: Counted, now: Counted | None, *, by_content: bool) -> list[Wrong]:
    """Return how a day's manifest differs from what the head saw of it.

    The head may well be older than the manifest; never newer. A bucket's generations change when it is copied
    elsewhere, so that there only what was counted is compared.

    Args:
        names: of the day's objects.
        known: what the head says.
        now: what the manifest says; None if there is none.
        by_content: whether the store's generations are digests of the content.
    """
    if now is None:
        expected = f"revision {known.revision}, {known.held:,} entries, as the head says"
        return [Wrong(Kind.MISSING, names.manifest, expected, "no object", Remedy.MANIFEST)]
    if now.revision < known.revision:
        expected = f"revision {known.revision} or later, as the head says"
        return [Wrong(Kind.ROLLED_BACK, names.manifest, expected, f"revision {now.revision}", Remedy.MANIFEST)]
    if now.revision > known.revision:
        return []
    counted = (known.held, known.source, known.unreadable)
    if counted != (now.held, now.source, now.unreadable):
        expected = f"{known.held:,} entries of {known.source:,}, as the head says of this revision"
        return [_manifest(names, expected, f"{now.held:,} of {now.source:,}")]
    if by_content and known.generation != now.generation:
        text = "another content under the same revision number"
        return [_manifest(names, f"revision {known.revision} as the head saw it", text)]
    return []
