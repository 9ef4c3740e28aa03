"""Entries of an archive as one stream in order of time.

Manifests name the parts, keys objects the time of each line: a part is opened when its time comes, and a day outside
the time asked for never. What is held in memory are the compressed parts that overlap in time, a few that are read
ahead, and about a quarter of a megabyte of lines of each.
"""

from __future__ import annotations

from itertools import groupby, starmap
from typing import TYPE_CHECKING, TypeVar

from mulesoft_audit.archive.layout import (
    DAY_MS,
    day_of_manifest,
    day_start,
    days_between,
    manifest_name,
    manifests_of,
)
from mulesoft_audit.ledger import manifest as manifests
from mulesoft_audit.ledger import registry
from mulesoft_audit.ledger.manifest import Damaged, Manifest
from mulesoft_audit.reading.ahead import begun_ahead, read_ahead, readers
from mulesoft_audit.reading.blocks import FOREVER, in_blocks
from mulesoft_audit.reading.entry import Entry
from mulesoft_audit.reading.pieces import Piece, load, pieces_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from concurrent.futures import ThreadPoolExecutor
    from datetime import date

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.reading.blocks import Content

    Problem = Callable[[Damaged], None]

T = TypeVar("T")

FEW_DAYS = 62  #: so many are asked for by name; of more, those that are there are listed


def entries(
    store: Store,
    since: int = 0,
    until: int = FOREVER,
    organizations: Collection[str] | None = None,
    problem: Problem | None = None,
) -> Iterator[Entry]:
    """Yield the entries from `since` up to but not including `until` (Unix ms), in order of time.

    Entries of one millisecond come in one order at each reading: by organization, then as the parts hold them.

    Args:
        store: the archive; nothing is written there.
        since: Unix ms.
        until: Unix ms.
        organizations: their ids; None for all.
        problem: is told of each manifest or part that is lost or damaged, and the rest is read; without it, the first
            is raised.

    Raises:
        Damaged: a manifest or part is lost or damaged.
        ArchiveError: the archive cannot be read, or a newer version wrote it.
    """
    for block in in_order(store, lambda piece: load(store, piece), (since, until), organizations, problem):
        yield from starmap(Entry, block)


def in_order(
    store: Store,
    read: Callable[[Piece], Content[T]],
    stretch: tuple[int, int],
    organizations: Collection[str] | None = None,
    problem: Problem | None = None,
) -> Iterator[list[tuple[int, str, T]]]:
    """Yield what is made of the entries between two times (Unix ms), in order of time, many at once; see `entries`.

    Args:
        store: the archive.
        read: reads a part, in a thread.
        stretch: from the first, up to but not including the second.
        organizations: their ids; None for all.
        problem: as `entries`.

    Raises:
        Damaged: a manifest or part is lost or damaged.
    """
    tell = problem or _give_up
    ids = sorted(registry.load(store)[0].organizations if organizations is None else organizations)
    with readers() as for_manifests, readers() as pool:  # what to read next does not wait for what is being read
        wanted = pieces(for_manifests, store, ids, stretch, tell)
        yield from in_blocks(begun_ahead(pool, wanted, read, lambda piece: piece.size), stretch, tell)


def days_held(store: Store, organization: str, since: int, until: int) -> list[date]:
    """Return the days between `since` and `until` (Unix ms) that may be in the archive, in order.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    if until - since <= FEW_DAYS * DAY_MS:
        return list(days_between(since, until))
    found = (day_of_manifest(organization, item.name) for item in store.list(manifests_of(organization)))
    return sorted(day for day in found if day and since < day_start(day) + DAY_MS and day_start(day) < until)


def pieces(
    pool: ThreadPoolExecutor, store: Store, organizations: list[str], stretch: tuple[int, int], tell: Problem
) -> Iterator[Piece]:
    """Yield the pieces that have entries between two times (Unix ms), in order of their first entry."""
    since, until = stretch
    wanted = sorted((day, one) for one in organizations for day in days_held(store, one, since, until))
    read = read_ahead(pool, wanted, lambda key: _manifest(store, *key))
    for _, of_day in groupby(read, key=lambda one: one[0][0]):
        found: list[Piece] = []
        for (day, organization), manifest in of_day:
            if isinstance(manifest, Damaged):
                tell(manifest)
            elif manifest:
                found += pieces_of(manifest, organization, day)
        found.sort(key=lambda piece: (piece.first, piece.organization))
        yield from (piece for piece in found if piece.last >= since and piece.first < until)


def _manifest(store: Store, day: date, organization: str) -> Manifest | None:
    name = manifest_name(organization, day)
    held = store.read(name)
    return manifests.decode(held.data, name) if held else None


def _give_up(error: Damaged) -> None:
    raise error
