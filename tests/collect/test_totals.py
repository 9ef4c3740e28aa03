"""Totals that hide something."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from tests.collect.hourly import NOON, assert_exact
from tests.collect.in_process import HOUR, run_at
from tests.plain_source import ROOT, PlainSource, entry, serving

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("cap", [1_000, 5_000, 10_000])
def test_a_total_that_stops_at_what_is_held_does_not_hide_the_next_entry(tmp_path: Path, cap: int) -> None:
    source = PlainSource(total_cap=cap)
    source.fill(ROOT, cap, NOON - HOUR, NOON - 1000)
    del source.logs[ROOT][cap:]
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
        source.add(ROOT, NOON - HOUR // 2, entry(NOON - HOUR // 2, random.Random(3)))
        assert run_at(source, tmp_path, NOON + 1).exit_code == 0
    assert_exact(source, tmp_path)
