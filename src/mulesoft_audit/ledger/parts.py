"""The keys of a part: read from beside it, or made again from the part, or from the source's entries."""

from __future__ import annotations

import logging
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit.anypoint.entry import recognize
from mulesoft_audit.archive.layout import DAY_MS, day_start
from mulesoft_audit.archive.part import Part, read_lines
from mulesoft_audit.archive.store import GenerationMismatch
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.ledger.batch import Sealed
from mulesoft_audit.ledger.keys import RECORD, Keys, unseen
from mulesoft_audit.ledger.manifest import TRIES, Damaged, digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulesoft_audit.archive.layout import DayNames
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.ledger.manifest import Manifest, PartEntry

log = logging.getLogger(__name__)

AT_ONCE = 200  #: lines


class PartKeys:
    """The keys of the parts of one day."""

    def __init__(self, store: Store, names: DayNames) -> None:
        self._store = store
        self._names = names

    def of(self, part: PartEntry) -> Keys:
        """Return a part's keys, made again from the part if they are lost or damaged.

        Raises:
            Damaged: the part is lost or damaged too.
        """
        found = self._recovered(part)
        if found is None:
            name = self._names.keys(part.number)
            raise Damaged(
                f"The keys of part {part.number} of organization {self._names.organization} on {self._names.day} "
                f"({name}) are lost, and the part is gone: which of that day's entries its {part.entries} were cannot "
                "be told.",
                "Nothing of its time is written, so that nothing is delivered twice; all else is. Restore the object "
                "from a backup or an older version of it. Or delete the day's manifest, to have the day delivered "
                "again.",
            )
        return found

    def _recovered(self, part: PartEntry) -> Keys | None:
        stored = self._stored(part)
        return self._from_part(part) if stored is None else stored

    def _stored(self, part: PartEntry) -> Keys | None:
        held = self._store.read(self._names.keys(part.number))
        return Keys(held.data) if held and digest(held.data) == part.keys_sha256 else None

    def _from_part(self, part: PartEntry) -> Keys | None:
        name = self._names.part(part.number)
        held = self._store.read(name)
        if held is None or digest(held.data) != part.sha256:
            return None
        keys = derive_keys(held.data, name, day_start(self._names.day)).keys
        if digest(keys.data) != part.keys_sha256:
            return None
        self._save(part, keys)
        return keys

    def write(self, number: int, keys: Keys) -> None:
        """Make a part's keys object say what the part says; it is derived from it.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        name = self._names.keys(number)
        for _ in range(TRIES):
            held = self._store.read(name)
            if held and held.data == keys.data:
                return
            with suppress(GenerationMismatch):
                self._store.replace(name, keys.data, held.generation if held else 0)
                return
        raise ArchiveError(f"{name} changes faster than it can be written.", "Run again.")

    # Keys that are lost, with their part.

    def rebuild(self, manifest: Manifest, part: PartEntry, seen: Sealed) -> bool:
        """Make the keys of a part again whose keys and self are lost, from what the source gives of its time.

        What is held of that time by no other part must be just as many entries, and just as many bytes, as the part
        had. Otherwise nothing is done: guessing would lose entries, or deliver them twice.

        Returns:
            Whether they were made again; the manifest in memory then names the new ones.
        """
        if self._recovered(part) is not None:
            return False
        ordered = seen.keys.ordered()
        if ordered.at(0) > part.first or ordered.at(len(ordered) - 1) < part.last:
            return False
        keys = list(seen.keys)
        inside = [index for index, key in enumerate(keys) if part.first <= key[0] <= part.last]
        others = [one for one in manifest.parts if one.number != part.number and self._stored(one) is not None]
        held = [key for one in others for key in self.of(one)]
        held += [key for item in manifest.oversize for key in Keys(item.key)]
        left = unseen([keys[index] for index in inside], held).new
        chosen = seen.only([inside[index] for index in left]) if len(left) == part.entries else None
        if chosen is None or chosen.part.size != part.inflated:
            return False
        self._save(part, chosen.keys)
        manifest.exchange(msgspec.structs.replace(part, keys_sha256=digest(chosen.keys.data)))
        return True

    def give_up(self, manifest: Manifest, part: PartEntry, seen: Sealed) -> None:
        """Count a part for nothing whose keys and self are lost, if what it may have held was just read again.

        What it held cannot be told from what arrived since. In doubt an entry is delivered twice, and that is said;
        none is dropped.
        """
        ordered = seen.keys.ordered()
        covers = ordered.at(0) <= part.first and ordered.at(len(ordered) - 1) >= part.last
        if not covers or not part.entries or self._recovered(part) is not None:
            return
        log.error(
            "The keys of part %d of organization %s on %s are lost, and so is the part: %d entries may be delivered "
            "twice",
            *(part.number, self._names.organization, self._names.day, part.entries),
        )
        self._replace(part, Keys(b""))
        difference = manifest.difference
        manifest.exchange(msgspec.structs.replace(part, entries=0, keys_sha256=digest(b"")))
        manifest.hours = []
        for one in manifest.parts:
            manifest.count_hours((self._stored(one) or Keys(b"")).times())
        manifest.count_hours([RECORD.unpack(item.key)[0] for item in manifest.oversize])
        manifest.source = manifest.held + difference

    def _replace(self, part: PartEntry, keys: Keys) -> None:
        name = self._names.keys(part.number)
        held = self._store.read(name)
        with suppress(GenerationMismatch):  # somebody else did the same
            self._store.replace(name, keys.data, held.generation if held else 0)

    def _save(self, part: PartEntry, keys: Keys) -> None:
        text = "The keys of part %d of organization %s on %s were lost; they are made again"
        log.warning(text, part.number, self._names.organization, self._names.day)
        self._replace(part, keys)


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
