"""The keys of a part: read from beside it, or made again from the part, or from the source's entries."""

from __future__ import annotations

import logging
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit.anypoint.entry import recognize
from mulesoft_audit.archive.layout import DAY_MS, keys_name, part_name
from mulesoft_audit.archive.part import Part, read_lines
from mulesoft_audit.archive.store import GenerationMismatch
from mulesoft_audit.ledger.batch import Sealed
from mulesoft_audit.ledger.keys import RECORD, Keys, unseen
from mulesoft_audit.ledger.manifest import Damaged, PartEntry, digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.ledger.day import Day

log = logging.getLogger(__name__)

AT_ONCE = 200  #: lines


def keys_of_part(store: Store, day: Day, part: PartEntry) -> Keys:
    """Return a part's keys, made again from the part if they are lost or damaged.

    Raises:
        Damaged: the part is lost or damaged too.
    """
    found = _recovered(store, day, part)
    if found is None:
        name = keys_name(day.organization, day.day, part.number)
        raise Damaged(
            f"The keys of part {part.number} of organization {day.organization} on {day.day} ({name}) are lost, and "
            f"the part is gone: which of that day's entries its {part.entries} were cannot be told.",
            "Nothing of its time is written, so that nothing is delivered twice; all else is. Restore the object from "
            "a backup or an older version of it. Or delete the day's manifest, to have the day delivered again.",
        )
    return found


def _recovered(store: Store, day: Day, part: PartEntry) -> Keys | None:
    stored = _stored(store, day, part)
    return _from_part(store, day, part) if stored is None else stored


def _stored(store: Store, day: Day, part: PartEntry) -> Keys | None:
    held = store.read(keys_name(day.organization, day.day, part.number))
    return Keys(held.data) if held and digest(held.data) == part.keys_sha256 else None


def _from_part(store: Store, day: Day, part: PartEntry) -> Keys | None:
    name = part_name(day.organization, day.day, part.number)
    held = store.read(name)
    if held is None or digest(held.data) != part.sha256:
        return None
    keys = derive_keys(held.data, name, day.start).keys
    if digest(keys.data) != part.keys_sha256:
        return None
    _save(store, day, part, keys)
    return keys


def rebuild_keys(store: Store, day: Day, part: PartEntry, seen: Sealed) -> bool:
    """Make the keys of a part again whose keys and self are lost, from what the source gives of its time.

    What is held of that time by no other part must be just as many entries, and just as many bytes, as the part had.
    Otherwise nothing is done: guessing would lose entries, or deliver them twice.

    Returns:
        Whether they were made again; the manifest in memory then names the new ones.
    """
    if _recovered(store, day, part) is not None:
        return False
    ordered = seen.keys.ordered()
    if ordered.at(0) > part.first or ordered.at(len(ordered) - 1) < part.last:
        return False
    keys = list(seen.keys)
    inside = [index for index, key in enumerate(keys) if part.first <= key[0] <= part.last]
    others = [one for one in day.manifest.parts if one.number != part.number and _stored(store, day, one) is not None]
    held = [key for one in others for key in keys_of_part(store, day, one)]
    held += [key for item in day.manifest.oversize for key in Keys(item.key)]
    left = unseen([keys[index] for index in inside], held).new
    chosen = seen.only([inside[index] for index in left]) if len(left) == part.entries else None
    if chosen is None or chosen.part.size != part.inflated:
        return False
    _save(store, day, part, chosen.keys)
    entry = msgspec.structs.replace(part, keys_sha256=digest(chosen.keys.data))
    day.manifest.parts = [entry if one.number == part.number else one for one in day.manifest.parts]
    return True


def give_up_lost(store: Store, day: Day, part: PartEntry, seen: Sealed) -> None:
    """Count a part for nothing whose keys and self are lost, if what it may have held was just read again.

    What it held cannot be told from what arrived since. In doubt an entry is delivered twice, and that is said; none
    is dropped.
    """
    ordered = seen.keys.ordered()
    covers = ordered.at(0) <= part.first and ordered.at(len(ordered) - 1) >= part.last
    if not covers or not part.entries or _recovered(store, day, part) is not None:
        return
    log.error(
        "The keys of part %d of organization %s on %s are lost, and so is the part: %d entries may be delivered twice",
        *(part.number, day.organization, day.day, part.entries),
    )
    _replace(store, day, part, Keys(b""))
    manifest = day.manifest
    difference = manifest.difference
    nothing = msgspec.structs.replace(part, entries=0, keys_sha256=digest(b""))
    manifest.parts = [nothing if one.number == part.number else one for one in manifest.parts]
    manifest.hours = []
    for one in manifest.parts:
        manifest.count_hours((_stored(store, day, one) or Keys(b"")).times())
    manifest.count_hours([RECORD.unpack(item.key)[0] for item in manifest.oversize])
    manifest.source = manifest.held + difference


def _replace(store: Store, day: Day, part: PartEntry, keys: Keys) -> None:
    name = keys_name(day.organization, day.day, part.number)
    held = store.read(name)
    with suppress(GenerationMismatch):  # somebody else did the same
        store.replace(name, keys.data, held.generation if held else 0)


def _save(store: Store, day: Day, part: PartEntry, keys: Keys) -> None:
    text = "The keys of part %d of organization %s on %s were lost; they are made again"
    log.warning(text, part.number, day.organization, day.day)
    _replace(store, day, part, keys)


def derive_keys(data: bytes, name: str, start: int) -> Sealed:
    """Return a part with the keys of its lines.

    Args:
        data: the part's object.
        name: its name, for messages.
        start: 00:00 UTC of its day, Unix ms.

    Raises:
        Damaged: it is not a whole part.
    """
    records, entries, size, last = bytearray(), 0, 0, 0
    for lines in _batched(read_lines(data, name), AT_ONCE):
        _, times, keys = recognize(list(lines))
        entries, size = entries + len(lines), size + sum(map(len, lines)) + len(lines)
        for time, key in zip(times, keys, strict=True):
            last = min(max(time - start, 0), DAY_MS - 1) if time is not None else last
            records += RECORD.pack(last, *key)
    return Sealed(Part(data, entries, size), Keys(bytes(records)))


def _batched(lines: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    while batch := list(islice(lines, size)):
        yield batch
