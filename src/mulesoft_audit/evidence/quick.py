"""A cheap look at an archive: whether its objects are there, and of the right size. No part is read."""

from __future__ import annotations

from datetime import date
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING

from mulesoft_audit.archive import layout
from mulesoft_audit.evidence.day import Loaded, load
from mulesoft_audit.evidence.finding import Kind
from mulesoft_audit.evidence.inventory import Inventory
from mulesoft_audit.evidence.judge import Wrong, is_given_up
from mulesoft_audit.evidence.standing import read_standing
from mulesoft_audit.evidence.workers import READERS
from mulesoft_audit.ledger.keys import SIZE

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.evidence.finding import Finding

NEWEST = 200  #: days whose manifests are read, of all organizations together


def quick_look(store: Store) -> list[Finding]:
    """Return what is missing, or of a wrong size, by listings, heads and the newest manifests.

    Raises:
        ArchiveError: the archive cannot be read, or a newer version wrote it.
    """
    standing = read_standing(store)
    days = list(Inventory(store).days())
    newest = sorted(days, key=lambda one: one.day)[-NEWEST:]
    with ThreadPool(READERS) as pool:
        loaded = pool.map(lambda one: load(store, one), newest, chunksize=1)
    found = [
        wrong.told(one.objects.organization, standing.name(one.objects.organization), one.objects.day)
        for one in loaded
        for wrong in sizes(one)
    ]
    there = {(one.organization, one.day.isoformat()) for one in days if one.manifest}
    known = [(organization, day) for organization in standing.heads for day in standing.head_days(organization)]
    found += [_missing_manifest(one, standing.name(one), day) for one, day in known if (one, day) not in there]
    return [*standing.wrong, *(one for one in found if one.is_problem)]


def sizes(loaded: Loaded) -> list[Wrong]:
    """Return which objects of a day are missing or of a wrong size, by its manifest and its listing."""
    names, objects, manifest = loaded.names, loaded.objects, loaded.manifest
    if loaded.damaged:
        return [Wrong(Kind.DAMAGED, names.manifest, "a manifest", loaded.damaged)]
    if manifest is None:
        return []
    found: list[Wrong] = []
    for part in manifest.parts:
        listed, keys = objects.parts.get(part.number), objects.keys.get(part.number)
        expected = f"{part.size:,} bytes"
        if listed is None and keys is None and not is_given_up(part):
            found.append(Wrong(Kind.MISSING, names.part(part.number), expected, "no object"))
        elif listed is not None and listed.size != part.size:
            found.append(Wrong(Kind.ALTERED, names.part(part.number), expected, f"{listed.size:,} bytes"))
        if keys is None or keys.size != part.entries * SIZE:
            text = f"{keys.size:,} bytes" if keys else "no object"
            kind = Kind.ALTERED if keys else Kind.MISSING
            found.append(Wrong(kind, names.keys(part.number), f"{part.entries * SIZE:,} bytes", text))
    strange = sorted(set(objects.parts) - manifest.numbers() - set(objects.keys))
    text = "an object that nothing knows"
    return [*found, *(Wrong(Kind.UNKNOWN, names.part(number), "no such part", text) for number in strange)]


def _missing_manifest(organization: str, name: str, day: str) -> Finding:
    moment = date.fromisoformat(day)
    path = layout.manifest_name(organization, moment)
    return Wrong(Kind.MISSING, path, "a manifest, as the head says", "no object").told(organization, name, moment)
