"""Answering a query from a log: which entries, in which page, with which total and cursor."""

from __future__ import annotations

import re
import zlib
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anypoint_simulator.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anypoint_simulator.behaviour import Behaviour
    from anypoint_simulator.log import Log
    from anypoint_simulator.query import Filters, Query

CURSOR = re.compile(r"(-?\d{1,18})_([0-9a-f]{12})([0-9a-f]{8})([0-9a-f]{12})")
KEPT = 8


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an answer.

    Attributes:
        bodies: the entries' bytes.
        total: of the whole query; None if it is not to be told.
        cursor: where the next page starts; "" if there is none.
    """

    bodies: list[bytes]
    total: int | None
    cursor: str


class Matches:
    """Finds the positions a query asks for; remembers the last filtered ones, which cost a scan."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], list[int]] = OrderedDict()

    def find(self, log: Log, query: Query) -> Sequence[int]:
        """Return the matching positions in ascending order."""
        span = log.span(query.start, query.end)
        return self._filtered(log, span, query.filters) if query.filters.any else span

    def _filtered(self, log: Log, span: range, filters: Filters) -> list[int]:
        key = (log.serial, log.version, span, filters)
        if key not in self._kept:
            self._kept[key] = [position for position in span if filters.match(log.facets(position))]
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]


def page_of(log: Log, query: Query, matches: Sequence[int], behaviour: Behaviour, now: float) -> Page:
    """Return the page a query asks for.

    Raises:
        RefusedError: 400, the cursor is not one of this query's, or too old.
    """
    chosen = _after_cursor(log, query, matches, behaviour, now) if query.cursor_mode else _at_offset(query, matches)
    bodies = log.bodies(chosen, current_names=behaviour.renames and not query.versioned)
    total = min(len(matches), behaviour.total_cap) if behaviour.total_cap else len(matches)
    if not query.cursor_mode:
        return Page(bodies, total, "")
    told = query.include_total and (bool(bodies) or behaviour.total_on_empty_page)
    cursor = _make_cursor(*log.key(chosen[-1]), _binding(query, behaviour), now) if chosen else ""
    return Page(bodies, total if told else None, cursor)


def _at_offset(query: Query, matches: Sequence[int]) -> Sequence[int]:
    count = len(matches)
    first, last = min(query.offset, count), min(query.offset + query.limit, count)
    if query.ascending:
        return matches[first:last]
    return matches[count - last : count - first][::-1]


def _after_cursor(log: Log, query: Query, matches: Sequence[int], behaviour: Behaviour, now: float) -> Sequence[int]:
    if not query.cursor:
        return matches[: query.limit] if query.ascending else matches[max(0, len(matches) - query.limit) :][::-1]
    timestamp, sequence = _read_cursor(query, behaviour, now)
    if query.ascending:
        first = bisect_left(matches, log.rank(timestamp, sequence + 1))
        return matches[first : first + query.limit]
    last = bisect_left(matches, log.rank(timestamp, sequence))
    return matches[max(0, last - query.limit) : last][::-1]


def _binding(query: Query, behaviour: Behaviour) -> int:
    """Return a digest of what may not change under a cursor."""
    if behaviour.cursor_bound_to == "nothing":
        return 0
    dates = (query.start, query.end) if behaviour.cursor_bound_to == "query" else ()
    return zlib.crc32(repr((query.filters.identity, query.ascending, dates)).encode())


def _make_cursor(timestamp: int, sequence: int, binding: int, now: float) -> str:
    return f"{timestamp}_{sequence:012x}{binding:08x}{max(0, int(now * 1000)):012x}"


def _read_cursor(query: Query, behaviour: Behaviour, now: float) -> tuple[int, int]:
    found = CURSOR.fullmatch(query.cursor)
    if not found or int(found[3], 16) != _binding(query, behaviour):
        raise RefusedError(400, "the cursor is not one of this query")
    age = now - int(found[4], 16) / 1000
    if behaviour.cursor_expiry_seconds and age > behaviour.cursor_expiry_seconds:
        raise RefusedError(400, "the cursor has expired")
    return int(found[1]), int(found[2], 16)
