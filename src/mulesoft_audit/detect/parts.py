"""Comparing the parts of an archive with the rules on every core.

A process takes a whole part and gives back what counts for a rule; that is smaller than the part was, compressed. What
rules remember from one entry to the next is in this process alone, and sees everything in order of time.
"""

from __future__ import annotations

import marshal
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from mulesoft_audit.archive.layout import day_start
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.detect.matching import Matcher
from mulesoft_audit.processes import Processes
from mulesoft_audit.reading.pieces import Loaded, Piece, load
from mulesoft_audit.reading.stream import in_order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.detect.condition import Lists
    from mulesoft_audit.detect.finding import Raw
    from mulesoft_audit.detect.rule import Rule
    from mulesoft_audit.reading.stream import Content

FEW = 4 << 20  #: bytes of parts, some ten thousand entries, below which starting processes takes longer
AT_ONCE = 1000  #: of what was seen, held as objects at a time


def seen_in(
    store: Store,
    matcher: Matcher,
    rules: Sequence[Rule],
    lists: Lists,
    stretch: tuple[int, int],
    organizations: Collection[str] | None,
    cores: int = 0,
) -> Iterator[Raw]:
    """Yield what counts for a step of a rule, in order of time.

    Args:
        store: the archive.
        matcher: compares what is compared in this process, and counts all that is looked at.
        rules: what to look for.
        lists: allow lists by name.
        stretch: from the first time up to but not including the second, Unix ms.
        organizations: their ids; None for all.
        cores: processes; 0 for as many as there are cores.

    Raises:
        Damaged: a manifest or part is lost or damaged.
        ArchiveError: the archive cannot be read.
    """
    local = store.root if isinstance(store, LocalStore) else None
    processes: Processes[_There] = Processes(partial(_Compare, rules, lists, local), FEW, cores)

    def read(piece: Piece) -> Content[Raw]:
        if processes.worthwhile(piece.size):
            return _Counted(matcher, processes(piece if local else load(store, piece), *stretch))
        return _Here(matcher, load(store, piece))

    try:
        yield from in_order(store, read, itemgetter(0), stretch, organizations)
    finally:
        processes.close()


class _Here(NamedTuple):
    """A part that is compared as it is asked for."""

    matcher: Matcher
    loaded: Loaded

    def entries(self, since: int, until: int) -> Iterator[Raw]:
        return chain.from_iterable(_compared(self.matcher, self.loaded, since, until))


class _There(NamedTuple):
    """What a process found in a part.

    Attributes:
        looked_at: entries.
        unreadable: those that are no JSON object.
        seen: what counts for a step: lists of it, each marshalled.
    """

    looked_at: int
    unreadable: int
    seen: list[bytes]


class _Counted(NamedTuple):
    """What a process found in a part, counted as it is taken."""

    matcher: Matcher
    found: _There

    def entries(self, since: int, until: int) -> Iterator[Raw]:
        self.matcher.looked_at += self.found.looked_at
        self.matcher.unreadable += self.found.unreadable
        for chunk in self.found.seen:
            yield from marshal.loads(chunk)  # noqa: S302 - a process of our own wrote it


class _Compare:
    """What each process does with a part."""

    def __init__(self, rules: Sequence[Rule], lists: Lists, root: Path | None) -> None:
        """Make ready; of an archive in a folder each reads its parts itself."""
        self._matcher = Matcher(rules, lists)
        self._store = LocalStore(root) if root else None

    def __call__(self, part: Piece | Loaded, since: int, until: int) -> _There:
        matcher = self._matcher
        loaded = load(self._store, part) if self._store and isinstance(part, Piece) else part
        assert isinstance(loaded, Loaded)  # noqa: S101 - only where there is a folder, a piece is given
        matcher.looked_at = matcher.unreadable = 0
        chunks, seen = [], []
        for one in _compared(matcher, loaded, since, until):
            seen += one
            if len(seen) >= AT_ONCE:
                chunks.append(marshal.dumps(seen))
                seen = []
        return _There(matcher.looked_at, matcher.unreadable, [*chunks, marshal.dumps(seen)])


def _compared(matcher: Matcher, loaded: Loaded, since: int, until: int) -> Iterator[list[Raw]]:
    """Yield what each entry of a part counts for, in order of time."""
    start, organization, compare = day_start(loaded.piece.day), loaded.piece.organization, matcher.seen
    for time, line in loaded.lines(since - start, until - start):
        yield compare(start + time, organization, line)
