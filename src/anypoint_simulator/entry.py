"""One audit entry as the simulator holds it: its exact bytes, and what filters ask about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple


class Facets(NamedTuple):
    """What filters compare, and the objects as pairs of id and name.

    The subaction is "None" where there is none, which is how a published script asks for such entries.
    """

    platforms: tuple[str, ...]
    actions: tuple[str, ...]
    subactions: tuple[str, ...]
    object_types: tuple[str, ...]
    object_ids: tuple[str, ...]
    parent_ids: tuple[str, ...]
    environment_ids: tuple[str, ...]
    user_ids: tuple[str, ...]
    client_ids: tuple[str, ...]
    transaction_ids: tuple[str, ...]
    failed: bool
    named: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    Attributes:
        timestamp: milliseconds.
        sequence: orders entries of one millisecond; never shown but inside cursors.
        body: the exact bytes that are served.
        exists_at: epoch seconds from which on it has happened; 0: always.
        visible_at: epoch seconds from which on queries find it; 0: always.
    """

    timestamp: int
    sequence: int
    body: bytes
    facets: Facets
    exists_at: float = 0
    visible_at: float = 0

    @property
    def key(self) -> tuple[int, int]:
        """Its place in the order of the log."""
        return self.timestamp, self.sequence


def facets_of(document: dict[str, Any]) -> Facets:
    """Read an entry's facets; what is missing or null is simply not there to match."""
    objects = [item for item in document.get("objects") or [] if isinstance(item, dict)]
    payload = document.get("payload")
    subaction = payload.get("subaction") if isinstance(payload, dict) else None
    return Facets(
        _texts(document.get("platform")),
        _texts(document.get("action")),
        _texts(subaction or document.get("subaction") or "None"),
        _texts(*(item.get("objectType") for item in objects)),
        _texts(*(item.get("objectId") for item in objects)),
        _texts(*(item.get("parentId") for item in objects)),
        _texts(*(item.get("environmentId") for item in objects)),
        _texts(document.get("userId")),
        _texts(document.get("clientId")),
        _texts(document.get("anypointTransactionId")),
        document.get("failed") is True,
        tuple((str(item.get("objectId")), str(item.get("objectName"))) for item in objects),
    )


def _texts(*values: object) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str))


def read_entry(body: bytes) -> tuple[int, Facets]:
    """Return timestamp and facets of an entry given as bytes.

    Raises:
        ValueError: it is not a JSON object with an integer timestamp.
    """
    # The standard library reads every legal spelling, lone surrogate escapes included; msgspec refuses those.
    document = json.loads(body)
    if not isinstance(document, dict) or type(document.get("timestamp")) is not int:
        raise ValueError("an entry is a JSON object with an integer timestamp")
    return document["timestamp"], facets_of(document)
