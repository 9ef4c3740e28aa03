"""Since when everything is collected."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.collect.hourly import GROUP, NOON, assert_exact, hourly
from tests.collect.in_process import DAY, HOUR, run_at
from tests.plain_source import ROOT, PlainSource, entry, serving

if TYPE_CHECKING:
    from pathlib import Path


def test_a_since_does_not_close_days_that_it_did_not_look_at(tmp_path: Path) -> None:
    source = PlainSource()
    hourly(source, ROOT, NOON - DAY, NOON)
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
        source.add(ROOT, NOON - HOUR, entry(NOON - HOUR, random.Random(9)))
        hourly(source, ROOT, NOON, NOON + 3 * DAY)
        assert run_at(source, tmp_path, NOON + 3 * DAY, since=NOON + 2 * DAY).exit_code == 0
        assert run_at(source, tmp_path, NOON + 3 * DAY + 1).exit_code == 0
    assert_exact(source, tmp_path)


def test_a_business_group_that_is_new_is_collected_from_where_the_archive_begins(tmp_path: Path) -> None:
    source = PlainSource()
    hourly(source, ROOT, NOON - DAY // 2, NOON)
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
        hourly(source, ROOT, NOON + HOUR, NOON + 3 * DAY)
        hourly(source, GROUP, NOON + HOUR, NOON + 3 * DAY)
        assert run_at(source, tmp_path, NOON + 3 * DAY).exit_code == 0
    assert_exact(source, tmp_path)


def test_a_look_back_that_is_made_longer_opens_days_again(tmp_path: Path) -> None:
    source = PlainSource()
    hourly(source, ROOT, NOON - 5 * DAY, NOON)
    with serving(source):
        assert run_at(source, tmp_path, NOON, since=NOON - 6 * DAY).exit_code == 0
        source.add(ROOT, NOON - 3 * DAY, entry(NOON - 3 * DAY, random.Random(9)))
        assert run_at(source, tmp_path, NOON + 1, look_back=7 * DAY).exit_code == 0
    assert_exact(source, tmp_path)


def test_a_gap_that_a_since_leaves_is_closed_by_the_next_run(tmp_path: Path) -> None:
    source = PlainSource()
    hourly(source, ROOT, NOON - DAY // 2, NOON + 5 * DAY)
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
        assert run_at(source, tmp_path, NOON + 5 * DAY, since=NOON + 4 * DAY).exit_code == 0
        assert run_at(source, tmp_path, NOON + 5 * DAY + 1).exit_code == 0
    assert_exact(source, tmp_path)
