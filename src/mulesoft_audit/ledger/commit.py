"""Bringing a batch into a day exactly once, whatever others do at the same time and whatever is lost."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit.archive.layout import oversize_name
from mulesoft_audit.archive.part import PartWriter
from mulesoft_audit.archive.store import ObjectExists
from mulesoft_audit.errors import SourceError
from mulesoft_audit.ledger.claims import Claims
from mulesoft_audit.ledger.keys import Keys, Unseen, unseen
from mulesoft_audit.ledger.manifest import Damaged, Oversize, digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mulesoft_audit.ledger.batch import Batch, Sealed
    from mulesoft_audit.ledger.day import Day
    from mulesoft_audit.ledger.manifest import Manifest, PartEntry

log = logging.getLogger(__name__)

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


def commit(day: Day, batch: Batch, relatives: Sequence[Day] = (), *, count_repeated: bool = True) -> Committed:
    """Bring what is new of `batch` into the archive.

    A part's number is claimed by creating its keys object before the part; see `claims`.

    Args:
        day: whose entries they are.
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
    with day.lock:
        day.load(again=True)
        claims = Claims(day)
        while True:
            if sealed:
                claims.finish(sealed)
            found = _unseen(day, seen, sealed, relatives)
            fresh = [index for index in found.new if index < lines]
            if not (sealed and fresh) or claims.create(sealed.only(fresh)):
                break
        _keep_oversize(day, [batch.oversize[index - lines] for index in found.new if index >= lines])
        counted = len(found.repeated) if count_repeated else 0
        if found.new or counted:
            day.write(lambda manifest: _add_to_source(manifest, counted))
        return Committed(len(found.new), len(found.repeated))


def _unseen(day: Day, seen: Keys, sealed: Sealed | None, relatives: Sequence[Day]) -> Unseen:
    ordered = seen.ordered()
    low, high = ordered.at(0), ordered.at(len(ordered) - 1) + 1
    try:
        held = day.keys_between(low, high)
    except Damaged:
        if sealed:
            _recover_keys(day, day.parts_between(low, high), sealed)
        held = day.keys_between(low, high)
    elsewhere = [key for one in relatives for key in one.load().keys_between(low, high)]
    if not held and not elsewhere:  # as for most of a backfill, whose keys need not be looked at one by one
        return Unseen(range(len(seen)), [], 0)
    found = unseen(list(seen), held, elsewhere)
    if len(held) >= ENOUGH_TO_JUDGE and min(found.missing, len(found.new)) > len(held) / 2:
        raise Respelled(
            f"Of {len(held)} entries that the archive holds of organization {day.organization} on {day.day}, "
            f"Anypoint gives {found.missing} no more, and {len(found.new)} others in their place: it seems to "
            "write entries in another way than before.",
            "Nothing of that time was written, because it would be delivered twice. Please report this.",
        )
    return found


def _recover_keys(day: Day, parts: list[PartEntry], seen: Sealed) -> None:
    """Make lost keys again from what the source gives; where that cannot be told, count their part for nothing."""
    for part in parts:
        if not day.part_keys.rebuild(day.manifest, part, seen):
            day.part_keys.give_up(day.manifest, part, seen)
    day.write()


def _keep_oversize(day: Day, entries: list[tuple[bytes, bytes]]) -> None:
    """Keep entries too long for the feed beside it, each under a name that its bytes and its twins decide."""
    for line, record in entries:
        sha256 = digest(line)
        twins = sum(sha256 in item.name for item in day.manifest.oversize)
        name = oversize_name(day.organization, day.day, sha256, twins + 1)
        writer = PartWriter()
        writer.add(line + b"\n", 1)
        with suppress(ObjectExists):  # its name says its content: a crash, or another run, put it there
            day.store.create(name, writer.finish().data)
        log.warning("An entry of %d bytes is too long for the feed; it is kept in %s", len(line), name)
        day.include([], [Oversize(name, len(line), record)])


def _add_to_source(manifest: Manifest, entries: int) -> None:
    if entries:
        manifest.source = manifest.held + manifest.difference + entries
