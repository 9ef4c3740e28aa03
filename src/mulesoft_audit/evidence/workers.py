"""Measuring parts on every core, and many at once waiting for the store."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Generic, TypeVar

from mulesoft_audit.evidence.measure import Measured, measure
from mulesoft_audit.memory import spare_memory

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
        self._cores = cores or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None
        self._seen = 0
        self._lock = threading.Lock()

    def __call__(self, part: bytes | None, keys: bytes | None, start: int, *, deep: bool) -> Measured:
        """Return what `measure` returns."""
        pool = self._pool_for(len(part or b""))
        if pool is None or part is None:
            return measure(part, keys, start, deep=deep)
        return pool.submit(measure, part, keys, start, deep=deep).result()

    def _pool_for(self, size: int) -> ProcessPoolExecutor | None:
        with self._lock:
            self._seen += size
            if self._pool is None and self._seen > FEW and self._cores > 1:
                context = get_context("spawn")  # a fork would copy threads' locks as they are
                self._pool = ProcessPoolExecutor(self._cores, context, initializer=_begin)
            return self._pool

    def close(self) -> None:
        """End the processes."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _begin() -> None:
    """Leave signals to the process that started this one, and end with it."""
    spare_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


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
