"""What an instance of the function keeps between invocations, and what it does when it is told to end."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mulesoft_audit.archive.opening import open_archive
from mulesoft_audit.clock import Stop
from mulesoft_audit.wiring import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from gunicorn.workers.base import Worker

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.settings import Settings
    from mulesoft_audit.wiring import Source

    Handler = Callable[[Worker, int, FrameType | None], None]

TERMINATED = "the instance was told to end"
DRAIN_SECONDS = 7.0  #: how long runs have to commit; ten seconds after SIGTERM comes SIGKILL ("Container contract")


class Instance:
    """Token, connections, pace and store, made when first needed. Safe for several invocations at once."""

    def __init__(self) -> None:
        """Open nothing: the server forks after this."""
        self._changed = threading.Condition()
        self._settings: tuple[Settings, str] | None = None
        self._source: Source | None = None
        self._store: Store | None = None
        self._running: set[Stop] = set()
        self._terminated = False

    def opened(self, settings: Settings) -> tuple[Source, Store]:
        """Return what `settings` describe: as before, unless they (or the secret) have changed since.

        Raises:
            UsageError: a setting is missing or malformed; nothing was sent.
        """
        secret = settings.secret
        now = settings, secret.reveal()
        with self._changed:
            if self._source is None or self._store is None or self._settings != now:
                self._source, self._store = open_source(settings, secret, Stop()), open_archive(settings.archive_url)
                self._settings = now
            return self._source, self._store

    @contextmanager
    def running(self, stop: Stop) -> Iterator[None]:
        """Let `terminate` reach a run while it lasts."""
        with self._changed:
            self._running.add(stop)
            if self._terminated:
                stop.ask(TERMINATED)
        try:
            yield
        finally:
            with self._changed:
                self._running.discard(stop)
                self._changed.notify_all()

    def terminate(self) -> None:
        """Have every run commit and end, and then give the token back."""
        with self._changed:
            self._terminated = True
            for stop in self._running:
                stop.ask(TERMINATED)
            self._changed.wait_for(lambda: not self._running, DRAIN_SECONDS)
            source, self._source = self._source, None
        if source:
            source.close()


def end_with_sigterm(instance: Instance) -> None:
    """Have a SIGTERM reach `instance`.

    Gunicorn installs handlers of its own in each worker, over any that was there; so its handler is extended. It runs
    on whatever the main thread was doing, which may hold a lock: another thread does what is to be done.
    """
    try:
        from gunicorn.workers.base import Worker as PlainWorker
        from gunicorn.workers.gthread import ThreadWorker
    except ImportError:  # a development server
        return

    def extended(handle: Handler) -> Handler:
        def handle_exit(self: Worker, sig: int, frame: FrameType | None) -> None:
            threading.Thread(target=instance.terminate, name="terminate").start()
            handle(self, sig, frame)

        return handle_exit

    for worker in (PlainWorker, ThreadWorker):
        if "handle_exit" in vars(worker):
            worker.handle_exit = extended(worker.handle_exit)
