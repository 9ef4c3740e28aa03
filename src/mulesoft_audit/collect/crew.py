"""Workers and their tasks: a few threads, most urgent task first, tasks that bring forth further tasks."""

from __future__ import annotations

import heapq
import logging
import threading
from contextvars import copy_context
from itertools import count
from typing import TYPE_CHECKING

from mulesoft_audit.errors import ArchiveError, AuditError, CredentialsError, Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.clock import Stop
    from mulesoft_audit.collect.demand import Demand

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2  #: how often the main thread looks whether it is time to stop
GRACE_SECONDS = 2.0  #: how long workers have to come to an end by themselves; a SIGTERM leaves five


class Group:
    """Tasks that belong together, such as those of one organization.

    Attributes:
        error: the first that failed; the group's remaining tasks are dropped then.
    """

    def __init__(self, finished: Callable[[], None]) -> None:
        """`finished` is called on a worker once no task of the group is left, unless the crew was stopped."""
        self.error: BaseException | None = None
        self.open = 0
        self.finished = finished


class Crew:
    """Runs tasks on daemon threads until none is left, or it is time to stop."""

    def __init__(self, workers: int, stop: Stop, *, most: int = 0, demand: Demand | None = None) -> None:
        """Begin with `workers`.

        Args:
            workers: how many threads to begin with; what they hold in memory grows with them.
            stop: the wish to stop.
            most: how many there may be.
            demand: tells how many there should be; None leaves it at those of the beginning.
        """
        self._workers = workers
        self._most = max(workers, most)
        self._demand = demand
        self._threads: list[threading.Thread] = []
        self._stop = stop
        self._tasks: list[tuple[tuple[int, ...], int, Group, Callable[[], None]]] = []
        self._serial = count()
        self._changed = threading.Condition()
        self._open = 0
        self._fatal: BaseException | None = None

    def submit(self, group: Group, priority: tuple[int, ...], task: Callable[[], None]) -> None:
        """Add a task; lower priorities run first."""
        with self._changed:
            group.open += 1
            self._open += 1
            heapq.heappush(self._tasks, (priority, next(self._serial), group, task))
            self._changed.notify()

    def hold(self, group: Group) -> None:
        """Keep a group open though it has no task, until `release`."""
        with self._changed:
            group.open += 1
            self._open += 1

    def release(self, group: Group) -> None:
        """Undo one `hold`."""
        self._done(group)

    def run(self, on_stop: Callable[[], None]) -> None:
        """Run every task; on a stop, give workers a moment, then call `on_stop` to save what they hold.

        Raises:
            BaseException: the first failure that concerns everybody (see `fatal`).
            Interrupted: it was time to stop before the tasks were through.
        """
        for _ in range(self._workers):
            self._hire()
        with self._changed:
            while self._open and not self._stop.asked and self._fatal is None:
                self._changed.wait(POLL_SECONDS)
                self._hire_as_needed()
            interrupted = bool(self._open)
            if interrupted:
                self._stop.ask("another part of the run failed")
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(GRACE_SECONDS / len(self._threads) if thread.is_alive() else None)
        if interrupted:
            on_stop()
        if self._fatal is not None:
            raise self._fatal
        if interrupted:
            raise Interrupted(f"Stopped: {self._stop.reason}.", "What was committed is kept; the next run continues.")

    def _hire_as_needed(self) -> None:
        if self._demand is None or len(self._threads) >= self._most:
            return
        if not self._tasks:
            self._demand.idle()
            return
        needed = min(self._most, self._demand.workers(len(self._threads)))
        while len(self._threads) < needed:
            self._hire()

    def _hire(self) -> None:
        """Start a worker in the caller's context, whose trace its log lines carry."""
        name = f"worker-{len(self._threads)}"
        thread = threading.Thread(target=copy_context().run, args=(self._work,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def fatal(self, error: BaseException) -> None:
        """End the run: `error` concerns every task."""
        with self._changed:
            self._fatal = self._fatal or error
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._tasks and self._open and not self._stop.asked:
                    self._changed.wait(POLL_SECONDS)
                if not self._tasks or self._stop.asked:
                    return
                _, _, group, task = heapq.heappop(self._tasks)
            try:
                if group.error is None:
                    task()
            except Interrupted:
                return  # the stop is seen by everybody; the task stays open, so that the run knows it is unfinished
            except (ArchiveError, CredentialsError) as error:  # the next organization would meet the same
                self.fatal(error)
                return
            except AuditError as error:
                self._failed(group, error)
            except BaseException as error:  # noqa: BLE001 - raised again by `run`, on the thread that can report it
                self.fatal(error)
                return
            self._done(group)

    def _failed(self, group: Group, error: AuditError) -> None:
        with self._changed:
            group.error = group.error or error

    def _done(self, group: Group) -> None:
        with self._changed:
            group.open -= 1
            last = not group.open
        if last:
            try:
                group.finished()
            except BaseException as error:  # noqa: BLE001 - as above
                self.fatal(error)
        with self._changed:
            self._open -= 1
            self._changed.notify_all()
