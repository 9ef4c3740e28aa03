"""The head of an organization: since when its archive is to hold everything, and a cache of what the manifests say.

Only `since` is decided here, and it is in `state/organizations.json` and every manifest too. All else is made again,
from the manifests or by asking the source, if the head is lost: what it says is compared with the source on each run.
"""

from __future__ import annotations

import logging
import struct
from random import random
from time import sleep
from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit.archive.layout import head_name
from mulesoft_audit.archive.store import GenerationMismatch
from mulesoft_audit.backoff import backoff
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.ledger.manifest import FORMAT, Damaged, decode_document
from mulesoft_audit.times import earliest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.ledger.keys import Key

log = logging.getLogger(__name__)

TRIES = 50
MOST_NEWEST = 2_000  #: of the newest entries whose keys are kept: ten pages
_KEY = struct.Struct(">Q16sI")


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """What a manifest said of its day.

    Attributes:
        revision: how often the manifest was written by then.
        generation: its generation in the store.
        held: entries in the archive.
        source: entries that the source had.
        unreadable: how many of them could not be read.
    """

    revision: int
    generation: int
    held: int
    source: int
    unreadable: int = 0

    @property
    def differs(self) -> bool:
        """Whether the source had another number of entries than are held: then only a whole day tells anything."""
        return self.held != self.source


class Head(msgspec.Struct, omit_defaults=True):
    """Where an organization stands. Times are Unix milliseconds.

    Attributes:
        organization: whose head.
        since: 00:00 UTC of the day since when everything is to be held; 0 if nobody said.
        days: what the manifests say, by day (YYYY-MM-DD).
        known_from: from here on, `newest` has every entry that the source gave; 0 if that is unknown.
        newest: the newest entries' times, identities and checksums.
        unread: stretches that a run was reading when it was stopped; the next one begins with them.
        totals: what the source's totals are worth; see `collect.totals`. 0: they count; -1: they prove nothing; more:
            they stop at that number.
        rolls_up: whether this organization's log repeats the logs of the business groups below it; None if unknown.
        below: ids of the business groups whose logs it repeats.
        proved_from: since when the archive once equalled the source; 0 if that was never proved.
        format: of this document.
        looked: day since 1970 on which was last looked for what balances by accident.
    """

    organization: str
    since: int = 0
    days: dict[str, Counted] = {}
    known_from: int = 0
    newest: bytes = b""
    unread: list[tuple[int, int]] = []
    totals: int = 0
    rolls_up: bool | None = None
    below: list[str] = []
    proved_from: int = 0
    format: int = 0
    looked: int = 0

    def newest_keys(self) -> list[Key]:
        """Return `newest` as keys, their times in Unix milliseconds."""
        if len(self.newest) % _KEY.size:
            return []
        return list(_KEY.iter_unpack(self.newest))

    def keep_newest(self, keys: Iterable[Key], known_from: int) -> None:
        """Keep the newest entries' keys, of whole milliseconds, from `known_from` on."""
        self.newest = b"".join(_KEY.pack(*key) for key in sorted(keys))
        self.known_from = known_from

    def learn_newest(self, keys: Sequence[Key], read: Iterable[tuple[int, int]]) -> None:
        """Take over what the source gave of stretches of time that were read, from `known_from` on."""
        if not self.known_from:
            return
        kept = [key for key in self.newest_keys() if not any(start <= key[0] < end for start, end in read)]
        if len(kept) + len(keys) > MOST_NEWEST:
            self.keep_newest((), 0)
        else:
            self.keep_newest([*kept, *keys], self.known_from)


def encode(head: Head) -> bytes:
    """Return the head as it is stored."""
    head.format = FORMAT
    return msgspec.json.encode(head) + b"\n"


class _FirstFormat(msgspec.Struct):
    """What is still needed of a head that the first version wrote."""

    wanted: list[tuple[int, int]] = []
    rolls_up: bool | None = None
    below: list[str] = []
    format: int = 0


def load(store: Store, organization: str) -> tuple[Head, int]:
    """Return the organization's head and its generation: an empty one and 0 if there is none.

    A damaged head is taken for a lost one. One of the first format keeps what was asked for, and is filled from the
    manifests by its first run.

    Raises:
        ArchiveError: a newer version wrote it, or the archive cannot be read.
    """
    name = head_name(organization)
    held = store.read(name)
    if held is None:
        return Head(organization), 0
    try:
        old = decode_document(held.data, name, _FirstFormat)
        if old.format < FORMAT:
            since = min((start for start, _ in old.wanted), default=0)
            return Head(organization, since, rolls_up=old.rolls_up, below=old.below), held.generation
        return decode_document(held.data, name, Head), held.generation
    except Damaged:
        log.warning("%s is damaged; it is made again from the manifests", name)
        return Head(organization), held.generation


def save(store: Store, head: Head, generation: int) -> int:
    """Replace the stored head; return its new generation. Where somebody else wrote it too, keep what both can say.

    Raises:
        ArchiveError: the archive cannot be written.
    """
    name = head_name(head.organization)
    for attempt in range(TRIES):
        try:
            return store.replace(name, encode(head), generation)
        except GenerationMismatch:  # others write it too; a hundred of them if a backfill is fanned out
            sleep(backoff(attempt + 1, random(), first=0.02, longest=2.0))
            theirs, generation = load(store, head.organization)
            _merge(head, theirs)
    raise ArchiveError(f"{name} changes faster than it can be written.", "Are many collectors writing one archive?")


def _merge(head: Head, theirs: Head) -> None:
    """Take over what somebody else found out. The newest entries are not known any more: two runs saw others."""
    head.since = earliest(head.since, theirs.since)
    head.proved_from = earliest(head.proved_from, theirs.proved_from)
    for day, counted in theirs.days.items():
        if day not in head.days or head.days[day].revision < counted.revision:
            head.days[day] = counted
    head.unread = [*head.unread, *(one for one in theirs.unread if one not in head.unread)]
    head.rolls_up = theirs.rolls_up if head.rolls_up is None else head.rolls_up
    head.looked = max(head.looked, theirs.looked)
    head.below = sorted({*head.below, *theirs.below})
    head.keep_newest((), 0)
