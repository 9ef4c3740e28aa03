"""Comparing the parts of an archive with the rules on every core.

A process takes a whole part and gives back what counts for a rule; that is smaller than the part was, compressed. What
rules remember from one entry to the next is in this process alone, and sees everything in order of time.
"""

from __future__ import annotations

import marshal
from array import array
from functools import partial
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, NamedTuple

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
    from mulesoft_audit.reading.blocks import Content

FEW = 4 << 20  #: bytes of parts, some ten thousand entries, below which starting processes takes longer
AT_ONCE = 1000  #: of what was seen, held as objects at a time


def seen_in(
    store: Store,
    matcher: Matcher,
    stretch: tuple[int, int],
    organizations: Collection[str] | None,
    cores: int = 0,
) -> Iterator[Raw]:
    """Yield what counts for a step of a rule, in order of time.

    Args:
        store: the archive.
        matcher: knows what to look for, and counts all that is looked at.
        stretch: from the first time up to but not including the second, Unix ms.
        organizations: their ids; None for all.
        cores: processes; 0 for as many as there are cores.

    Raises:
        Damaged: a manifest or part is lost or damaged.
        ArchiveError: the archive cannot be read.
    """
    local = store.root if isinstance(store, LocalStore) else None
    processes: Processes[_Found] = Processes(partial(_Compare, matcher.rules, matcher.lists, local), FEW, cores)

    def read(piece: Piece) -> Content[Raw]:
        compare = processes if processes.worthwhile(piece.size) else processes.here
        return _Counted(matcher, compare(piece if local else load(store, piece), stretch))

    try:
        for block in in_order(store, read, stretch, organizations):
            for _, _, raw in block:
                yield raw
    finally:
        processes.close()


class _Found(NamedTuple):
    """What was found in a part.

    Attributes:
        looked_at: entries.
        unreadable: those that are no JSON object.
        times: of what counts for a step, Unix ms.
        seen: what counts for a step: lists of it, each marshalled.
    """

    looked_at: int
    unreadable: int
    times: array[int]
    seen: list[bytes]


class _Counted(NamedTuple):
    """What was found in a part, counted as it is taken."""

    matcher: Matcher
    found: _Found

    def between(self, _since: int, _until: int) -> tuple[Sequence[int], Iterator[Raw]]:
        """Return times and what was seen then: nothing else was looked at."""
        self.matcher.looked_at += self.found.looked_at
        self.matcher.unreadable += self.found.unreadable
        return self.found.times, chain.from_iterable(map(marshal.loads, self.found.seen))


class _Compare:
    """Compares a part with the rules, in a process of its own or in this one."""

    def __init__(self, rules: Sequence[Rule], lists: Lists, root: Path | None) -> None:
        """Make ready; of an archive in a folder it reads the parts itself."""
        self._matcher = Matcher(rules, lists)
        self._store = LocalStore(root) if root else None

    def __call__(self, part: Piece | Loaded, stretch: tuple[int, int]) -> _Found:
        matcher = self._matcher
        loaded = load(self._store, part) if self._store and isinstance(part, Piece) else part
        assert isinstance(loaded, Loaded)  # noqa: S101 - only where there is a folder, a piece is given
        matcher.looked_at = matcher.unreadable = 0
        times, lines = loaded.between(*stretch)
        seen = matcher.seen(zip(times, repeat(loaded.piece.organization), lines, strict=False))
        found, chunks = array("q"), []
        while some := list(islice(seen, AT_ONCE)):
            found.extend([raw[0] for raw in some])
            chunks.append(marshal.dumps(some))
        return _Found(matcher.looked_at, matcher.unreadable, found, chunks)
