"""Repairing one day from what the archive itself has. Each step may be the last: the next try goes on from there."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.entry import recognize
from mulesoft_audit.archive.layout import DayNames
from mulesoft_audit.archive.part import read_lines
from mulesoft_audit.archive.store import GenerationMismatch
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.evidence.finding import Kind, Remedy
from mulesoft_audit.evidence.inventory import DayObjects
from mulesoft_audit.evidence.measure import measure
from mulesoft_audit.evidence.offline import again
from mulesoft_audit.evidence.quarantine import set_aside
from mulesoft_audit.evidence.rebuild import Decided, rebuilt
from mulesoft_audit.evidence.workers import Measuring
from mulesoft_audit.ledger import manifest as manifests
from mulesoft_audit.ledger.batch import Batch
from mulesoft_audit.ledger.keys import RECORD, Keys
from mulesoft_audit.ledger.manifest import Oversize
from mulesoft_audit.ledger.parts import derive_keys

if TYPE_CHECKING:
    from datetime import date

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.evidence.day import Asked, Judged, Loaded
    from mulesoft_audit.evidence.judge import Wrong
    from mulesoft_audit.evidence.seals import Seals
    from mulesoft_audit.ledger.head import Counted

TRIES = 20  #: rounds of a race with a run that writes the same day


@dataclass(slots=True)
class Repaired:
    """What became of a day.

    Attributes:
        done: what was done, in words.
        fetch: whether entries are to be fetched again.
        salvaged: entries of parts that were set aside, by the keys that name them.
    """

    done: list[str] = field(default_factory=list)
    fetch: bool = False
    salvaged: list[Batch] = field(default_factory=list)


class DayRepair:
    """One day under repair."""

    def __init__(self, store: Store, organization: str, day: date, *, asked: Asked, since: int, seals: Seals) -> None:
        """Prepare.

        Args:
            store: the archive.
            organization: id.
            day: whose objects.
            asked: how the day was looked at.
            since: Unix ms since when everything is to be held; 0 if nobody said.
            seals: what is sealed.
        """
        self._store = store
        self._names = DayNames(organization, day)
        self._asked = asked
        self._since = since
        self._seals = seals
        self._measuring = Measuring(1)

    def run(self, known: Counted | None, forged: frozenset[int], *, fetchable: bool, manifest: bool) -> Repaired:
        """Repair the day.

        Args:
            known: what the head says of it; None if it says nothing.
            forged: numbers of parts whose entries are to be the source's, whatever they hold.
            fetchable: whether the source still has the day's entries.
            manifest: whether the manifest has to be written again whatever is found here.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        for _ in range(TRIES):
            objects = DayObjects(self._names.organization, self._names.day)
            loaded, judged = again(self._store, objects, self._measuring, self._asked)
            with suppress(GenerationMismatch):  # a run wrote it meanwhile: look again
                return self._round(loaded, judged, known, forged, fetchable=fetchable, manifest=manifest)
        raise ArchiveError(f"{self._names.manifest} changes faster than it can be written.", "Stop collecting first.")

    def _round(
        self,
        loaded: Loaded,
        judged: Judged,
        known: Counted | None,
        forged: frozenset[int],
        *,
        fetchable: bool,
        manifest: bool,
    ) -> Repaired:
        done = Repaired()
        wrong = [one for one in judged.wrong if fetchable or not _lost_for_good(one, loaded)]
        aside = {one.number for one in wrong if one.remedy is Remedy.SET_ASIDE and one.number}
        aside |= forged & set(loaded.objects.parts)
        aside -= self._without_keys(loaded, judged, known, fetchable=fetchable)
        keys = {one.number for one in wrong if one.remedy is Remedy.KEYS} - aside
        keys |= {n for n, seen in judged.measured.items() if seen.there and not seen.damaged and not seen.keys} - aside
        for number in sorted(keys):
            self._write_keys(loaded, judged, number, done)
        for number in sorted(aside):
            self._copy(loaded, judged, number, done, salvage=not fetchable and number not in forged)
        oversize = self._oversize(loaded, wrong, done)
        lost = loaded.manifest is None and known is not None
        rewrite = manifest or lost or bool(aside or keys or oversize is not None)
        rewrite = rewrite or any(one.remedy is Remedy.MANIFEST for one in wrong)
        empty = not judged.measured and loaded.manifest is None
        if rewrite and (fetchable or not empty):
            claims = self._claims(loaded, judged, known)
            kept = oversize if oversize is not None else loaded.manifest.oversize if loaded.manifest else []
            self._write_manifest(loaded, judged, Decided(frozenset(aside), claims, kept), known)
            done.done.append(f"wrote {self._names.manifest} again")
        for number in sorted(aside & set(loaded.objects.parts)):
            set_aside(self._store, self._names.part(number), remove=True)
        done.fetch = bool(aside) or lost or any(one.remedy is Remedy.FETCH for one in wrong)
        return done

    # Keys.

    def _write_keys(self, loaded: Loaded, judged: Judged, number: int, done: Repaired) -> None:
        """Make a part's keys again from its lines; those of a part that counts for nothing are empty."""
        name = self._names.part(number)
        part = self._store.read(name)
        data = derive_keys(part.data, name, loaded.objects.start).keys.data if part else b""
        self._replace_keys(number, data)
        judged.measured[number] = measure(part.data if part else None, data, loaded.objects.start)
        done.done.append(f"wrote {self._names.keys(number)} again")

    def _replace_keys(self, number: int, data: bytes) -> None:
        name = self._names.keys(number)
        held = self._store.read(name)
        if held is None or held.data != data:
            self._store.replace(name, data, held.generation if held else 0)

    # Parts.

    def _copy(self, loaded: Loaded, judged: Judged, number: int, done: Repaired, *, salvage: bool) -> None:
        """Copy a part into the quarantine, and empty its keys; it is removed once the manifest says so."""
        name = self._names.part(number)
        if salvage:
            done.salvaged += self._salvaged(loaded, judged, number)
        if copy := set_aside(self._store, name, remove=False):
            done.done.append(f"moved {name} to {copy}")
        else:
            done.done.append(f"counted {name} for nothing, as it is gone")
        if number in loaded.objects.keys:
            set_aside(self._store, self._names.keys(number), remove=False)
        self._replace_keys(number, b"")

    def _salvaged(self, loaded: Loaded, judged: Judged, number: int) -> list[Batch]:
        """Return the lines of a damaged part whose keys the manifest vouches for."""
        named = {part.number: part for part in loaded.manifest.parts} if loaded.manifest else {}
        part, keys = self._store.read(self._names.part(number)), self._store.read(self._names.keys(number))
        if not part or not keys or number not in named or judged.measured[number].keys != named[number].keys_sha256:
            return []
        times = {key[1:]: key[0] for key in Keys(keys.data)}
        batch = Batch(loaded.objects.day)
        with suppress(ArchiveError):  # up to where it is damaged
            for line in read_lines(part.data, self._names.part(number)):
                _, _, [key] = recognize([line])
                if key in times:
                    batch.add([line], [times[key]], [key])
        return [batch] if batch.size else []

    def _without_keys(self, loaded: Loaded, judged: Judged, known: Counted | None, *, fetchable: bool) -> set[int]:
        """Return the parts without keys that a lost manifest named, as far as something vouches for them.

        A seal does. Where the source keeps the day no more, it has to do that the head counts just as many entries.
        """
        if loaded.manifest is not None or known is None:
            return set()
        parts = {n: seen for n, seen in judged.measured.items() if seen.there and not seen.damaged}
        everything = sum(seen.entries if n in parts else seen.keys_entries for n, seen in judged.measured.items())
        if not fetchable and everything + len(loaded.objects.oversize) == known.held:
            return {number for number, seen in parts.items() if not seen.keys}
        sealed = self._seals.objects
        return {n for n, seen in parts.items() if not seen.keys and sealed.get(self._names.part(n)) == seen.sha256}

    def _claims(self, loaded: Loaded, judged: Judged, known: Counted | None) -> frozenset[int]:
        """Return the numbers with keys and without a part that the manifest does not name.

        Of a manifest that is lost they may be parts that a feed removed: they are, if the head's count says so.
        """
        named = loaded.manifest.numbers() if loaded.manifest else set()
        found = frozenset(n for n, seen in judged.measured.items() if not seen.there and n not in named)
        if loaded.manifest is None and known:
            everything = sum(seen.entries if seen.there else seen.keys_entries for seen in judged.measured.values())
            if everything + len(loaded.objects.oversize) == known.held:
                return frozenset()
        return found

    def _write_manifest(self, loaded: Loaded, judged: Judged, decided: Decided, known: Counted | None) -> None:
        if loaded.damaged:
            set_aside(self._store, self._names.manifest, remove=False)
        frozen = self._seals.days.get((self._names.organization, self._names.day.isoformat()))
        sealed = frozen.revision if frozen else 0
        made = rebuilt(loaded, judged.measured, decided, known, since=self._since, sealed=sealed)
        self._store.replace(self._names.manifest, manifests.encode(made), loaded.generation)

    # Entries beside the feed.

    def _oversize(self, loaded: Loaded, wrong: list[Wrong], done: Repaired) -> list[Oversize] | None:
        """Set aside what is damaged of them; return those that are kept if they change, else None."""
        bad = {one.path for one in wrong if one.path.startswith("state/oversize/") and one.remedy}
        for name in sorted(bad):
            if copy := set_aside(self._store, name, remove=True):
                done.done.append(f"moved {name} to {copy}")
        if loaded.manifest is None:
            found = [self._described(loaded, name) for name in sorted(loaded.objects.oversize) if name not in bad]
            return [one for one in found if one]
        if not bad:
            return None
        return [item for item in loaded.manifest.oversize if item.name not in bad]

    def _described(self, loaded: Loaded, name: str) -> Oversize | None:
        held = self._store.read(name)
        line = next(iter(read_lines(held.data, name)), b"") if held else b""
        if hashlib.sha256(line).hexdigest() not in name:
            return None
        _, [time], [key] = recognize([line])
        moment = min(max((time or 0) - loaded.objects.start, 0), 86_400_000 - 1)
        return Oversize(name, len(line), RECORD.pack(moment, *key))


def _lost_for_good(one: Wrong, loaded: Loaded) -> bool:
    """Return whether nothing would be won by counting this for nothing: there is no object, and no source for it."""
    there = one.number in loaded.objects.parts or one.path in loaded.objects.oversize
    return one.kind is Kind.MISSING and one.remedy in (Remedy.SET_ASIDE, Remedy.FETCH) and not there
