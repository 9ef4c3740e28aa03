"""A day's manifest made again from its parts and their keys: a pure function of what was measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit import __version__
from mulesoft_audit.evidence.measure import EMPTY, by_hour
from mulesoft_audit.ledger.keys import RECORD, SIZE
from mulesoft_audit.ledger.manifest import FORMAT, Manifest, Oversize, PartEntry
from mulesoft_audit.times import earliest

if TYPE_CHECKING:
    from mulesoft_audit.evidence.day import Loaded
    from mulesoft_audit.evidence.measure import Measured
    from mulesoft_audit.ledger.head import Counted


@dataclass(frozen=True, slots=True)
class Decided:
    """What is to become of a day's objects.

    Attributes:
        given_up: numbers of parts that count for nothing from now on.
        claims: numbers that are claimed by keys without a part and stay so.
        oversize: entries that are kept outside the feed from now on.
    """

    given_up: frozenset[int] = frozenset()
    claims: frozenset[int] = frozenset()
    oversize: list[Oversize] = field(default_factory=list)


def rebuilt(
    loaded: Loaded,
    measured: dict[int, Measured],
    decided: Decided,
    known: Counted | None,
    *,
    since: int,
    sealed: int,
) -> Manifest:
    """Return the manifest that says what the parts and their keys are.

    What the source had more or fewer than is held stays as the manifest said, or the head, where that saw the same or a
    later revision. So entries that are lost are lacking in the balance too, and the source gives them again.

    Args:
        loaded: the day with its manifest, if that can be read.
        measured: its parts with their keys as they are now.
        decided: what is to become of them.
        known: what the head says of the day; None if it says nothing.
        since: Unix ms since when everything is to be held; 0 if nobody said.
        sealed: the revision of the newest sealed manifest of the day; 0 if none is sealed.
    """
    before = loaded.manifest
    named = {part.number: part for part in before.parts} if before else {}
    parts: list[PartEntry] = []
    for number, seen in sorted(measured.items()):
        if number in decided.given_up:
            parts.append(_given_up(number, named.get(number), seen))
        elif number not in decided.claims:
            parts.append(_entry(number, named.get(number), seen))
    untold = any(part.entries and part.keys_sha256 != measured[part.number].keys for part in parts)
    hours = before.hours if untold and before else _hours(parts, measured, decided.oversize)
    made = Manifest(loaded.objects.organization, loaded.objects.day.isoformat())
    made.since = earliest(since, before.since if before else 0)
    made.parts, made.oversize, made.hours = parts, decided.oversize, hours
    made.unreadable = before.unreadable if before else []
    made.source = made.held + _difference(before, known)
    latest = max(before.revision if before else 0, known.revision if known else 0, sealed)
    made.revision = latest + 2  # one is left out: what was there was not the revision before this one
    made.previous = loaded.digest
    made.written_by = f"mulesoft-audit-collector {__version__}"
    made.format = FORMAT
    return made


def _hours(parts: list[PartEntry], measured: dict[int, Measured], oversize: list[Oversize]) -> list[int]:
    counted = [measured[part.number].hours for part in parts if part.entries]
    counted.append(by_hour([RECORD.unpack(item.key)[0] for item in oversize if len(item.key) == SIZE]))
    return [sum(hour) for hour in zip(*counted, strict=True)]


def _difference(before: Manifest | None, known: Counted | None) -> int:
    if known and (before is None or known.revision >= before.revision):
        return known.source - known.held
    return before.difference if before else 0


def _given_up(number: int, named: PartEntry | None, seen: Measured) -> PartEntry:
    """Return a part that counts for nothing; its number is never used again."""
    if named:
        return msgspec.structs.replace(named, entries=0, keys_sha256=EMPTY)
    return PartEntry(number, 0, seen.size, seen.inflated, seen.sha256, max(seen.first, 0), max(seen.last, 0), EMPTY)


def _entry(number: int, named: PartEntry | None, seen: Measured) -> PartEntry:
    if named and not seen.there and seen.keys != named.keys_sha256:
        return named  # it is lost, and so are its keys: what is known of it is here alone
    if seen.there:
        size, inflated, sha256 = seen.size, seen.inflated, seen.sha256
    else:
        size, inflated, sha256 = (named.size, named.inflated, named.sha256) if named else (0, 0, "")
    first, last = max(seen.first, 0), max(seen.last, 0)
    return PartEntry(number, seen.keys_entries, size, inflated, sha256, first, last, seen.keys)
