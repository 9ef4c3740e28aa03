"""Locks on files: waiting for one ends after a time, and as soon as the run is to stop."""

from __future__ import annotations

import fcntl
import os
import threading
import time
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mulesoft_audit.errors import ArchiveError, Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE = 60.0  #: seconds to wait for a lock; whoever holds one that long hangs
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.1


class Waiting:
    """Waiting for a lock, for a limited time: everything that one operation waits for counts together."""

    def __init__(self, path: Path, stopping: Callable[[], bool]) -> None:
        """Begin to wait for the lock at `path`, until `PATIENCE` seconds are over, or `stopping()`."""
        self._path = path
        self._stopping = stopping
        self._end = time.monotonic() + PATIENCE

    def until(self, taken: Callable[[float], bool]) -> None:
        """Call `taken` with the seconds that it may wait itself (0.1 at most) until it returns True.

        Raises:
            ArchiveError: the time is up.
            Interrupted: the run is to stop.
        """
        pause = _FIRST_PAUSE
        while not taken(pause):
            if self._stopping():
                raise Interrupted(
                    f"Stopped while waiting for {self._path}, which another process holds.",
                    "What was committed is kept; the next run continues.",
                )
            if time.monotonic() > self._end:
                raise ArchiveError(
                    f"Another process holds {self._path} for more than {PATIENCE:.0f} s.",
                    "See which one (`fuser` or `lsof` with that path) and end it; the lock goes with it.",
                )
            pause = min(pause * 2, _LONGEST_PAUSE)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)


def _turned(descriptor: int, kind: int) -> bool:
    """Take a lock, or turn the one held into this kind; False if somebody else's is in the way."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _turned_within(descriptor: int, kind: int, seconds: float) -> bool:
    if _turned(descriptor, kind):
        return True
    time.sleep(seconds)
    return False


class Lock:
    """One holder at a time, among threads and processes. The operating system drops it when its holder dies."""

    def __init__(self, path: Path) -> None:
        """Use the file at `path`; it is made, empty, when the lock is first taken."""
        self._path = path
        self._threads = threading.Lock()

    @contextmanager
    def held(self, stopping: Callable[[], bool]) -> Iterator[None]:
        """Hold the lock.

        Raises:
            ArchiveError: it was not to be had for `PATIENCE` seconds.
            Interrupted: `stopping()` returned True before it was to be had.
        """
        waiting = Waiting(self._path, stopping)
        waiting.until(lambda seconds: self._threads.acquire(timeout=seconds))
        try:
            descriptor = _open(self._path)
            try:
                waiting.until(lambda seconds: _turned_within(descriptor, fcntl.LOCK_EX, seconds))
                yield
            finally:
                os.close(descriptor)
        finally:
            self._threads.release()


class Presence:
    """A lock that many hold at once, each for as long as it writes: so that one can tell whether it is alone."""

    def __init__(self, path: Path, guard: Lock) -> None:
        """Use the file at `path`; `guard` is held while somebody looks whether they are alone."""
        self._path = path
        self._guard = guard
        self._threads = threading.Lock()
        self._held: tuple[int, weakref.finalize[[int], Presence]] | None = None

    def enter(self, stopping: Callable[[], bool]) -> None:
        """Be present from now on; once is enough.

        Raises:
            ArchiveError: somebody has looked whether they are alone for `PATIENCE` seconds.
            Interrupted: `stopping()` returned True before that ended.
        """
        if self._held:
            return
        waiting = Waiting(self._path, stopping)
        with self._threads:
            if self._held:
                return
            descriptor = _open(self._path)
            try:
                waiting.until(lambda seconds: _turned_within(descriptor, fcntl.LOCK_SH, seconds))
            except BaseException:
                os.close(descriptor)
                raise
            self._held = descriptor, weakref.finalize(self, os.close, descriptor)

    def alone(self, stopping: Callable[[], bool]) -> bool:
        """Be present, and return whether nobody else is.

        The guard is held meanwhile: a lock that cannot be turned into an exclusive one is lost for a moment, in
        which somebody else who looks would not see this one.

        Raises:
            ArchiveError: the guard, or the lock afterwards, was not to be had for `PATIENCE` seconds.
            Interrupted: `stopping()` returned True before that.
        """
        self.enter(stopping)
        with self._guard.held(stopping), self._threads:
            if not self._held:
                return False
            descriptor, _ = self._held
            found = _turned(descriptor, fcntl.LOCK_EX)
            Waiting(self._path, stopping).until(lambda s: _turned_within(descriptor, fcntl.LOCK_SH, s))
            return found

    def leave(self) -> None:
        """Be present no longer; to leave twice does nothing."""
        with self._threads:
            if self._held:
                _, closing = self._held
                closing()
                self._held = None
