"""Runs that are cut short, and what a run that was killed leaves."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from tests.archives import lines, told_to_stop
from tests.collect.hourly import NOON, assert_exact, now
from tests.collect.in_process import DAY, run_at
from tests.plain_source import ROOT, PlainSource, entry, serving

if TYPE_CHECKING:
    from pathlib import Path


def test_sigterm_ends_a_run_though_the_token_endpoint_hangs(tmp_path: Path) -> None:
    source = PlainSource(token_seconds=1.0, latency=0.05)
    source.fill(ROOT, 20_000, now() - DAY, now() - 1000)

    def hang(handler: Any, path: str) -> bool:
        if path.endswith("/token") and source.counts["tokens"]:
            source.counts["hanging"] += 1
            time.sleep(20)
        return False

    source.answer = hang
    with serving(source):
        told_to_stop(source.url, tmp_path, lambda: bool(source.counts["hanging"]))
    assert lines(tmp_path).total() > 0


def test_runs_that_are_cut_short_each_get_further_than_the_last(tmp_path: Path) -> None:
    source = PlainSource()
    rng = random.Random(3)
    for index in range(1_800):  # nine pages, of which a run gets to read three
        source.add(ROOT, NOON + index * 1_000, entry(NOON + index * 1_000, rng))
    held = []
    with serving(source):
        while not held or held[-1] < 1_800:
            run_at(source, tmp_path, NOON + DAY, since=NOON, queries=5)
            held.append(lines(tmp_path, ROOT).total())
            assert len(held) < 9, f"held after each run: {held}"
    assert held == sorted(set(held)), "each run got further"
    assert_exact(source, tmp_path)
