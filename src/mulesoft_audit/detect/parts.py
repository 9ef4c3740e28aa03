"""Comparing the entries of an archive with the rules on every core.

What rules remember from one entry to the next is in this process alone, and sees everything in order of time.
"""

from __future__ import annotations

from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING

from mulesoft_audit.detect.matching import Matcher
from mulesoft_audit.reading.every_core import Made, made_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.detect.condition import Lists
    from mulesoft_audit.detect.finding import Raw
    from mulesoft_audit.detect.rule import Rule
    from mulesoft_audit.reading.stream import Problem


def seen_in(
    store: Store,
    matcher: Matcher,
    stretch: tuple[int, int],
    organizations: Collection[str] | None,
    problem: Problem | None = None,
    cores: int = 0,
) -> Iterator[Raw]:
    """Yield what counts for a step of a rule, in order of time.

    Args:
        store: the archive.
        matcher: knows what to look for, and counts all that is looked at.
        stretch: from the first time up to but not including the second, Unix ms.
        organizations: their ids; None for all.
        problem: as `stream.entries`.
        cores: processes; 0 for as many as there are cores.

    Raises:
        Damaged: a manifest or part is lost or damaged.
        ArchiveError: the archive cannot be read.
    """
    compare = partial(_Compare, matcher.rules, matcher.lists)
    blocks = made_of(store, compare, stretch, organizations, problem=problem, count=matcher.count, cores=cores)
    for block in blocks:
        for _, _, raw in block:
            yield raw


class _Compare:
    """Compares entries with the rules, in a process of its own or in this one."""

    def __init__(self, rules: Sequence[Rule], lists: Lists) -> None:
        self._matcher = Matcher(rules, lists)

    def __call__(self, organization: str, times: list[int], lines: list[bytes]) -> Made[Raw]:
        matcher = self._matcher
        matcher.looked_at = matcher.unreadable = 0
        seen = list(matcher.seen(zip(times, repeat(organization), lines, strict=False)))
        return Made([raw[0] for raw in seen], seen, (matcher.looked_at, matcher.unreadable))
