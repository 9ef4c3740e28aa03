"""One organization's day in the archive: what is held of it, and what the source last had of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from mulesoft_audit import __version__
from mulesoft_audit.archive.layout import DAY_MS, DayNames, day_start
from mulesoft_audit.archive.store import GenerationMismatch
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.ledger import manifest as manifests
from mulesoft_audit.ledger.keys import RECORD, Key, Keys
from mulesoft_audit.ledger.manifest import HOUR_MS, TRIES, Manifest, Oversize, PartEntry, Unreadable
from mulesoft_audit.ledger.parts import PartKeys
from mulesoft_audit.times import earliest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.ledger.batch import Sealed


class Day:
    """A day as the archive holds it. Safe for several threads; several processes are told apart by the store.

    Attributes:
        names: of its objects.
        store: where they are.
        part_keys: the keys of its parts.
        manifest: what is held, as last read or written.
        generation: the manifest's generation; 0 if there is none.
        created: parts that this process wrote.
        since: Unix ms since when everything is to be held, to be written into the manifest; 0 if unknown.
        lone_claims: by number, keys that others created and whose part was not there yet.
        lock: held while the day is changed.
    """

    def __init__(self, store: Store, organization: str, day: date) -> None:
        self.organization = organization
        self.day = day
        self.names = DayNames(organization, day)
        self.store = store
        self.part_keys = PartKeys(store, self.names)
        self.manifest = Manifest(organization, day.isoformat())
        self.generation = 0
        self.created = 0
        self.since = 0
        self.lone_claims: dict[int, Keys] = {}
        self.lock = threading.RLock()
        self._digest = ""
        self._loaded = False

    @property
    def start(self) -> int:
        """00:00 UTC of the day in Unix milliseconds."""
        return day_start(self.day)

    def load(self, *, again: bool = False) -> Day:
        """Read the manifest; once, or `again`.

        Raises:
            ArchiveError: the archive cannot be read, or a newer version wrote it.
            Damaged: the manifest is damaged.
        """
        with self.lock:
            if again or not self._loaded:
                self.refresh()
                self._loaded = True
        return self

    def refresh(self) -> None:
        """Read the manifest if it is another than before."""
        held = self.store.read(self.names.manifest)
        if held is None:
            self.manifest = Manifest(self.organization, self.day.isoformat())
            self.generation, self._digest = 0, ""
        elif held.generation != self.generation:
            self.manifest = manifests.decode(held.data, self.names.manifest)
            self.generation, self._digest = held.generation, manifests.digest(held.data)

    # What is held.

    def keys_between(self, start: int, end: int) -> list[Key]:
        """Return the keys of what is held of milliseconds `start` to `end` (exclusive) of the day.

        Raises:
            Damaged: the keys of a part are lost, and so is the part.
        """
        with self.lock:
            found = [self.part_keys.of(part) for part in self.parts_between(start, end)]
            found += [Keys(item.key) for item in self.manifest.oversize]
            return [key for keys in found for key in keys.between(start, end)]

    def parts_between(self, start: int, end: int) -> list[PartEntry]:
        """Return the parts that may hold any of milliseconds `start` to `end` (exclusive) of the day."""
        return [part for part in self.manifest.parts if part.first < end and part.last >= start]

    def count_between(self, start: int, end: int) -> int:
        """Return how many entries are held of milliseconds `start` to `end` (exclusive) of the day."""
        with self.lock:
            manifest = self.manifest
            if (start, end) == (0, DAY_MS):
                return manifest.held
            if start % HOUR_MS == 0 and end % HOUR_MS == 0 and manifest.hours:
                return sum(manifest.hours[start // HOUR_MS : end // HOUR_MS])
            counted = sum(len(Keys(item.key).between(start, end)) for item in manifest.oversize)
            for part in self.parts_between(start, end):
                inside = start <= part.first and part.last < end
                keys = None if inside else self.part_keys.of(part)
                counted += part.entries if keys is None else len(keys.between(start, end))
            return counted

    # Entering more.

    def record(self, number: int, sealed: Sealed) -> None:
        """See to a part's keys beside it, and enter it in the manifest in memory."""
        if number in self.manifest.numbers():
            return
        keys = sealed.keys
        self.part_keys.write(number, keys)
        ordered = keys.ordered()
        entry = PartEntry(
            number,
            sealed.part.entries,
            len(sealed.part.data),
            sealed.part.size,
            manifests.digest(sealed.part.data),
            ordered.at(0),
            ordered.at(len(ordered) - 1),
            manifests.digest(keys.data),
        )
        self.include([(entry, keys)], [])

    def include(self, parts: list[tuple[PartEntry, Keys]], oversize: list[Oversize]) -> None:
        """Enter parts, each with its keys, and long entries in the manifest in memory."""
        manifest = self.manifest
        difference = manifest.difference
        manifest.parts = sorted([*manifest.parts, *(part for part, _ in parts)], key=lambda part: part.number)
        manifest.oversize = [*manifest.oversize, *oversize]
        for _, keys in parts:
            manifest.count_hours(keys.times())
        if oversize:
            manifest.count_hours([RECORD.unpack(item.key)[0] for item in oversize])
        manifest.source = manifest.held + difference

    # What the source said.

    def settle(self, start: int, end: int, given: int, unreadable: Sequence[Unreadable], *, whole: bool) -> bool:
        """Enter what the source gave of milliseconds `start` to `end` (exclusive), read to their end.

        Args:
            start: millisecond of the day.
            end: millisecond of the day.
            given: how many entries the source gave, those it could not give included.
            unreadable: entries that it could not give.
            whole: that is all of the day; otherwise, the rest of the day must not differ.

        Returns:
            Whether that is news.
        """
        with self.lock:
            self.load()
            difference = given - self.count_between(start, end)
            known = [] if whole else self.manifest.unreadable
            all_unreadable = [*known, *(one for one in unreadable if one not in known)]
            if difference == self.manifest.difference and all_unreadable == self.manifest.unreadable:
                return False

            def enter(manifest: Manifest) -> None:
                manifest.source = manifest.held + difference
                manifest.unreadable = all_unreadable

            self.write(enter)
            return True

    def forget_source(self) -> None:
        """Take what is held for what the source had, until it is told again."""
        with self.lock:
            self.load()

            def forget(manifest: Manifest) -> None:
                manifest.source = manifest.held

            self.write(forget)

    def write(self, change: Callable[[Manifest], None] = lambda _: None) -> None:
        """Write the manifest against the generation that was read; merge and try again when the race is lost."""
        for _ in range(TRIES):
            manifest = self.manifest
            change(manifest)
            manifest.since = earliest(manifest.since, self.since)
            manifest.format = manifests.FORMAT
            manifest.revision += 1
            manifest.previous = self._digest
            manifest.written_by = f"mulesoft-audit-collector {__version__}"
            data = manifests.encode(manifest)
            try:
                self.generation = self.store.replace(self.names.manifest, data, self.generation)
            except GenerationMismatch:
                self._merge()
                continue
            self._digest = manifests.digest(data)
            self._loaded = True
            return
        raise ArchiveError(
            f"{self.names.manifest} changes faster than it can be written.", "Run again, with fewer collectors."
        )

    def _merge(self) -> None:
        """Read the manifest that somebody else wrote, and enter there what this process wrote."""
        mine = self.manifest
        self.refresh()
        known, oversize = self.manifest.numbers(), self.manifest.oversize
        extra = [part for part in mine.parts if part.number not in known]
        parts = [(part, self.part_keys.of(part)) for part in extra]
        self.include(parts, [item for item in mine.oversize if item not in oversize])
