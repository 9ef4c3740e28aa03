"""One organization's day in the archive: what is held, and bringing more of it there exactly once."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit import __version__
from mulesoft_audit.archive import layout
from mulesoft_audit.archive.part import PartWriter
from mulesoft_audit.archive.store import GenerationMismatch, ObjectExists
from mulesoft_audit.errors import ArchiveError, SourceError
from mulesoft_audit.ledger import manifest as manifests
from mulesoft_audit.ledger.claims import Claims
from mulesoft_audit.ledger.keys import RECORD, Key, Keys, Unseen, unseen
from mulesoft_audit.ledger.manifest import HOUR_MS, Damaged, Manifest, Oversize, PartEntry, Unreadable
from mulesoft_audit.ledger.parts import give_up_lost, keys_of_part, rebuild_keys
from mulesoft_audit.times import earliest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.ledger.batch import Batch, Sealed

log = logging.getLogger(__name__)

TRIES = 200  #: rounds of a race for a manifest; each lost one means that somebody else got on
#: So many held entries at least have to be looked for before it means anything that most of them are not found.
ENOUGH_TO_JUDGE = 20


class Respelled(SourceError):
    """Most of what is held of a time is not recognized any more: the source changed how it writes entries."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a batch.

    Attributes:
        written: entries that were new.
        repeated: entries that are held for another organization, whose log this one repeats.
    """

    written: int = 0
    repeated: int = 0


class Day:
    """A day as the archive holds it. Safe for several threads; several processes are told apart by the store.

    Attributes:
        manifest: what is held, as last read or written.
        generation: the manifest's generation; 0 if there is none.
        created: parts that this process wrote.
        since: Unix ms since when everything is to be held, to be written into the manifest; 0 if unknown.
    """

    def __init__(self, store: Store, organization: str, day: date) -> None:
        self.organization = organization
        self.day = day
        self.manifest = Manifest(organization, day.isoformat())
        self.generation = 0
        self.created = 0
        self.since = 0
        self._store = store
        self._name = layout.manifest_name(organization, day)
        self._digest = ""
        self._lock = threading.RLock()
        self._claims = Claims(store, self)
        self._loaded = False

    @property
    def start(self) -> int:
        """00:00 UTC of the day in Unix milliseconds."""
        return layout.day_start(self.day)

    def load(self, *, again: bool = False) -> Day:
        """Read the manifest; once, or `again`.

        Raises:
            ArchiveError: the archive cannot be read, or a newer version wrote it.
            Damaged: the manifest is damaged.
        """
        with self._lock:
            if again or not self._loaded:
                self.refresh()
                self._loaded = True
        return self

    def refresh(self) -> None:
        """Read the manifest if it is another than before."""
        held = self._store.read(self._name)
        if held is None:
            self.manifest = Manifest(self.organization, self.day.isoformat())
            self.generation, self._digest = 0, ""
        elif held.generation != self.generation:
            self.manifest = manifests.decode(held.data, self._name)
            self.generation, self._digest = held.generation, manifests.digest(held.data)

    # What is held.

    def keys_between(self, start: int, end: int) -> list[Key]:
        """Return the keys of what is held of milliseconds `start` to `end` (exclusive) of the day.

        Raises:
            Damaged: the keys of a part are lost, and so is the part.
        """
        with self._lock:
            found = [keys_of_part(self._store, self, part) for part in self._parts_between(start, end)]
            found += [Keys(item.key) for item in self.manifest.oversize]
            return [key for keys in found for key in keys.between(start, end)]

    def _parts_between(self, start: int, end: int) -> list[PartEntry]:
        return [part for part in self.manifest.parts if part.first < end and part.last >= start]

    def count_between(self, start: int, end: int) -> int:
        """Return how many entries are held of milliseconds `start` to `end` (exclusive) of the day."""
        with self._lock:
            manifest = self.manifest
            if (start, end) == (0, layout.DAY_MS):
                return manifest.held
            if start % HOUR_MS == 0 and end % HOUR_MS == 0 and manifest.hours:
                return sum(manifest.hours[start // HOUR_MS : end // HOUR_MS])
            counted = sum(len(Keys(item.key).between(start, end)) for item in manifest.oversize)
            for part in self._parts_between(start, end):
                inside = start <= part.first and part.last < end
                keys = None if inside else keys_of_part(self._store, self, part)
                counted += part.entries if keys is None else len(keys.between(start, end))
            return counted

    # Bringing more of it there.

    def commit(self, batch: Batch, relatives: Sequence[Day] = (), *, count_repeated: bool = True) -> Committed:
        """Bring what is new of `batch` into the archive.

        A part's number is claimed by creating its keys object before the part. A claim is never used again, so that
        no entry is written twice whatever a feed deletes: whoever finds a claim without a part gives its owner time,
        and then writes the part in the owner's place, under the owner's number.

        Args:
            batch: entries, with all of their milliseconds.
            relatives: the same day of organizations whose logs repeat this one's, or that this one's log repeats.
            count_repeated: count entries that a relative's archive holds as the source's. Nothing tells whether they
                were counted before; `settle` says it exactly.

        Raises:
            ArchiveError: the archive cannot be written; nothing half-written is left.
            Damaged: what is held of that time cannot be told; nothing was written.
            Respelled: most of what is held is not recognized; nothing was written.
        """
        sealed = batch.seal()
        lines = len(sealed.keys) if sealed else 0
        seen = Keys(b"".join([sealed.keys.data if sealed else b"", *(record for _, record in batch.oversize)]))
        if not len(seen):
            return Committed()
        with self._lock:
            self.load(again=True)
            while True:
                found = self._unseen(seen, sealed, relatives)
                fresh = [index for index in found.new if index < lines]
                if not (sealed and fresh) or self._claims.create(sealed.only(fresh)):
                    break
            self._keep_oversize([batch.oversize[index - lines] for index in found.new if index >= lines])
            counted = len(found.repeated) if count_repeated else 0
            if found.new or counted:
                self.write(lambda manifest: _add_to_source(manifest, counted))
            return Committed(len(found.new), len(found.repeated))

    def _unseen(self, seen: Keys, sealed: Sealed | None, relatives: Sequence[Day]) -> Unseen:
        ordered = seen.ordered()
        low, high = ordered.at(0), ordered.at(len(ordered) - 1) + 1
        if sealed:
            self._claims.finish(sealed)
        try:
            held = self.keys_between(low, high)
        except Damaged:
            if sealed:
                self._recover_keys(self._parts_between(low, high), sealed)
            held = self.keys_between(low, high)
        elsewhere = [key for day in relatives for key in day.load().keys_between(low, high)]
        if not held and not elsewhere:  # as for most of a backfill, whose keys need not be looked at one by one
            return Unseen(range(len(seen)), [], 0)
        found = unseen(list(seen), held, elsewhere)
        if len(held) >= ENOUGH_TO_JUDGE and min(found.missing, len(found.new)) > len(held) / 2:
            raise Respelled(
                f"Of {len(held)} entries that the archive holds of organization {self.organization} on {self.day}, "
                f"Anypoint gives {found.missing} no more, and {len(found.new)} others in their place: it seems to "
                "write entries in another way than before.",
                "Nothing of that time was written, because it would be delivered twice. Please report this.",
            )
        return found

    def _recover_keys(self, parts: list[PartEntry], seen: Sealed) -> None:
        """Make lost keys again from what the source gives; where that cannot be told, count their part for nothing."""
        for part in parts:
            if not rebuild_keys(self._store, self, part, seen):
                give_up_lost(self._store, self, part, seen)
        self.write()

    def record(self, number: int, sealed: Sealed) -> None:
        """See to a part's keys beside it, and enter it in the manifest in memory."""
        if number in self.manifest.numbers():
            return
        keys = sealed.keys
        self._replace_keys(layout.keys_name(self.organization, self.day, number), keys)
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
        self._include([(entry, keys)], [])

    def _include(self, parts: list[tuple[PartEntry, Keys]], oversize: list[Oversize]) -> None:
        manifest = self.manifest
        difference = manifest.difference
        manifest.parts = sorted([*manifest.parts, *(part for part, _ in parts)], key=lambda part: part.number)
        manifest.oversize = [*manifest.oversize, *oversize]
        for _, keys in parts:
            manifest.count_hours(keys.times())
        if oversize:
            manifest.count_hours([RECORD.unpack(item.key)[0] for item in oversize])
        manifest.source = manifest.held + difference

    def _replace_keys(self, name: str, keys: Keys) -> None:
        """Make the keys object say what the part says; it is derived from it."""
        for _ in range(TRIES):
            held = self._store.read(name)
            if held and held.data == keys.data:
                return
            with suppress(GenerationMismatch):
                self._store.replace(name, keys.data, held.generation if held else 0)
                return
        raise ArchiveError(f"{name} changes faster than it can be written.", "Run again.")

    def _keep_oversize(self, entries: list[tuple[bytes, bytes]]) -> None:
        """Keep entries too long for the feed beside it, each under a name that its bytes and its twins decide."""
        for line, record in entries:
            digest = manifests.digest(line)
            twins = sum(digest in item.name for item in self.manifest.oversize)
            name = layout.oversize_name(self.organization, self.day, digest, twins + 1)
            writer = PartWriter()
            writer.add(line + b"\n", 1)
            with suppress(ObjectExists):  # its name says its content: a crash, or another run, put it there
                self._store.create(name, writer.finish().data)
            log.warning("An entry of %d bytes is too long for the feed; it is kept in %s", len(line), name)
            self._include([], [Oversize(name, len(line), record)])

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
        with self._lock:
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
        with self._lock:
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
                self.generation = self._store.replace(self._name, data, self.generation)
            except GenerationMismatch:
                self._merge()
                continue
            self._digest = manifests.digest(data)
            self._loaded = True
            return
        raise ArchiveError(f"{self._name} changes faster than it can be written.", "Run again, with fewer collectors.")

    def _merge(self) -> None:
        """Read the manifest that somebody else wrote, and enter there what this process wrote."""
        mine = self.manifest
        self.refresh()
        known, oversize = self.manifest.numbers(), self.manifest.oversize
        extra = [part for part in mine.parts if part.number not in known]
        parts = [(part, keys_of_part(self._store, self, part)) for part in extra]
        self._include(parts, [item for item in mine.oversize if item not in oversize])


def _add_to_source(manifest: Manifest, entries: int) -> None:
    if entries:
        manifest.source = manifest.held + manifest.difference + entries
