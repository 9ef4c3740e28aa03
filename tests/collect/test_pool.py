"""Tasks on threads: the most urgent first, until none is left or it is time to stop."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from mulesoft_audit.clock import Stop
from mulesoft_audit.collect.pool import WorkerPool, workers_for

if TYPE_CHECKING:
    from collections.abc import Callable


def nothing() -> None:
    return None


@pytest.mark.parametrize(("per_minute", "expected"), [(1, 3), (60, 3), (300, 7), (100_000, 16)])
def test_how_many_workers(per_minute: int, expected: int) -> None:
    assert workers_for(per_minute) == expected


def test_the_most_urgent_task_is_done_first_and_those_that_tasks_add_too() -> None:
    pool = WorkerPool(1, Stop(), idle=nothing)
    done: list[str] = []
    begin = threading.Event()

    def add() -> None:
        begin.wait(5)
        pool.submit((2,), lambda: done.append("added"))

    pool.submit((0,), add)
    pool.submit((3,), lambda: done.append("last"))
    pool.submit((1,), lambda: done.append("first"))
    begin.set()
    assert pool.run() is False
    assert done == ["first", "added", "last"]


def test_a_task_that_is_added_after_all_others_ended_is_done() -> None:
    stop = Stop()
    pool = WorkerPool(1, stop, idle=nothing)
    done: list[int] = []
    for number in range(3):
        pool.submit((0,), partial(done.append, number))
        for thread in list(pool._threads):
            thread.join(1)
    overdue = threading.Timer(5, stop.ask, ["it hangs"])
    overdue.start()
    assert pool.run() is False
    overdue.cancel()
    assert done == [0, 1, 2]


def test_what_a_task_raises_ends_the_run() -> None:
    stop = Stop()
    pool = WorkerPool(2, stop, idle=nothing)

    def fail() -> None:
        raise KeyError("x")

    pool.submit((0,), fail)
    with pytest.raises(KeyError):
        pool.run()


def test_a_run_that_is_stopped_says_so() -> None:
    stop = Stop()
    pool = WorkerPool(1, stop, idle=nothing)
    pool.submit((0,), lambda: stop.ask("enough"))
    pool.submit((1,), lambda: None)
    assert pool.run() is True


def test_a_worker_that_has_nothing_to_do_helps() -> None:
    helped = threading.Event()
    extra: list[Callable[[], None]] = [helped.set]
    pool = WorkerPool(2, Stop(), idle=lambda: extra.pop() if extra else None)
    pool.submit((0,), lambda: None if helped.wait(5) else pytest.fail("nobody helped"))
    pool.submit((0,), lambda: None)
    assert pool.run() is False
    assert helped.is_set()
