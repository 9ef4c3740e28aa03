"""One organization's day in the archive: what is held, and bringing more of it there exactly once."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from mulesoft_audit import __version__
from mulesoft_audit.anypoint.entry import recognize
from mulesoft_audit.archive import layout
from mulesoft_audit.archive.part import Part, PartWriter, read_lines
from mulesoft_audit.archive.store import GenerationMismatch, ObjectExists
from mulesoft_audit.collect.batch import Known, Sealed
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.ledger import manifest as manifests
from mulesoft_audit.ledger.keys import RECORD, Keys, Multiset
from mulesoft_audit.ledger.manifest import HOUR_MS, Manifest, Oversize, PartEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.collect.batch import Batch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Agreed:
    """That the archive's count of a day, up to a time, equalled the source's.

    Attributes:
        until: Unix ms up to which.
        asked_at: Unix ms of the source's answer.
        closed: the day is older than the look-back.
    """

    until: int
    asked_at: int
    closed: bool

    def is_news(self, manifest: Manifest) -> bool:
        """Return whether the manifest does not say as much already."""
        return manifest.covered_until < self.until or (self.closed and not manifest.closed)

    def note(self, manifest: Manifest) -> None:
        """Enter it in a manifest."""
        manifest.covered_until = max(manifest.covered_until, self.until)
        manifest.source_total = manifest.entries
        manifest.source_asked_at = self.asked_at
        manifest.closed = manifest.closed or self.closed


ADOPTED_AT_ONCE = 200  #: lines
TRIES = 200  #: rounds of a race for a manifest; each lost one means that somebody else got on


def batched(lines: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    """Yield `lines` in lists of up to `size`."""
    while batch := list(islice(lines, size)):
        yield batch


class Day:
    """A day as the archive holds it. Safe for several threads; several processes are told apart by the store.

    Attributes:
        manifest: what is held, as last read or written.
        created: parts that this process wrote.
    """

    def __init__(self, store: Store, organization: str, day: date) -> None:
        self.organization = organization
        self.day = day
        self.manifest = Manifest(organization, day.isoformat())
        self.created = 0
        self._store = store
        self._name = layout.manifest_name(organization, day)
        self._generation = 0
        self._digest = ""
        self._lock = threading.RLock()
        self._next = 1
        self._loaded = False

    @property
    def start(self) -> int:
        """00:00 UTC of the day in Unix milliseconds."""
        return layout.day_start(self.day)

    @property
    def newest(self) -> int:
        """Unix ms of the newest entry held; 0 if there is none."""
        with self._lock:
            times = [part.last for part in self.manifest.parts]
            times += [RECORD.unpack(item.key)[0] for item in self.manifest.oversize]
            return self.start + max(times) if times else 0

    def load(self, *, adopt: bool = True) -> Day:
        """Read the manifest; with `adopt`, take in each part that lies in the day's folder and is not in it.

        Raises:
            ArchiveError: the archive cannot be read, is damaged, or was written by a newer version.
        """
        with self._lock:
            self._refresh()
            if adopt:
                known = {part.number for part in self.manifest.parts}
                prefix = layout.parts_of(self.organization, self.day)
                numbers = [layout.part_number(item.name) for item in self._store.list(prefix)]
                strays = sorted(number for number in numbers if number is not None and number not in known)
                for number in strays:
                    self._adopt(number)
                if strays:
                    self._write(lambda _: None)
        return self

    def load_once(self) -> Day:
        """Return the day, loaded with what lies in its folder; the first caller loads it, the others wait for that.

        Raises:
            ArchiveError: as `load`.
        """
        with self._lock:
            if not self._loaded:
                self.load()
                self._loaded = True
        return self

    def _refresh(self) -> None:
        """Read the manifest and merge it into what this process knows."""
        held = self._store.read(self._name)
        if held is None:
            self._generation, self._digest = 0, ""
            return
        if held.generation == self._generation:
            return
        theirs = manifests.decode(held.data, self._name)
        known = {part.number for part in theirs.parts}
        mine = [part for part in self.manifest.parts if part.number not in known]
        extra = [item for item in self.manifest.oversize if item not in theirs.oversize]
        self.manifest, self._generation, self._digest = theirs, held.generation, manifests.digest(held.data)
        self._include(mine, extra)
        self._next = max([self._next, *(part.number + 1 for part in theirs.parts)])

    def _include(self, parts: list[PartEntry], oversize: list[Oversize]) -> None:
        manifest = self.manifest
        manifest.parts = sorted([*manifest.parts, *parts], key=lambda part: part.number)
        manifest.oversize = [*manifest.oversize, *oversize]
        for part in parts:
            manifest.count_hours(self._keys(part).times())
        manifest.count_hours([RECORD.unpack(item.key)[0] for item in oversize])

    def _adopt(self, number: int) -> Keys:
        """Take in part `number`, which another run wrote, and which may lack its keys."""
        name = layout.part_name(self.organization, self.day, number)
        held = self._store.read(name)
        if held is None:
            raise ArchiveError(f"The part {name} vanished while it was read.", "Run again.")
        log.info("Adopting %s, which another run wrote", name)
        records, entries, size, last = bytearray(), 0, 0, 0
        for lines in batched(read_lines(held.data, name), ADOPTED_AT_ONCE):
            _, times, keys = recognize(list(lines))
            entries, size = entries + len(lines), size + sum(map(len, lines)) + len(lines)
            for time, key in zip(times, keys, strict=True):
                last = self._clamp(time) if time is not None else last
                records += RECORD.pack(last, *key)
        found = Keys(bytes(records))
        self._record(number, Sealed(Part(held.data, entries, size), found))
        return found

    def _clamp(self, timestamp: int) -> int:
        return min(max(timestamp - self.start, 0), layout.DAY_MS - 1)

    def _record(self, number: int, sealed: Sealed) -> None:
        """Keep a part's keys beside it, and enter it in the manifest in memory."""
        self._next = max(self._next, number + 1)
        keys = sealed.keys
        name = layout.keys_name(self.organization, self.day, number)
        try:
            self._store.create(name, keys.data)
        except ObjectExists:
            self._mend_keys(name, keys)
        if any(part.number == number for part in self.manifest.parts):
            return
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
        self.manifest.parts = sorted([*self.manifest.parts, entry], key=lambda part: part.number)
        self.manifest.count_hours(keys.times())

    def _mend_keys(self, name: str, keys: Keys) -> None:
        """Make the keys object say what the part says; it is derived from it."""
        for _ in range(TRIES):
            held = self._store.read(name)
            if held and held.data == keys.data:
                return
            try:
                self._store.replace(name, keys.data, held.generation if held else 0)
            except GenerationMismatch:
                continue
            return
        raise ArchiveError(f"{name} changes faster than it can be written.", "Run again.")

    def _keys(self, part: PartEntry) -> Keys:
        name = layout.keys_name(self.organization, self.day, part.number)
        held = self._store.read(name)
        if held and manifests.digest(held.data) == part.keys_sha256:
            return Keys(held.data)
        raise ArchiveError(
            f"The keys of part {part.number} of {self.day} ({name}) are missing or damaged.",
            f"Move {self._name} and {name} aside and run again: they are made anew from the part.",
        )

    def held_between(self, start: int, end: int) -> tuple[Multiset, Known]:
        """Return what is held of milliseconds `start` to `end` (exclusive) of the day, and which objects hold it."""
        held = Multiset()
        with self._lock:
            for part in self.manifest.parts:
                if part.first < end and part.last >= start:
                    held.add(self._keys(part).between(start, end))
            for item in self.manifest.oversize:
                held.add(Keys(item.key).between(start, end))
            parts = frozenset(part.number for part in self.manifest.parts)
            return held, Known(parts, tuple(item.name for item in self.manifest.oversize))

    def samples(self, most: int) -> list[tuple[int, bytes]]:
        """Return Unix ms and identity of up to `most` entries that are held, spread over the day."""
        found: list[tuple[int, bytes]] = []
        with self._lock:
            for part in self.manifest.parts[:most]:
                keys = list(self._keys(part))
                found += [(self.start + time, identity) for time, identity, _ in keys[:: max(1, len(keys) // most)]]
        return found[:most]

    def count_between(self, start: int, end: int) -> int:
        """Return how many entries are held of milliseconds `start` to `end` (exclusive) of the day."""
        with self._lock:
            manifest = self.manifest
            if start % HOUR_MS == 0 and end % HOUR_MS == 0 and manifest.hours:
                return sum(manifest.hours[start // HOUR_MS : end // HOUR_MS])
            counted = sum(len(Keys(item.key).between(start, end)) for item in manifest.oversize)
            for part in manifest.parts:
                if start <= part.first and part.last < end:
                    counted += part.entries
                elif part.first < end and part.last >= start:
                    counted += len(self._keys(part).between(start, end))
            return counted

    def newest_between(self, start: int, end: int) -> int | None:
        """Return the newest millisecond of the day that has an entry, of `start` to `end` (exclusive); None if none."""
        with self._lock:
            times = [RECORD.unpack(item.key)[0] for item in self.manifest.oversize]
            found = [time for time in times if start <= time < end]
            for part in self.manifest.parts:
                if start <= part.last < end:
                    found.append(part.last)
                elif part.first < end <= part.last:
                    keys = self._keys(part).between(start, end)
                    found += [keys.at(len(keys) - 1)] if len(keys) else []
            return max(found, default=None)

    def commit(self, batch: Batch, agreed: Agreed | None = None) -> tuple[int, int]:
        """Bring `batch` into the archive, less what somebody else brought there meanwhile.

        Args:
            batch: entries that were new when it was filled.
            agreed: the agreement with the source that holds once they are in.

        Returns:
            How many entries were written, and the number of the part they are in; 0 if there is none.

        Raises:
            ArchiveError: the archive cannot be written; nothing half-written is left.
        """
        with self._lock:
            self._refresh()
            entries, number = self._create(batch)
            entries += self._keep_oversize(batch)
            if entries or agreed:
                self._write(lambda manifest: agreed.note(manifest) if agreed else None)
            return entries, number

    def _create(self, batch: Batch) -> tuple[int, int]:
        """Write the batch's part under the next free number, adopting what others wrote in between."""
        sealed = batch.seal()
        for part in self.manifest.parts:
            if sealed and part.number not in batch.known.parts and sealed.overlaps(part.first, part.last):
                sealed = sealed.without(self._keys(part))
        while sealed:
            number = self._next
            metadata = {
                "organization": self.organization,
                "day": self.day.isoformat(),
                "entries": str(sealed.part.entries),
            }
            try:
                self._store.create(layout.part_name(self.organization, self.day, number), sealed.part.data, metadata)
            except ObjectExists:
                sealed = sealed.without(self._adopt(number))
                continue
            self.created += 1
            self._record(number, sealed)
            return sealed.part.entries, number
        return 0, 0

    def _keep_oversize(self, batch: Batch) -> int:
        """Keep entries too long for the feed beside it, each under a name that its bytes and its twins decide."""
        before = len(self.manifest.oversize)
        ordinals: Counter[str] = Counter()
        for line, record in batch.oversize:
            digest = manifests.digest(line)
            ordinals[digest] += 1
            twins = sum(digest in name for name in batch.known.oversize)
            name = layout.oversize_name(self.organization, self.day, digest, twins + ordinals[digest])
            if any(item.name == name for item in self.manifest.oversize):
                continue
            writer = PartWriter()
            writer.add(line + b"\n", 1)
            with suppress(ObjectExists):  # its name says its content: a crash, or another run, put it there
                self._store.create(name, writer.finish().data)
            log.warning("An entry of %d bytes is too long for the feed; it is kept in %s", len(line), name)
            item = Oversize(name, len(line), record)
            self.manifest.oversize.append(item)
            self.manifest.count_hours([RECORD.unpack(record)[0]])
        return len(self.manifest.oversize) - before

    def confirm(self, agreed: Agreed) -> None:
        """Enter an agreement with the source, if the manifest does not say as much already."""
        with self._lock:
            if agreed.is_news(self.manifest):
                self._write(agreed.note)

    def _write(self, change: Callable[[Manifest], None]) -> None:
        """Write the manifest against the generation that was read; merge and try again when the race is lost."""
        for _ in range(TRIES):
            change(self.manifest)
            self.manifest.revision += 1
            self.manifest.previous = self._digest
            self.manifest.written_by = f"mulesoft-audit-collector {__version__}"
            data = manifests.encode(self.manifest)
            try:
                self._generation = self._store.replace(self._name, data, self._generation)
            except GenerationMismatch:
                self._refresh()
                continue
            self._digest = manifests.digest(data)
            return
        raise ArchiveError(f"{self._name} changes faster than it can be written.", "Run again, with fewer collectors.")
