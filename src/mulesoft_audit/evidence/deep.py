"""The archive against the source key by key: every entry that either has."""

from __future__ import annotations

import heapq
import threading
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start, keys_name, part_name
from mulesoft_audit.collect.fetch import Slice
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.evidence.day import keys_of, load
from mulesoft_audit.evidence.finding import Finding, Kind, Remedy
from mulesoft_audit.evidence.inventory import objects_of
from mulesoft_audit.ledger.keys import SIZE, Key, Keys, unseen
from mulesoft_audit.ledger.manifest import HOUR_MS
from mulesoft_audit.ledger.parts import derive_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.evidence.offline import Result
    from mulesoft_audit.evidence.online import Compared
    from mulesoft_audit.ledger.manifest import Manifest

NAMED = 3  #: times of missing entries that are named


@dataclass(slots=True)
class _Tally:
    """What was found of one day: times of entries that are not held, and how many are held and not given."""

    lacking: list[int]
    surplus: int = 0
    renamed: int = 0
    count: int = 0  # of those lacking


class Deep:
    """Compares keys. An hour of a log is in memory at a time, and the keys of one day."""

    def __init__(self, store: Store, query: AuditQuery, result: Result) -> None:
        self._store = store
        self._query = query
        self._result = result
        self._lock = threading.Lock()

    def __call__(self, one: Compared) -> None:
        """Compare one organization.

        Raises:
            ArchiveError: the archive cannot be read.
            AuditError: as `AuditQuery.page`.
        """
        start, end = one.window
        slice_ = Slice(self._query, one.organization, start, end, end)
        held = _Held(self._store, one.organization.id)
        others = [_Held(self._store, name) for name in self._result.standing.relatives(one.organization.id)]
        ours = ((hour, None) for hour in _hours(self._store, one))
        theirs = ((hour, key) for hour, key in self._counted(slice_))
        by_hour = groupby(heapq.merge(ours, theirs, key=lambda item: item[0]), key=lambda item: item[0])
        for day, hours in groupby(by_hour, key=lambda group: day_of(group[0])):
            tally = _Tally([])
            for hour, group in hours:
                seen = [key for _, key in group if key is not None]
                self._hour(tally, hour, min(hour + HOUR_MS, end), seen, held, others)
            _tell(one, day, tally, held.manifest(day))
        for hole in slice_.holes:
            text = f"an entry between {iso(hole.first)} and {iso(hole.last)} cannot be read: {hole.reason}"
            one.tell(Kind.NOT_PROVED, day_of(hole.first), "every entry", text, Remedy.NOTHING)

    def _counted(self, slice_: Slice) -> Iterator[tuple[int, Key]]:
        """Yield what `_timed` does, and keep the progress."""
        before = 0
        for item in _timed(slice_):
            if slice_.settled != before:
                with self._lock:
                    self._result.progress.read += slice_.settled - before
                before = slice_.settled
            yield item

    def _hour(self, tally: _Tally, start: int, end: int, seen: list[Key], held: _Held, others: Iterable[_Held]) -> None:
        ours = held.between(start, end)
        elsewhere = [key for other in others for key in other.between(start, end)]
        found = unseen(seen, ours, elsewhere)
        tally.surplus += found.missing
        tally.count += len(found.new)
        times = [day_start(day_of(start)) + seen[index][0] for index in found.new[:NAMED]]
        tally.lacking = (tally.lacking + times)[:NAMED]
        same = Counter(key[1:] for key in seen) & Counter(key[1:] for key in ours)
        tally.renamed += len(seen) - len(found.new) - len(found.repeated) - same.total()

    def unfinished(self, one: Compared) -> list[Finding]:
        """Return the parts that no manifest names and that hold an entry which the source does not give: forged ones.

        Raises:
            ArchiveError: the archive cannot be read.
            AuditError: as `AuditQuery.page`.
        """
        found: list[Finding] = []
        for note in self._result.notes:
            if note.kind is Kind.UNFINISHED and note.organization == one.organization.id and note.number:
                day = date.fromisoformat(note.day)
                if note.path == part_name(note.organization, day, note.number) and one.window.start <= day_start(day):
                    found += self._forged(one.organization, day, note)
        return found

    def _forged(self, organization: Organization, day: date, note: Finding) -> list[Finding]:
        loaded = load(self._store, objects_of(self._store, organization.id, day))
        own = keys_of(self._store, loaded, note.number)
        if not own:
            return []
        midnight = day_start(day)
        first, last = min(own)[0], max(own)[0] + 1
        slice_ = Slice(self._query, organization, midnight + first, midnight + last, midnight + last)
        given = [key for _, key in _timed(slice_)]
        forged = len(unseen(own, given).new)
        if not forged:
            return []
        text = (
            f"{forged:,} entries that Anypoint does not give: forged, or left by a killed run and deleted there since"
        )
        return [replace(note, kind=Kind.UNKNOWN, expected="entries of Anypoint's", found=text, remedy=Remedy.SET_ASIDE)]


class _Held:
    """The keys that an organization's archive holds, those of one day at a time. Nothing is written."""

    def __init__(self, store: Store, organization: str) -> None:
        self._store = store
        self._organization = organization
        self._day: date | None = None
        self._manifest: Manifest | None = None
        self._keys: list[Keys] = []

    def manifest(self, day: date) -> Manifest | None:
        """Return a day's manifest."""
        self._read(day)
        return self._manifest

    def between(self, start: int, end: int) -> list[Key]:
        """Return the keys of `start` to `end` (Unix ms, of one day), their times in milliseconds of the day."""
        day = day_of(start)
        self._read(day)
        low, high = start - day_start(day), end - day_start(day)
        return [key for keys in self._keys for key in keys.between(low, high)]

    def _read(self, day: date) -> None:
        if self._day == day:
            return
        self._day, self._keys = day, []
        loaded = load(self._store, objects_of(self._store, self._organization, day))
        self._manifest = loaded.manifest
        if loaded.manifest is None:
            return
        for part in loaded.manifest.parts:
            self._keys.append(self._of_part(day, part.number))
        self._keys += [Keys(item.key) for item in loaded.manifest.oversize if len(item.key) == SIZE]

    def _of_part(self, day: date, number: int) -> Keys:
        held = self._store.read(keys_name(self._organization, day, number))
        if held and len(held.data) % SIZE == 0:
            return Keys(held.data)
        name = part_name(self._organization, day, number)
        part = self._store.read(name)
        try:
            return derive_keys(part.data, name, day_start(day)).keys if part else Keys(b"")
        except ArchiveError:  # damaged: told by the verification against itself
            return Keys(b"")


def _timed(slice_: Slice) -> Iterator[tuple[int, Key]]:
    """Yield each entry's hour (Unix ms) and its key, its time in milliseconds of the day."""
    for entries in slice_.read():
        for time, (identity, checksum) in zip(entries.times, entries.keys, strict=True):
            yield time // HOUR_MS * HOUR_MS, (time % DAY_MS, identity, checksum)


def _hours(store: Store, one: Compared) -> Iterator[int]:
    """Yield the hours (Unix ms) of which anything is held."""
    held = _Held(store, one.organization.id)
    for name in sorted(one.held.counted):
        day = date.fromisoformat(name)
        midnight = day_start(day)
        if not one.window.start <= midnight < one.window.end:
            continue
        manifest = held.manifest(day)
        hours = manifest.hours if manifest and len(manifest.hours) == 24 else [1] * 24
        for hour, entries in enumerate(hours):
            if entries and midnight + hour * HOUR_MS < one.window.end:
                yield midnight + hour * HOUR_MS


def _tell(one: Compared, day: date, tally: _Tally, manifest: Manifest | None) -> None:
    """Tell what was found of a day."""
    if tally.lacking:
        kind = Kind.DIFFERS if manifest else Kind.MISSING
        at = ", ".join(iso(time) for time in tally.lacking)
        text = f"{tally.count:,} are not held, of {at}{' and more' if tally.count > len(tally.lacking) else ''}"
        one.tell(kind, day, "every entry that Anypoint gives", text, Remedy.FETCH)
    deleted = max(0, len(manifest.unreadable) - manifest.difference) if manifest else 0
    if tally.surplus > deleted:
        text = f"{tally.surplus - deleted:,} entries that Anypoint does not give"
        advice = (
            "run collect, which notes what Anypoint deleted; what stays was added here: compare with seals or copies"
        )
        one.tell(Kind.DIFFERS, day, "no entry that Anypoint does not give", text, Remedy.NOTHING, advice)
    elif tally.surplus:
        text = f"{tally.surplus:,} entries that Anypoint deleted, as earlier runs noted"
        one.tell(Kind.DELETED, day, "-", text, Remedy.NOTHING)
    if tally.renamed > 0:
        text = f"{tally.renamed:,} entries whose names Anypoint gives otherwise by now"
        one.tell(Kind.RENAMED, day, "the same bytes", text, Remedy.NOTHING)
