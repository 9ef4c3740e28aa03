"""Doing the same with many things on every core."""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import suppress
from multiprocessing import get_context, resource_tracker
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from mulesoft_audit.errors import AuditError
from mulesoft_audit.memory import spare_memory
from mulesoft_audit.signals import held_back

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

log = logging.getLogger(__name__)

TERMINAL = frozenset({signal.SIGINT})  #: what a terminal sends to every process
R = TypeVar("R")


class Processes(Generic[R]):
    """A function in processes of its own, once there is enough to do.

    Each process has a pipe of its own, and ends when that is closed, as it is if this process is killed.
    """

    def __init__(self, make: Callable[[], Callable[..., R]], few: int, cores: int = 0) -> None:
        """Prepare; no process is started yet.

        Args:
            make: returns the function, in each process that is to call it; it is pickled, and never returns None.
            few: bytes below which starting processes takes longer than doing it here.
            cores: how many processes; 0 for as many as there are cores.
        """
        self._make = make
        self._few = few
        self._cores = cores or _cores()
        self._here: Callable[..., R] | None = None
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        self._pipes: list[Connection] = []
        self.running: list[SpawnProcess] = []
        self._seen = 0
        self._closed = False
        self._lock = threading.Lock()
        self._at_work = threading.Lock()

    def worthwhile(self, size: int) -> bool:
        """Count these bytes among those that there are; return whether there are processes, started once it pays."""
        with self._lock:
            self._seen += size
            if self._seen > self._few and self._cores > 1 and not (self._pipes or self._closed):
                self._start()
            return bool(self._pipes)

    def _start(self) -> None:
        context = get_context("spawn")  # a fork would copy threads' locks as they are
        resource_tracker.ensure_running()  # a process that `spawn` needs; starting it would let signals in again
        with held_back(TERMINAL):  # a terminal sends its signal to them too, while they still import
            for _ in range(self._cores):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, self._make), daemon=True)
                try:
                    process.start()
                except OSError as error:  # too many, or no memory: it is done by those that there are, if need be here
                    log.debug("No further process could be started: %s", error)
                    self._cores = 1
                    return
                finally:
                    theirs.close()
                self.running.append(process)
                self._pipes.append(ours)
                self._idle.put(ours)

    def __call__(self, *arguments: object) -> R:
        """Return what the function returns: of a process that is free, or of this one if that was killed."""
        pipe = self._idle.get()
        try:
            pipe.send(arguments)
            found: R | None = pipe.recv()
        except (OSError, EOFError):  # the process was killed
            if self._closed:
                raise  # nobody waits for this any more
            found = None
        finally:
            self._idle.put(pipe)
        return self.here(*arguments) if found is None else found

    def here(self, *arguments: object) -> R:
        """Return what the function returns, called in this process; of several threads, by one at a time."""
        with self._at_work:
            self._here = self._here or self._make()
            return self._here(*arguments)

    def close(self) -> None:
        """End the processes, at once: what one is at nobody waits for."""
        with self._lock:
            self._closed = True
            for pipe in self._pipes:
                pipe.close()
            for process in self.running:
                process.terminate()
            for process in self.running:
                process.join(1.0)


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _work(pipe: Connection, make: Callable[[], Callable[..., object]]) -> None:
    """Do what is asked for, until nobody is there any more. Signals are for the process that started this one.

    What fails is done again over there, where it is told.
    """
    spare_memory()
    function = make()
    with suppress(OSError, EOFError):
        while True:
            arguments = pipe.recv()
            found: object = None
            with suppress(AuditError):
                found = function(*arguments)
            pipe.send(found)
