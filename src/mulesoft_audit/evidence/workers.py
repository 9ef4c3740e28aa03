"""Measuring parts on every core, and many at once waiting for the store."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from contextlib import suppress
from multiprocessing import get_context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from mulesoft_audit.evidence.measure import Measured, measure
from mulesoft_audit.memory import spare_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from multiprocessing.pool import AsyncResult, ThreadPool

T = TypeVar("T")
R = TypeVar("R")

READERS = 16  #: threads, most of which wait for the store
AT_ONCE = 24 << 20  #: bytes of parts that are read and not measured yet
FEW = 16 << 20  #: bytes below which starting processes takes longer than measuring here


class Measuring:
    """Measures parts: the first of them in this process, all others on every core.

    Each process has a pipe of its own, and ends when that is closed, as it is if this process is killed.
    """

    def __init__(self, cores: int = 0) -> None:
        """Use so many processes; 0 for as many as there are cores."""
        self._cores = cores or _cores()
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        self._pipes: list[Connection] = []
        self._processes: list[SpawnProcess] = []
        self._seen = 0
        self._lock = threading.Lock()

    def __call__(self, part: bytes | None, keys: bytes | None, start: int, *, deep: bool) -> Measured:
        """Return what `measure` returns."""
        if part is None or not self._started(len(part)):
            return measure(part, keys, start, deep=deep)
        pipe = self._idle.get()
        try:
            pipe.send((part, keys, start, deep))
            found: Measured = pipe.recv()
        except (OSError, EOFError):  # the process was killed, or this one is stopping
            return measure(part, keys, start, deep=deep)
        finally:
            self._idle.put(pipe)
        return found

    def _started(self, size: int) -> bool:
        """Return whether processes are to be used; start them once there is enough to do."""
        with self._lock:
            self._seen += size
            if self._seen > FEW and self._cores > 1 and not self._pipes:
                context = get_context("spawn")  # a fork would copy threads' locks as they are
                for _ in range(self._cores):
                    ours, theirs = context.Pipe()
                    process = context.Process(target=_work, args=(theirs,), daemon=True)
                    process.start()
                    theirs.close()
                    self._processes.append(process)
                    self._pipes.append(ours)
                    self._idle.put(ours)
            return bool(self._pipes)

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            for pipe in self._pipes:
                pipe.close()
            for process in self._processes:
                process.join(1.0)


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _work(pipe: Connection) -> None:
    """Measure what comes, until nobody is there any more. Signals are for the process that started this one."""
    spare_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError, EOFError):
        while True:
            part, keys, start, deep = pipe.recv()
            pipe.send(measure(part, keys, start, deep=deep))


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
