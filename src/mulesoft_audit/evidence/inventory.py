"""The objects of an archive by organization and day, from its listings alone, a day at a time."""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from mulesoft_audit.anypoint.tree import ID
from mulesoft_audit.archive import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulesoft_audit.archive.store import Listed, Store

OVERSIZE = "state/oversize/"
_DAY = "(?P<day>[0-9]{4}/[0-9]{2}/[0-9]{2})"  # \\d has the digits of every script, too
_ORG = rf"(?P<org>{ID.pattern})"
#: What lies in the folders of a day, by kind.
_FORMS = {
    "part": re.compile(rf"audit/{_ORG}/{_DAY}/mulesoft-audit-(?P<number>\d{{6,}})\.json\.gz"),
    "keys": re.compile(rf"state/{_ORG}/{_DAY}\.keys/(?P<number>\d{{6,}})\.bin"),
    "manifest": re.compile(rf"state/{_ORG}/{_DAY}\.manifest\.json"),
    "oversize": re.compile(rf"state/oversize/{_ORG}/{_DAY}/[0-9a-f]{{64}}-\d+\.json\.gz"),
}
#: What else may lie under `state/`: of the archive as a whole, or left behind by a check or a demo.
_OTHERS = re.compile(r"state/(?:organizations\.json|last-run\.json|demo|probe-[0-9a-f]+|(?:tmp|quarantine)/.*)")


class Place(NamedTuple):
    """What a name says: of whom, of which day, what."""

    organization: str
    day: date
    kind: str
    number: int


@dataclass(slots=True)
class DayObjects:
    """What is listed of one organization's day.

    Attributes:
        organization: id.
        day: UTC.
        parts: by number.
        keys: by the number of their part.
        oversize: by name.
        manifest: None if there is none.
    """

    organization: str
    day: date
    parts: dict[int, Listed] = field(default_factory=dict)
    keys: dict[int, Listed] = field(default_factory=dict)
    oversize: dict[str, Listed] = field(default_factory=dict)
    manifest: Listed | None = None

    @property
    def start(self) -> int:
        """00:00 UTC in Unix milliseconds."""
        return layout.day_start(self.day)

    def _add(self, place: Place, item: Listed) -> None:
        if place.kind == "part":
            self.parts[place.number] = item
        elif place.kind == "keys":
            self.keys[place.number] = item
        elif place.kind == "oversize":
            self.oversize[item.name] = item
        else:
            self.manifest = item


def place_of(name: str) -> Place | None:
    """Return what the name of a day's object says; None if it is no such name."""
    for kind, form in _FORMS.items():
        match = form.fullmatch(name)
        if not match or match["org"] in layout.NOT_ORGANIZATIONS:
            continue
        try:
            day = date(*map(int, match["day"].split("/")))
        except ValueError:
            return None
        number = int(match["number"]) if "number" in form.groupindex else 0
        if kind in ("part", "keys"):
            own = layout.part_name if kind == "part" else layout.keys_name
            if name != own(match["org"], day, number) or not number:
                return None
        return Place(match["org"], day, kind, number)
    return None


@dataclass(slots=True)
class Inventory:
    """One walk over an archive's listings.

    Attributes:
        strangers: objects whose names do not belong where they are; filled as the days are walked.
        heads: ids of the organizations that have a head; filled likewise.
    """

    store: Store
    strangers: list[Listed] = field(default_factory=list)
    heads: set[str] = field(default_factory=set)

    def days(self) -> Iterator[DayObjects]:
        """Yield each day of which any object is there, an organization after the other, in order.

        Raises:
            ArchiveError: the archive cannot be listed.
        """
        merged = heapq.merge(*(self._placed(prefix) for prefix in (layout.AUDIT, layout.STATE, OVERSIZE)), key=_order)
        for _, found in groupby(merged, key=_order):
            made: DayObjects | None = None
            for place, item in found:
                made = made or DayObjects(place.organization, place.day)
                made._add(place, item)  # noqa: SLF001 - its own
            if made:
                yield made

    def _placed(self, prefix: str) -> Iterator[tuple[Place, Listed]]:
        for item in self.store.list(prefix):
            oversize = item.name.startswith(OVERSIZE)
            if prefix == layout.STATE and oversize:
                continue  # in a listing of its own
            place = place_of(item.name)
            if place:
                yield place, item
            elif (head := layout.organization_of(item.name)) and ID.fullmatch(head):
                self.heads.add(head)
            elif not _OTHERS.fullmatch(item.name):
                self.strangers.append(item)


def _order(item: tuple[Place, Listed]) -> tuple[str, date]:
    return item[0].organization + "/", item[0].day


def objects_of(store: Store, organization: str, day: date) -> DayObjects:
    """Return what is listed of one day now.

    Raises:
        ArchiveError: the archive cannot be listed.
    """
    found = DayObjects(organization, day)
    path = layout.manifest_name(organization, day).removesuffix(".manifest.json")
    oversize = layout.oversize_name(organization, day, "", 0).rpartition("/")[0] + "/"
    for prefix in (layout.parts_of(organization, day), f"{path}.", oversize):
        for item in store.list(prefix):
            if place := place_of(item.name):
                found._add(place, item)  # noqa: SLF001 - its own
    return found
