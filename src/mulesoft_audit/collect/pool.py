"""A pool of daemon threads: most urgent task first, tasks that lead to further tasks, an orderly end."""

from __future__ import annotations

import heapq
import threading
from contextvars import copy_context
from itertools import count
from typing import TYPE_CHECKING

from mulesoft_audit.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.clock import Stop

POLL_SECONDS = 0.2  #: how often the main thread looks whether it is time to stop
GRACE_SECONDS = 1.5  #: how long workers have to come to an end by themselves; a SIGTERM leaves five

Task = tuple[tuple[int, ...], int, "Callable[[], None]"]


def workers_for(per_minute: int) -> int:
    """Return how many requests may be under way at once so that `per_minute` is reached at a second's latency."""
    return max(3, min(16, per_minute // 60 + 2))


class WorkerPool:
    """Runs tasks on threads until none is left, or it is time to stop.

    Threads are started as there are tasks for them. They are daemons: one that waits for a server or a disk does not
    keep the process from ending.
    """

    def __init__(self, workers: int, stop: Stop, *, idle: Callable[[], Callable[[], None] | None]) -> None:
        """Make a pool.

        Args:
            workers: how many threads there may be.
            stop: tells that it is time to stop.
            idle: returns work for a worker that has none, or None; called with no lock held.
        """
        self._workers = workers
        self._stop = stop
        self._idle = idle
        self._threads: list[threading.Thread] = []
        self._tasks: list[Task] = []
        self._serial = count()
        self._changed = threading.Condition()
        self._open = 0
        self._waiting = 0
        self._fatal: BaseException | None = None

    def submit(self, priority: tuple[int, ...], task: Callable[[], None]) -> None:
        """Add a task; lower priorities run first. A task must handle its own failures: what it raises ends the run."""
        with self._changed:
            self._open += 1
            heapq.heappush(self._tasks, (priority, next(self._serial), task))
            if not self._waiting and len(self._threads) < self._workers:
                self._start_worker()
            self._changed.notify()

    def _start_worker(self) -> None:
        """Start a worker in the caller's context, whose trace its log lines carry."""
        name = f"worker-{len(self._threads)}"
        thread = threading.Thread(target=copy_context().run, args=(self._work,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def run(self) -> bool:
        """Wait until no task is left; return whether it was time to stop before that.

        Raises:
            BaseException: what a task raised; the others were told to stop.
        """
        with self._changed:
            while self._open and not self._stop.asked and self._fatal is None:
                self._changed.wait(POLL_SECONDS)
            interrupted = bool(self._open)
            if interrupted:
                self._stop.ask("another part of the run failed")
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            thread.join(GRACE_SECONDS / len(threads))
        if self._fatal is not None:
            raise self._fatal
        return interrupted

    def fail(self, error: BaseException) -> None:
        """End the run: `error` concerns every task."""
        with self._changed:
            self._fatal = self._fatal or error
            self._changed.notify_all()

    def _work(self) -> None:
        while task := self._take():
            try:
                task()
            except Interrupted:
                return  # everybody sees it; the task stays open, so that the run knows that it is unfinished
            except BaseException as error:  # noqa: BLE001 - raised again by `run`, on the thread that can report it
                self.fail(error)
                return
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _take(self) -> Callable[[], None] | None:
        """Wait for a task; None once there will be none."""
        while True:
            with self._changed:
                if self._stop.asked:
                    return None
                if self._tasks:
                    return heapq.heappop(self._tasks)[2]
                if not self._open:
                    self._threads.remove(threading.current_thread())  # `submit` starts another, if more is to be done
                    return None
            if extra := self._idle():
                with self._changed:
                    self._open += 1
                return extra
            with self._changed:
                if not self._tasks and self._open:
                    self._waiting += 1
                    self._changed.wait(POLL_SECONDS)
                    self._waiting -= 1
