"""What a simulated world contains: how many organizations, days and entries, and which oddities."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from anypoint_simulator.behaviour import Count, Share, switch

WORLD, CONTENT = "World", "Content"


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The recipe of a world. The same recipe (with `now` given) makes the same world, byte for byte."""

    seed: Annotated[int, switch(WORLD, "Same seed, same world.")] = 1
    now: Annotated[float | None, switch(WORLD, "Epoch seconds the world's days end at; omitted: the clock's time.")] = (
        None
    )
    groups: Annotated[
        Annotated[int, Meta(ge=0, le=100)], switch(WORLD, "Business groups below the root; the last is empty.")
    ] = 4
    days: Annotated[int, Meta(ge=0, le=2300), switch(WORLD, "Days of history.")] = 3
    days_ahead: Annotated[
        int, Meta(ge=0, le=60), switch(WORLD, "Days still to come, whose entries appear as time passes.")
    ] = 0
    entries_per_day: Annotated[Count, switch(WORLD, "Entries a weekday and organization, about.")] = 200
    bulk: Annotated[
        int,
        Meta(ge=0, le=20_000_000),
        switch(WORLD, "Entries of 1.1 KB (none with an id) in the first group's last full day."),
    ] = 0

    entry_ids: Annotated[bool, switch(CONTENT, "Entries have an id (undocumented).")] = False
    organization_ids: Annotated[bool, switch(CONTENT, "Entries have an organizationId (undocumented).")] = True
    catalogue: Annotated[bool, switch(CONTENT, "Every documented kind of entry occurs at least once.")] = True
    incident: Annotated[bool, switch(CONTENT, "The incident, told over the last day.")] = True
    odd_json: Annotated[Share, switch(CONTENT, "Share of entries in unusual but legal JSON.")] = 0.01
    twins: Annotated[Count, switch(CONTENT, "Pairs of identical entries in one millisecond.")] = 2
    splits: Annotated[Count, switch(CONTENT, "RPA changes too long for one entry, split over several.")] = 1
    burst: Annotated[Count, switch(CONTENT, "Entries of one group in one single millisecond.")] = 0
    huge: Annotated[Count, switch(CONTENT, "Entries with a payload of --huge-bytes.")] = 1
    huge_bytes: Annotated[Count, switch(CONTENT, "Size of the huge payloads.")] = 1_000_000


def quiet(**changes: object) -> Scenario:
    """Return a scenario without any of the oddities, one day long: for tests that add what they need."""
    plain: dict[str, Any] = {
        "days": 1,
        "catalogue": False,
        "incident": False,
        "odd_json": 0,
        "twins": 0,
        "splits": 0,
        "huge": 0,
    }
    return msgspec.convert(plain | changes, Scenario)
