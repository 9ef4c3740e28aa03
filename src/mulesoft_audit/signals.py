"""Signals that ask for an end, held back where they would do harm."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGALRM})


@contextmanager
def held_back(numbers: frozenset[signal.Signals] = ENDING) -> Iterator[None]:
    """Let signals wait until the block is done. What is started in it, a thread or a process, never gets them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
