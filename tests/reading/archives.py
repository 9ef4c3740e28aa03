"""An archive that holds what a test wants, written as a run writes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.entry import recognize
from mulesoft_audit.archive.layout import day_of, day_start
from mulesoft_audit.ledger import registry
from mulesoft_audit.ledger.batch import Batch
from mulesoft_audit.ledger.commit import commit
from mulesoft_audit.ledger.day import Day
from mulesoft_audit.ledger.days import Days
from mulesoft_audit.ledger.head import Head
from mulesoft_audit.ledger.head import load as load_head
from mulesoft_audit.ledger.head import save as save_head

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mulesoft_audit.archive.store import Store

DAY = 86_400_000
START = 20_000 * DAY  #: 2024-10-04


def line(time: int, **fields: object) -> bytes:
    """Return an entry."""
    return json.dumps({"timestamp": time, "action": "Login", **fields}).encode()


def add(store: Store, organization: str, lines: Iterable[bytes]) -> None:
    """Bring entries into an archive: a part a day, its lines in the order given."""
    found = list(lines)
    _, times, keys = recognize(list(found))
    by_day: dict[int, list[int]] = {}
    for index, time in enumerate(times):
        assert time is not None
        by_day.setdefault(time // DAY, []).append(index)
    head, generation = load_head(store, organization)
    days = Days(store, organization, head.days)
    for number, indices in by_day.items():
        batch = Batch(day_of(number * DAY))
        start = day_start(batch.day)
        batch.add([found[i] for i in indices], [(times[i] or 0) - start for i in indices], [keys[i] for i in indices])
        day = days.get(batch.day)
        commit(day, batch)
        days.note(day)
    save_head(store, Head(organization, days=days.counted), generation)


def name(store: Store, **names: str) -> None:
    """Enter organizations by id and name into the archive's registry."""
    held, generation = registry.load(store)
    registry.save(store, held, generation, "", {key: registry.Known(value) for key, value in names.items()})


def day(store: Store, organization: str, time: int) -> Day:
    """Return an organization's day."""
    return Day(store, organization, day_of(time)).load()
