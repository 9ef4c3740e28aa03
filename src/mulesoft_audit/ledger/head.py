"""The head of an organization: which time was asked for, which is held, up to which day it is closed.

It saves asking again. It is a hint: lost or stale it costs requests, never an entry, because what it says is compared
with the source on each run.
"""

from __future__ import annotations

from random import uniform
from time import sleep
from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit.archive.layout import day_of_manifest, day_start, head_name, manifest_name, manifests_of
from mulesoft_audit.archive.store import GenerationMismatch
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.ledger.intervals import Interval, union
from mulesoft_audit.ledger.manifest import FORMAT, Manifest, decode, decode_document

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store

TRIES = 50


class Head(msgspec.Struct):
    """Where an organization stands. Times are Unix milliseconds.

    Attributes:
        organization: whose head.
        wanted: stretches that somebody asked for.
        covered: stretches that were read and agreed with the source.
        closed_until: 00:00 UTC of the first day that is still open.
        newest: time of the newest entry held; 0 if there is none.
        rolls_up: whether this organization's log repeats the logs of the business groups below it; None if unknown.
        below: ids of the business groups whose logs it repeats, for a run that is not told of them.
        format: of this document.
    """

    organization: str
    wanted: list[Interval] = []
    covered: list[Interval] = []
    closed_until: int = 0
    newest: int = 0
    rolls_up: bool | None = None
    below: list[str] = []
    format: int = FORMAT

    def merged(self, other: Head) -> Head:
        """Return what two heads know together."""
        return Head(
            self.organization,
            union(self.wanted + other.wanted),
            union(self.covered + other.covered),
            max(self.closed_until, other.closed_until),
            max(self.newest, other.newest),
            other.rolls_up if self.rolls_up is None else self.rolls_up,
            sorted({*self.below, *other.below}),
        )


def load(store: Store, organization: str) -> Head:
    """Return the organization's head; one made from its manifests if it is lost.

    Raises:
        ArchiveError: a newer version wrote it, or the archive cannot be read.
    """
    held = store.read(head_name(organization))
    if held:
        return decode_document(held.data, head_name(organization), Head)
    return _rebuilt(store, organization)


def _rebuilt(store: Store, organization: str) -> Head:
    """Take everything between the first and the last manifest as covered: a gap shows when totals are compared."""
    days = [
        day
        for item in store.list(manifests_of(organization))
        if (day := day_of_manifest(organization, item.name)) is not None
    ]
    if not days:
        return Head(organization)
    name = manifest_name(organization, max(days))
    held = store.read(name)
    last = decode(held.data, name) if held else Manifest(organization, "")
    whole = [(day_start(min(days)), max(last.covered_until, day_start(max(days))))]
    newest = max((day_start(max(days)) + part.last for part in last.parts), default=0)
    return Head(organization, union(whole), union(whole), newest=newest)


def save(store: Store, head: Head) -> Head:
    """Merge `head` into the stored one; return the result.

    Raises:
        ArchiveError: the archive cannot be written.
    """
    name = head_name(head.organization)
    for attempt in range(TRIES):
        held = store.read(name)
        merged = head.merged(decode_document(held.data, name, Head)) if held else head
        data = msgspec.json.encode(merged) + b"\n"
        if held and held.data == data:
            return merged
        try:
            store.replace(name, data, held.generation if held else 0)
        except GenerationMismatch:  # others write it too; a hundred of them if a backfill is fanned out
            sleep(uniform(0, min(2.0, 0.02 * 2**attempt)))
            continue
        return merged
    raise ArchiveError(f"{name} changes faster than it can be written.", "Are many collectors writing one archive?")
