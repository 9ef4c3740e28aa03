"""Reading several objects of a store at a time, a few of them before they are needed."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from mulesoft_audit.ledger.manifest import Damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")

READERS = 8  #: objects read at a time: each is a round trip to the store
AHEAD = 16  #: objects
AHEAD_BYTES = 16 << 20  #: of them


@contextmanager
def readers() -> Iterator[ThreadPoolExecutor]:
    """Give threads that read; what they have not begun when they are given back is not read."""
    pool = ThreadPoolExecutor(READERS)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def begun_ahead(
    pool: ThreadPoolExecutor, items: Iterable[T], read: Callable[[T], R], size: Callable[[T], int] = lambda _: 0
) -> Iterator[tuple[T, Future[R | Damaged]]]:
    """Yield each item, in order, once those that follow it are being read, with what reading it will give.

    Args:
        pool: reads them.
        items: what to read; asked for in the caller's thread.
        read: reads one.
        size: how many bytes one has, about.
    """

    def attempt(item: T) -> R | Damaged:
        try:
            return read(item)
        except Damaged as error:
            return error

    under_way: deque[tuple[T, Future[R | Damaged]]] = deque()
    bytes_under_way = 0
    for item in items:
        under_way.append((item, pool.submit(attempt, item)))
        bytes_under_way += size(item)
        while len(under_way) > AHEAD or (len(under_way) > 1 and bytes_under_way > AHEAD_BYTES):
            first = under_way.popleft()
            bytes_under_way -= size(first[0])
            yield first
    while under_way:
        yield under_way.popleft()


def read_ahead(
    pool: ThreadPoolExecutor, items: Iterable[T], read: Callable[[T], R], size: Callable[[T], int] = lambda _: 0
) -> Iterator[tuple[T, R | Damaged]]:
    """Yield each item with what reading it gave, in order; see `begun_ahead`."""
    for item, result in begun_ahead(pool, items, read, size):
        yield item, result.result()
