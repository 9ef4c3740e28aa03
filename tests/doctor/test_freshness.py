"""From what age on something is stale: the same cases as the module's own test of its alerts."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulesoft_audit.doctor.freshness import DAILY, interval_minutes, silence_minutes

MODULE = Path(__file__).parents[2] / "terraform"


def module_cases() -> list[tuple[str, int | None, int, int | None]]:
    """Return schedule, interval that is given, silence, and interval that is derived, of each run in the test."""
    text = (MODULE / "tests" / "schedule.tftest.hcl").read_text("utf-8")
    found = []
    for run in text.split("\nrun ")[1:]:
        schedule = re.search(r'schedule\s+= "(.+)"', run)
        given_one = re.search(r"schedule_interval_minutes = (\d+)", run)
        derived = re.search(r"interval_minutes == (\d+)", run)
        silence = re.search(r"silence_minutes == (\d+)", run)
        assert silence, run
        found.append(
            (
                schedule[1] if schedule else DAILY,
                int(given_one[1]) if given_one else None,
                int(silence[1]),
                int(derived[1]) if derived else None,
            )
        )
    return found


def test_the_modules_test_has_cases() -> None:
    assert len(module_cases()) >= 5


@pytest.mark.parametrize(("schedule", "given_one", "silence", "derived"), module_cases())
def test_it_is_the_modules_rule(schedule: str, given_one: int | None, silence: int, derived: int | None) -> None:
    interval = interval_minutes(schedule)
    assert interval == derived, "a schedule that rests on some days has none"
    assert silence_minutes(given_one or interval or 0) == silence


@pytest.mark.parametrize(
    ("schedule", "interval"),
    [
        (DAILY, 1440),
        ("* * * * *", 1),
        ("5/15 * * * *", 15),
        ("5/25 * * * *", 25),  # 5, 30, 55, and 5 again
        ("0 5-20 * * *", 540),
        ("0 2,3 * * *", 1380),
        ("0 2 * * MON-FRI", None),
        ("0 2 1 * *", None),
        ("every 5 minutes", None),
        ("0 24 * * *", None),
        ("60 2 * * *", None),
        ("", None),
        ("9-5 * * * *", None),
    ],
)
def test_the_longest_time_between_two_runs(schedule: str, interval: int | None) -> None:
    assert interval_minutes(schedule) == interval


def test_daily_is_26_hours() -> None:
    assert silence_minutes(1440) == 26 * 60


@given(st.sets(st.integers(0, 59), min_size=1, max_size=5), st.sets(st.integers(0, 23), min_size=1, max_size=5))
def test_a_list_of_times_is_counted_around_the_clock(minutes: set[int], hours: set[int]) -> None:
    schedule = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"
    runs = [at for at in range(2 * 1440) if at % 60 in minutes and at // 60 % 24 in hours]
    assert interval_minutes(schedule) == max((b - a for a, b in pairwise(runs)), default=1440)
