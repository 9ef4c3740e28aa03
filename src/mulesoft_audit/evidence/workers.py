"""Measuring parts on every core, and many at once waiting for the store."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from mulesoft_audit.evidence.measure import Measured, measure
from mulesoft_audit.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.pool import AsyncResult, ThreadPool

T = TypeVar("T")
R = TypeVar("R")

READERS = 16  #: threads, most of which wait for the store
AT_ONCE = 24 << 20  #: bytes of parts that are read and not measured yet
FEW = 16 << 20  #: bytes below which starting processes takes longer than measuring here


class Measuring:
    """Measures parts: the first of them in this process, all others on every core."""

    def __init__(self, cores: int = 0) -> None:
        """Use so many processes; 0 for as many as there are cores."""
        self.processes: Processes[Measured] = Processes(_measure, FEW, cores)

    def __call__(self, part: bytes | None, keys: bytes | None, start: int, *, deep: bool) -> Measured:
        """Return what `measure` returns."""
        if part is None or not self.processes.worthwhile(len(part)):
            return measure(part, keys, start, deep=deep)
        return self.processes(part, keys, start, deep)

    def close(self) -> None:
        """End the processes."""
        self.processes.close()


def _measure() -> Callable[..., Measured]:
    """Return `measure` as it is called by position."""
    return lambda part, keys, start, deep: measure(part, keys, start, deep=deep)


class Ahead(Generic[T, R]):
    """Does something with each of many items, several at once, and yields the results in their order."""

    def __init__(self, do: Callable[[T], R], pool: ThreadPool, *, weigh: Callable[[T], int]) -> None:
        """Do `do` on the pool's threads, for items that together weigh `AT_ONCE` at most."""
        self._do = do
        self._pool = pool
        self._weigh = weigh

    def of(self, items: Iterable[T]) -> Iterator[tuple[T, R]]:
        """Yield each item with its result; items are taken as room becomes free."""
        waiting: deque[tuple[T, int, AsyncResult[R]]] = deque()
        weight = 0
        for item in items:
            size = self._weigh(item)
            while waiting and (weight + size > AT_ONCE or len(waiting) > 4 * READERS):
                first, was, result = waiting.popleft()
                yield first, result.get()
                weight -= was
            waiting.append((item, size, self._pool.apply_async(self._do, (item,))))
            weight += size
        for item, _, result in waiting:
            yield item, result.get()
