"""What a rule found."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

MOST_ENTRIES = 100  #: entries that a finding names; it counts all of them
MOST_VALUES = 100  #: values of a distinct count that a finding names


class Seen(NamedTuple):
    """An entry that counts for a step of a rule, with all that is needed of it.

    Attributes:
        time: Unix milliseconds.
        rule: which of the rules, by its place.
        step: 0 or 1.
        group: values of the fields that the rule groups by.
        value: of the field that the rule counts or remembers; else empty.
        shown: the same for people.
        organization: id of the organization in whose log it is.
        actor, object: a name, or an id where there is none.
        transaction: its anypointTransactionId, or empty.
    """

    time: int
    rule: int
    step: int
    group: tuple[str, ...]
    value: str
    shown: str
    organization: str
    actor: str
    object: str
    transaction: str


#: What a `Seen` is made of: most of what is seen is for nothing, and dropped before it is made one.
Raw = tuple[int, int, int, tuple[str, ...], str, str, str, str, str, str]


class Named(msgspec.Struct, frozen=True):
    """An entry of a finding: its time in ISO 8601 (UTC), and its transaction id."""

    time: str
    transaction: str


class Finding(msgspec.Struct, frozen=True):
    """What a rule found. Its fields are the keys of `detect --json`.

    Attributes:
        rule: the rule's id.
        organization: name of the organization in whose log the last entry is, or its id.
        actor: who did it, in the last entry: a name, or an id where there is none.
        object: what it was done to, in the last entry: likewise.
        first, last: times of the first and the last entry, ISO 8601, UTC.
        count: entries.
        values: the values that a distinct count counted, or the one that is new; sorted; at most 100.
        entries: the first 100 entries.
    """

    rule: str
    severity: str
    title: str
    organization: str
    actor: str
    object: str
    first: str
    last: str
    count: int
    values: list[str]
    entries: list[Named]


class Stretch:
    """Entries on their way to a finding: what is kept of them does not grow with their number."""

    __slots__ = ("count", "entries", "last", "values")

    def __init__(self) -> None:
        self.count = 0
        self.values: dict[str, str] = {}
        self.entries: list[Seen] = []
        self.last: Seen | None = None

    def add(self, seen: Seen) -> None:
        """Add an entry."""
        self.count += 1
        self.last = seen
        if len(self.entries) < MOST_ENTRIES:
            self.entries.append(seen)
        if seen.value and len(self.values) < MOST_VALUES:
            self.values[seen.value] = seen.shown


def iso(milliseconds: int) -> str:
    """Return a Unix time in milliseconds as ISO 8601 in UTC, to the millisecond."""
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{_minute(minutes)}{rest // 1000:02d}.{rest % 1000:03d}Z"


@lru_cache(maxsize=256)
def _minute(minutes: int) -> str:
    return f"{datetime.fromtimestamp(minutes * 60, UTC):%Y-%m-%dT%H:%M:}"
