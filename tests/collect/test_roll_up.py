"""Whether a log repeats others, and what is done about it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from tests.collect.hourly import GROUP, NOON, assert_exact, hourly
from tests.collect.in_process import DAY, HOUR, run_at
from tests.plain_source import ROOT, PlainSource, entry, serving

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("burst", [100, 500])
def test_a_rolled_up_burst_is_recognized_as_rolled_up(tmp_path: Path, burst: int) -> None:
    source = PlainSource(rolls_up=True)
    hourly(source, ROOT, NOON - DAY // 2, NOON)
    for number in range(burst):
        source.add(GROUP, NOON - HOUR, entry(NOON - HOUR, random.Random(number)))
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
    assert_exact(source, tmp_path)


def test_a_rolled_up_log_that_is_collected_alone_later_repeats_nothing(tmp_path: Path) -> None:
    source = PlainSource(rolls_up=True)
    hourly(source, ROOT, NOON - DAY // 2, NOON)
    hourly(source, GROUP, NOON - DAY // 2, NOON, seed=2)
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
        assert run_at(source, tmp_path, NOON + 1, orgs=(ROOT,), since=NOON - DAY).exit_code == 0
    assert_exact(source, tmp_path)


def test_a_few_events_logged_alike_in_two_logs_are_not_taken_for_a_roll_up(tmp_path: Path) -> None:
    source = PlainSource()
    for number in range(3):
        stamp = NOON - 1 - number
        both = entry(stamp, random.Random(number))
        source.add(ROOT, stamp, both)
        source.add(GROUP, stamp, both)
    for organization in (ROOT, GROUP):
        hourly(source, organization, NOON - DAY // 2, NOON, seed=3)
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
    assert_exact(source, tmp_path)
