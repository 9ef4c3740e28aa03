"""One organization's audit log: in order, searchable by time, with entries that appear later than they happened."""

from __future__ import annotations

import heapq
import itertools
import json
import re
from bisect import bisect_left, insort
from operator import attrgetter
from typing import TYPE_CHECKING

from anypoint_simulator.entry import Entry, Facets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from anypoint_simulator.bulk import Bulk

_serials = itertools.count()
by_key = attrgetter("key")
FOREVER = 1 << 62


class Log:
    """The entries of one organization, sorted by (timestamp, sequence).

    A position is an index into the visible entries, valid until `version` changes. A log may have a lazily computed
    base (`Bulk`) under the entries it holds; positions then run over both.

    Attributes:
        serial: no other log of this process has it.
        version: changes whenever the visible entries or their names do.
        renamed: the present names of renamed objects, by id.
    """

    def __init__(self, entries: Iterable[Entry] = (), base: Bulk | None = None) -> None:
        self.serial = next(_serials)
        self.version = 0
        self.renamed: dict[str, str] = {}
        self.base = base
        self._entries: list[Entry] = []
        self._places: list[int] = []  # positions of the held entries, if there is a base
        self._hidden: list[tuple[float, int, Entry]] = []
        self._current: dict[int, bytes] = {}
        self.extend(entries)

    def __len__(self) -> int:
        return len(self._entries) + (len(self.base) if self.base else 0)

    def extend(self, entries: Iterable[Entry]) -> None:
        """Add entries; those that are visible only later stay hidden until `reveal`."""
        for entry in entries:
            if entry.visible_at > 0:
                heapq.heappush(self._hidden, (entry.visible_at, entry.sequence, entry))
            else:
                self._entries.append(entry)
        self._entries.sort(key=by_key)
        self._changed()

    def reveal(self, now: float) -> None:
        """Make visible what is due."""
        if not self._hidden or self._hidden[0][0] > now:
            return
        while self._hidden and self._hidden[0][0] <= now:
            insort(self._entries, heapq.heappop(self._hidden)[2], key=by_key)
        self._changed()

    def hold_back(self, share: float, seconds: float, now: float) -> None:
        """Hide a share of the entries until that long after their timestamps, where that is still to come."""
        everything = [*self._entries, *(entry for _, _, entry in self._hidden)]
        self._entries, self._hidden = [], []
        self.extend(delayed(entry, share, seconds, now) for entry in everything)

    def rename(self, object_id: str, name: str) -> None:
        """Give an object its present name."""
        self.renamed[object_id] = name
        self._current.clear()
        self._changed()

    def rank(self, timestamp: int, sequence: int = -1) -> int:
        """Return how many visible entries come before that key."""
        held = bisect_left(self._entries, (timestamp, sequence), key=by_key)
        return held + (self.base.rank(timestamp, sequence) if self.base else 0)

    def span(self, start: int, end: int | None) -> range:
        """Return the positions of the entries from `start` to `end`, both included."""
        return range(self.rank(start), len(self) if end is None else self.rank(end, FOREVER))

    def key(self, position: int) -> tuple[int, int]:
        """Return (timestamp, sequence) of an entry."""
        base, index = self._find(position)
        return (base.moment(index), base.sequence(index)) if base else self._entries[index].key

    def facets(self, position: int) -> Facets:
        """Return what filters compare of an entry."""
        base, index = self._find(position)
        return base.facets(index) if base else self._entries[index].facets

    def bodies(self, positions: Sequence[int], *, current_names: bool) -> list[bytes]:
        """Return entries' bytes, with the names of their time or with the present ones."""
        if self.base is None and not (current_names and self.renamed):
            entries = self._entries
            return [entries[position].body for position in positions]
        if self.base and isinstance(positions, range) and positions.step == 1 and positions:
            held = bisect_left(self._places, positions.start)
            if held == bisect_left(self._places, positions.stop):
                return self.base.bodies(positions.start - held, positions.stop - held)
        return [self._body(position, current_names) for position in positions]

    def truth(self, start: int, end: int, now: float, *, visible: bool) -> Iterator[bytes]:
        """Yield what has happened in that time, both ends included, with the names of its time.

        Args:
            start: milliseconds.
            end: milliseconds.
            now: epoch seconds; what lies after it has not happened yet.
            visible: leave out what queries do not show yet.
        """
        self.reveal(now)
        found = [(self.key(position), position) for position in self.span(start, end)]
        hidden = {} if visible else {entry.key: entry.body for entry in self._existing(start, end, now)}
        for key, position in sorted([*found, *((key, -1) for key in hidden)]):
            yield hidden[key] if position < 0 else self._body(position, False)

    def _existing(self, start: int, end: int, now: float) -> Iterator[Entry]:
        for _, _, entry in self._hidden:
            if start <= entry.timestamp <= end and entry.exists_at <= now:
                yield entry

    def _find(self, position: int) -> tuple[Bulk | None, int]:
        """Return where an entry lies: the base (or None for the held ones) and its index there."""
        if self.base is None:
            return None, position
        held = bisect_left(self._places, position)
        if held < len(self._places) and self._places[held] == position:
            return None, held
        return self.base, position - held

    def _body(self, position: int, current_names: bool) -> bytes:
        base, index = self._find(position)
        if base:
            return base.body(index)
        entry = self._entries[index]
        return self._renamed(entry) if current_names and self.renamed else entry.body

    def _renamed(self, entry: Entry) -> bytes:
        if entry.sequence not in self._current:
            self._current[entry.sequence] = with_names(entry, self.renamed)
        return self._current[entry.sequence]

    def _changed(self) -> None:
        self.version += 1
        base = self.base
        self._places = [base.rank(*e.key) + held for held, e in enumerate(self._entries)] if base else []


def delayed(entry: Entry, share: float, seconds: float, now: float) -> Entry:
    """Return the entry, or if it is one of the late ones and its time is to come, one that is hidden until then."""
    due = entry.timestamp / 1000 + seconds
    drawn = (entry.sequence * 0x9E37_79B9_7F4A_7C15 & 0xFFFF_FFFF_FFFF_FFFF) / 2**64
    if drawn >= share or due <= now:
        return entry
    return Entry(entry.timestamp, entry.sequence, entry.body, entry.facets, entry.exists_at, due)


def with_names(entry: Entry, names: dict[str, str]) -> bytes:
    """Return an entry's bytes with present object names, everything else untouched."""
    body = entry.body
    for object_id, old in entry.facets.named:
        if object_id in names:
            spelled = b"|".join(re.escape(json.dumps(old, ensure_ascii=ascii_).encode()) for ascii_ in (True, False))
            new = json.dumps(names[object_id], ensure_ascii=False).encode()
            pattern = rb'("objectName"[\s]*:[\s]*)(?:' + spelled + rb")"
            body = re.sub(pattern, lambda found: found[1] + new, body)  # noqa: B023 - used before the next turn
    return body


def merged(logs: Sequence[Log]) -> Log:
    """Return one log of several, as a roll-up shows them."""
    together = Log(entry for log in logs for entry in log._entries)  # noqa: SLF001 - a second constructor
    for log in logs:
        together.renamed |= log.renamed
    return together
