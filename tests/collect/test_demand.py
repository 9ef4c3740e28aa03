"""How many workers a run hires."""

from __future__ import annotations

import pytest
from tests.control_plane.clock import FakeClock

from mulesoft_audit.anypoint.pacer import Pacer
from mulesoft_audit.clock import Stop
from mulesoft_audit.collect import demand
from mulesoft_audit.collect.demand import Demand, workers_for


class Working:
    """Workers whose requests take `latency` seconds each, under a clock of their own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, per_minute: int = 700, busy: float = 0.0) -> None:
        self.clock = FakeClock()
        self.busy = busy
        self.pacer = Pacer(per_minute, Stop(self.clock))
        self.demand = Demand(self.pacer)
        began = self.clock.monotonic()
        monkeypatch.setattr(demand.time, "process_time", lambda: (self.clock.monotonic() - began) * self.busy)

    def after(self, seconds: float, workers: int, latency: float) -> int:
        """Return how many workers are wanted once `workers` of them worked for `seconds`."""
        self.demand.workers(workers)
        for _ in range(round(workers * seconds / latency)):
            self.pacer.responded(self.pacer.acquire())
        self.clock.now += seconds
        return self.demand.workers(workers)


@pytest.mark.parametrize(("latency", "least", "most"), [(0.05, 2, 2), (0.4, 5, 6), (0.8, 10, 11)])
def test_as_many_are_hired_at_once_as_keep_the_allowance_busy_at_that_latency(
    monkeypatch: pytest.MonkeyPatch, latency: float, least: int, most: int
) -> None:
    assert least <= Working(monkeypatch).after(2.4, 2, latency) <= most


def test_nobody_is_hired_before_a_second_has_shown_what_the_present_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Working(monkeypatch).after(0.8, 2, 0.4) == 2


def test_nobody_is_hired_once_the_allowance_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    working = Working(monkeypatch, per_minute=40)
    working.demand.workers(2)
    for _ in range(41):  # the last is held back for the rest of the minute
        working.pacer.responded(working.pacer.acquire())
    assert working.demand.workers(2) == 2


def test_nobody_is_hired_where_the_processor_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Working(monkeypatch, busy=0.9).after(2.0, 2, 0.4) == 2


def test_nobody_more_is_hired_where_the_last_ones_made_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    working = Working(monkeypatch)
    hired = working.after(2.0, 2, 0.8)
    assert hired > 2
    assert working.after(2.0, hired, 0.8 * hired / 2) == hired  # the source answers as many as before, only later


def test_time_in_which_nothing_was_waiting_is_not_taken_for_slowness(monkeypatch: pytest.MonkeyPatch) -> None:
    working = Working(monkeypatch)
    working.demand.workers(2)
    working.clock.now += 30.0  # two workers, one task: what they could do does not show
    working.demand.idle()
    assert working.after(2.0, 2, 0.1) == 2


def test_a_plane_with_a_small_allowance_needs_few_and_one_with_a_large_one_not_more_than_memory_allows() -> None:
    assert workers_for(40) == 3
    assert workers_for(700) == 13
    assert workers_for(100_000) == 16
