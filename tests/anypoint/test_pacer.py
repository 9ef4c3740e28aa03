"""The pace is kept over every sixty seconds, and a source that pushes back is given its minute."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_clock import FakeClock

from mulesoft_audit.anypoint.pacer import Pacer
from mulesoft_audit.clock import Stop
from mulesoft_audit.errors import Interrupted


def pacer(per_minute: int) -> tuple[Pacer, FakeClock, Stop]:
    clock = FakeClock(1000.0)
    stop = Stop(clock)
    return Pacer(per_minute, stop), clock, stop


@given(st.integers(1, 30), st.lists(st.floats(0, 3), min_size=1, max_size=120))
def test_no_sixty_seconds_see_more_than_the_allowance(per_minute: int, latencies: list[float]) -> None:
    pace, clock, _ = pacer(per_minute)
    arrivals = []
    for latency in latencies:
        slot = pace.acquire()
        arrivals.append(clock.now + min(latency, 1.0) / 2)  # the server counts it on its way
        clock.now += latency
        pace.responded(slot)
    for index, arrival in enumerate(arrivals):
        within = [a for a in arrivals[: index + 1] if a > arrival - 60.0 + 1e-6]
        assert len(within) <= per_minute


def test_nearly_all_of_the_allowance_is_used() -> None:
    pace, clock, _ = pacer(700)
    began = clock.now
    for _ in range(7000):
        slot = pace.acquire()
        clock.now += 0.01
        pace.responded(slot)
    assert 7000 / (clock.now - began) * 60 > 0.97 * 700


def test_a_lone_503_is_tried_again_after_a_second_and_the_next_waits_for_the_minute() -> None:
    pace, clock, _ = pacer(700)
    first = pace.pushed_back(pace.acquire(), second_of_minute=20.0, retry_after=None)
    assert first == 1.0
    slot = pace.acquire()
    clock.now += 0.1
    second = pace.pushed_back(slot, second_of_minute=21.0, retry_after=None)
    assert 39.0 <= second <= 40.5
    slot = pace.acquire()
    clock.now += 0.1
    assert pace.pushed_back(slot, second_of_minute=1.0, retry_after=None) >= 60.0


def test_a_503_when_the_allowance_is_spent_waits_at_once_for_the_minute() -> None:
    pace, _, _ = pacer(10)
    slots = [pace.acquire() for _ in range(10)]
    assert pace.pushed_back(slots[-1], second_of_minute=50.0, retry_after=None) >= 10.0


def test_responses_to_requests_that_were_under_way_are_one_push_back() -> None:
    pace, clock, _ = pacer(700)
    slots = [pace.acquire() for _ in range(8)]
    clock.now += 0.3
    began = clock.now
    for slot in slots:
        pace.pushed_back(slot, second_of_minute=0.0, retry_after=None)
    assert pace.acquire() is not None
    assert clock.now - began < 3


def test_retry_after_is_honoured() -> None:
    pace, _, _ = pacer(700)
    assert 7.0 <= pace.pushed_back(pace.acquire(), second_of_minute=0.0, retry_after=7.0) <= 8.0


def test_waiting_ends_when_it_is_time_to_stop() -> None:
    pace, _, stop = pacer(1)
    pace.acquire()
    stop.ask("test")
    with pytest.raises(Interrupted):
        pace.acquire()


def test_waiting_ends_at_the_deadline() -> None:
    clock = FakeClock(1000.0)
    stop = Stop(clock, deadline=clock.now + 5)
    pace = Pacer(1, stop)
    pace.acquire()
    with pytest.raises(Interrupted):
        pace.acquire()
    assert clock.now <= 1005.1


def test_requests_that_are_spread_keep_their_distance_and_use_the_allowance() -> None:
    pace, clock, _ = pacer(40)
    pace.spread()
    sent = []
    for _ in range(200):
        slot = pace.acquire()
        sent.append(clock.now)
        clock.now += 0.2
        pace.responded(slot)
    distances = [after - before for before, after in pairwise(sent)]
    assert max(distances) - min(distances) < 0.01
    assert 39 <= 60 / distances[-1] <= 40, "the allowance is used"


def test_where_requests_are_held_back_who_came_first_leaves_first() -> None:
    """Otherwise one organization of a hundred could wait a minute longer than the others, for no reason."""
    pace = Pacer(1200, Stop())
    pace.spread()
    left: list[tuple[float, int]] = []

    def work(number: int) -> None:
        left.append((pace.acquire().counted_at, number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(15)]
    for number, thread in enumerate(threads):
        thread.start()
        while len(pace._shared.waiting) + len(left) <= number:
            time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert [number for _, number in sorted(left)] == list(range(15))


def test_one_that_is_stopped_while_it_waits_holds_up_nobody() -> None:
    pace, _, _ = pacer(1)
    pace.acquire()
    stopped = Stop(FakeClock(1000.0))
    other = pace.sharing(stopped)
    stopped.ask("the test")
    with pytest.raises(Interrupted):
        other.acquire()
    assert pace.acquire()
