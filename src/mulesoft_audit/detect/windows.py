"""How the entries of a rule become findings: one state machine for each kind of rule. Entries come in order of time.

Each takes an entry and yields the stretches of entries that are findings. What it remembers lies within the rule's
window, `forget` drops what does not, and there is a most of it: whoever can write entries could fill the memory.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from mulesoft_audit.detect.finding import Seen, Stretch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mulesoft_audit.detect.rule import Rule

MOST_IN_WINDOW = 10_000  #: entries of one window and group, or values, that are kept; older ones are dropped
MOST_GROUPS = 50_000  #: groups of one rule that are remembered; of more, those that came first are forgotten
Group = tuple[str, ...]
K = TypeVar("K")
T = TypeVar("T")


class Watch(Protocol):
    """What is known of one rule so far.

    Attributes:
        ready: groups of which an entry of the second step can end a finding; others need not be taken.
    """

    ready: Collection[Group]

    def take(self, seen: Seen) -> Iterator[Stretch]:
        """Take the next entry, of the second step only if its group is ready.

        Yields what is a finding by now and will not grow.
        """
        ...

    def forget(self, now: int) -> Iterator[Stretch]:
        """Drop what lies too far before `now` (Unix ms) to matter; yield the findings among it."""
        ...


def watch(rule: Rule) -> Watch:
    """Return the state machine of a rule."""
    if rule.new:
        return _New(rule.window_ms)
    if len(rule.steps) == 2:
        return _Sequence(rule.window_ms, rule.count)
    if rule.count > 1:
        return _Burst(rule.window_ms, rule.count, distinct=bool(rule.distinct))
    return _Each()


class _Each:
    """Each entry is a finding."""

    ready: Collection[Group] = ()

    def take(self, seen: Seen) -> Iterator[Stretch]:
        yield _stretch(seen)

    def forget(self, now: int) -> Iterator[Stretch]:
        return iter(())


class _Burst:
    """So many entries, or different values, of one group within the window.

    Windows that hold enough and share an entry are one finding: a storm of a thousand failures is one, not a thousand.
    """

    ready: Collection[Group] = ()

    def __init__(self, window: int, count: int, *, distinct: bool) -> None:
        self._window = window
        self._count = count
        self._distinct = distinct
        self._groups: dict[Group, _Recent] = {}

    def take(self, seen: Seen) -> Iterator[Stretch]:
        recent = self._groups.get(seen.group)
        if recent is None:
            yield from (one.close() for _, one in _crowded_out(self._groups, MOST_GROUPS) if one.stretch)
            recent = self._groups[seen.group] = _Recent(MOST_IN_WINDOW if self._distinct else self._count)
        recent.drop_before(seen.time - self._window)
        if recent.stretch and recent.told == 0:
            yield recent.close()
        recent.add(seen)
        if len(recent.values if self._distinct else recent.entries) >= self._count:
            recent.tell()

    def forget(self, now: int) -> Iterator[Stretch]:
        for group, recent in list(self._groups.items()):
            recent.drop_before(now - self._window)
            if recent.stretch and recent.told == 0:
                yield recent.close()
            if not recent.entries:
                del self._groups[group]


class _Recent:
    """The entries of one group within the window, the oldest first.

    Attributes:
        values: how many of them have each value.
        told: how many of them belong to the finding that is open.
        stretch: that finding.
    """

    __slots__ = ("_most", "entries", "stretch", "told", "values")

    def __init__(self, most: int) -> None:
        self._most = most
        self.entries: deque[Seen] = deque()
        self.values: dict[str, int] = {}
        self.told = 0
        self.stretch: Stretch | None = None

    def drop_before(self, time: int) -> None:
        while self.entries and self.entries[0].time < time:
            self._drop()

    def add(self, seen: Seen) -> None:
        if len(self.entries) == self._most:
            self._drop()
        self.entries.append(seen)
        self.values[seen.value] = self.values.get(seen.value, 0) + 1

    def tell(self) -> None:
        """Put all that is in the window into the finding."""
        if self.stretch is None:
            self.stretch = Stretch()
        for index in range(self.told, len(self.entries)):
            self.stretch.add(self.entries[index])
        self.told = len(self.entries)

    def close(self) -> Stretch:
        assert self.stretch is not None  # noqa: S101 - asked before
        stretch, self.stretch = self.stretch, None
        return stretch

    def _drop(self) -> None:
        value = self.entries.popleft().value
        self.told = max(0, self.told - 1)
        self.values[value] -= 1
        if not self.values[value]:
            del self.values[value]


class _Sequence:
    """So many entries of the first step, then one of the second, of one group and within the window."""

    def __init__(self, window: int, count: int) -> None:
        self._window = window
        self._count = count
        self._groups: dict[Group, _Begun] = {}
        self._ready: set[Group] = set()  # those that had enough of the first step within one window
        self.ready: Collection[Group] = self._ready

    def take(self, seen: Seen) -> Iterator[Stretch]:
        if seen.step == 0:
            begun = self._groups.get(seen.group)
            if begun is None:
                self._ready.difference_update(group for group, _ in _crowded_out(self._groups, MOST_GROUPS))
                begun = self._groups[seen.group] = _Begun(self._count)
            begun.add(seen)
            if begun.enough(seen.time - self._window):
                self._ready.add(seen.group)
            return
        before = self._groups[seen.group].before(seen.time)
        if len(before) == self._count and seen.time - self._window <= before[0].time:
            del self._groups[seen.group]
            self._ready.discard(seen.group)
            yield _stretch(*before, seen)

    def forget(self, now: int) -> Iterator[Stretch]:
        since = now - self._window
        for group, begun in list(self._groups.items()):
            if not begun.enough(since):
                self._ready.discard(group)
            if begun.last < since:
                del self._groups[group]
        return iter(())


class _Begun:
    """The latest entries of a sequence's first step.

    Those of the newest millisecond are apart: an entry of the second step in the same one does not follow them, and
    must not be kept from following those before.
    """

    __slots__ = ("_count", "_earlier", "_newest")

    def __init__(self, count: int) -> None:
        self._count = count
        self._earlier: list[Seen] = []
        self._newest: list[Seen] = []

    @property
    def last(self) -> int:
        """The time of the newest entry."""
        return (self._newest or self._earlier)[-1].time

    def add(self, seen: Seen) -> None:
        self.before(seen.time)
        self._newest = [*self._newest, seen][-self._count :]

    def before(self, time: int) -> list[Seen]:
        """Return the latest entries before a time that is none before the newest one's."""
        if self._newest and self._newest[-1].time < time:
            self._earlier = [*self._earlier, *self._newest][-self._count :]
            self._newest = []
        return self._earlier

    def enough(self, since: int) -> bool:
        """Whether so many as are needed are not before a time."""
        latest = [*self._earlier, *self._newest][-self._count :]
        return len(latest) == self._count and latest[0].time >= since


class _New:
    """A value that a group was not seen with within the window, though with others."""

    ready: Collection[Group] = ()

    def __init__(self, window: int) -> None:
        self._window = window
        self._groups: dict[Group, dict[str, int]] = {}  # when each value was last seen, the latest last

    def take(self, seen: Seen) -> Iterator[Stretch]:
        known = self._groups.get(seen.group)
        if known is None:
            _crowded_out(self._groups, MOST_GROUPS)
            known = self._groups[seen.group] = {}
        since = seen.time - self._window
        before = known.pop(seen.value, -1)
        if before < since and known and known[next(reversed(known))] >= since:
            yield _stretch(seen)
        if len(known) >= MOST_IN_WINDOW:
            _crowded_out(known, MOST_IN_WINDOW)
        known[seen.value] = seen.time

    def forget(self, now: int) -> Iterator[Stretch]:
        for group, known in list(self._groups.items()):
            if known[next(reversed(known))] < now - self._window:
                del self._groups[group]
            else:
                while known[oldest := next(iter(known))] < now - self._window:
                    del known[oldest]
        return iter(())


def _stretch(*entries: Seen) -> Stretch:
    stretch = Stretch()
    for seen in entries:
        stretch.add(seen)
    return stretch


def _crowded_out(held: dict[K, T], most: int) -> list[tuple[K, T]]:
    """Remove and return a tenth of what is held, what came first, if there is too much."""
    if len(held) < most:
        return []
    return [(key, held.pop(key)) for key in list(islice(held, most // 10))]
