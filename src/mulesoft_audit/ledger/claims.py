"""Numbers of parts: each is claimed once, by creating the part's keys before the part, and never used for others.

So no entry is written twice whatever a feed deletes. Whoever finds a claim without a part gives its owner time, and
then writes the part in the owner's place, under the owner's number.
"""

from __future__ import annotations

import logging
from time import monotonic, sleep
from typing import TYPE_CHECKING

from mulesoft_audit.archive.store import ObjectExists
from mulesoft_audit.ledger.keys import RECORD, Key, Keys, unseen
from mulesoft_audit.ledger.parts import derive_keys

if TYPE_CHECKING:
    from mulesoft_audit.ledger.batch import Sealed
    from mulesoft_audit.ledger.day import Day

log = logging.getLogger(__name__)

#: Seconds that the owner of a part's number has to write the part before somebody else does. Longer than a write takes.
CLAIM_SECONDS = 15.0
POLL_SECONDS = 0.25


class Claims:
    """The numbers of one day's parts."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._store = day.store
        self._kept = day.lone_claims

    def create(self, sealed: Sealed) -> bool:
        """Write a part under the next free number; False if somebody else has it: look again what is new."""
        number = max([*self._day.manifest.numbers(), *self._kept], default=0) + 1
        name = self._day.names.keys(number)
        try:
            self._store.create(name, sealed.keys.data)
        except ObjectExists:
            self._resolve(number, sealed)
            return False
        return self._create_part(number, sealed, sealed)

    def _create_part(self, number: int, sealed: Sealed, given: Sealed) -> bool:
        metadata = {
            "organization": self._day.organization,
            "day": self._day.day.isoformat(),
            "entries": str(sealed.part.entries),
        }
        try:
            self._store.create(self._day.names.part(number), sealed.part.data, metadata)
        except ObjectExists:
            self._adopt(number, given)
            return False
        self._day.created += 1
        self._day.record(number, sealed)
        return True

    def finish(self, sealed: Sealed) -> None:
        """See to numbers that are in no manifest though higher ones are: somebody writes them, or died doing so."""
        known = self._day.manifest.numbers()
        for number in range(1, max([*known, *self._kept], default=0) + 1):
            if number not in known:
                self._resolve(number, sealed)

    def _resolve(self, number: int, sealed: Sealed) -> None:
        """Take in part `number`, which somebody else claimed; write it in their place if they do not."""
        began = monotonic()
        while True:
            if self._adopt(number, sealed):
                return
            claim = self._kept.get(number) or self._read_claim(number)
            mine = [i for i, there in enumerate(_among(list(sealed.keys), claim)) if there]
            if not mine:
                return
            self._day.refresh()
            if number in self._day.manifest.numbers():
                return
            if monotonic() - began > CLAIM_SECONDS or self._store.alone():
                break
            sleep(POLL_SECONDS)
        low, high = sealed.keys.ordered().at(0), sealed.keys.ordered().at(len(sealed.keys) - 1) + 1
        keys = list(sealed.keys)
        left = unseen([keys[i] for i in mine], self._day.keys_between(low, high)).new
        if left and self._create_part(number, sealed.only([mine[i] for i in left]), sealed):
            log.info("Wrote part %d of %s, which another run had begun", number, self._day.day)
            self._day.write()

    def _read_claim(self, number: int) -> Keys:
        held = self._store.read(self._day.names.keys(number))
        whole = held is not None and len(held.data) % RECORD.size == 0
        self._kept[number] = Keys(held.data if held and whole else b"")
        return self._kept[number]

    def _adopt(self, number: int, given: Sealed) -> bool:
        """Take in part `number`, which another run wrote, and which may lack its keys; False if it is not there.

        Only if it holds something new that the source just gave. Anybody who may write can put a part there, and what
        the source does not give is not to be counted as collected: it is left where it is, for `verify` to tell.
        """
        name = self._day.names.part(number)
        held = self._store.read(name)
        if held is None:
            return False
        part = derive_keys(held.data, name, self._day.start)
        if not self._brings_news(part.keys, given.keys):
            log.warning("%s is in no manifest, and holds nothing that Anypoint gave now; it is left alone", name)
            self._kept.setdefault(number, Keys(b""))
            return True
        log.info("Adopting %s, which another run wrote", name)
        self._day.record(number, part)
        self._day.write()
        return True

    def _brings_news(self, part: Keys, given: Keys) -> bool:
        """Return whether a part holds an entry that was given now and is held nowhere else."""
        keys = list(part)
        both = [key for key, there in zip(keys, _among(keys, given), strict=True) if there]
        if not both:
            return False
        held = self._day.keys_between(min(both)[0], max(both)[0] + 1)
        return bool(unseen(both, held).new)


def _among(seen: list[Key], others: Keys) -> list[bool]:
    """Return for each entry seen whether it is one of the others."""
    new = set(unseen(seen, others).new)
    return [index not in new for index in range(len(seen))]
