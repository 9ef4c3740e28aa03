"""An archive that version 0.1.0 wrote is read, and brought up to date by its first run."""

from __future__ import annotations

import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.hostile.running import assert_done, assert_exact, collect
from tests.hostile_source import DAY, GROUP, HOUR, ROOT, Entry, HostileSource, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXTURE = Path(__file__).parents[2] / "fixtures/archive-format-1"
THEN = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()
FIRST = int(THEN * 1000) // DAY * DAY - 7 * DAY  #: 00:00 of the first day with entries


@pytest.fixture
def older(tmp_path: Path) -> Iterator[HostileSource]:
    """The source of that archive; the archive itself is copied to `tmp_path`/archive."""
    source = HostileSource({ROOT: [], GROUP: []}, names={GROUP: "Group"}, skew=THEN - time.time())
    for line in (FIXTURE / "source.jsonl").read_text().splitlines():
        one = json.loads(line)
        source.put(one["organization"], [Entry(one["timestamp"], one["entry"].encode())])
    shutil.copytree(FIXTURE / "archive", tmp_path / "archive")
    with serving(source) as served:
        yield served


def then() -> str:
    """Return what HOSTILE_SHIFT must be for the clock to say the day after (these run inside the runner)."""
    return str(THEN - time.time())


def test_it_is_read_and_nothing_is_written_twice(older: HostileSource, tmp_path: Path) -> None:
    parts = {path: path.read_bytes() for path in tmp_path.glob("archive/audit/**/*.gz")}
    assert_done(collect(older, tmp_path / "archive", HOSTILE_SHIFT=then()), 0)
    assert_exact(older, tmp_path / "archive")
    assert {path: path.read_bytes() for path in tmp_path.glob("archive/audit/**/*.gz")} == parts
    assert len(older.queries) <= 6, "it is brought up to date from its manifests, not read again"
    older.forget()
    assert_done(collect(older, tmp_path / "archive", HOSTILE_SHIFT=then()), 0)
    assert len(older.queries) == 2


def test_new_and_late_entries_arrive_with_its_first_run(older: HostileSource, tmp_path: Path) -> None:
    older.add(ROOT, FIRST + HOUR, int(THEN * 1000) - HOUR, seed="late")
    older.add(GROUP, FIRST + 3 * DAY, seed="late")
    assert_done(collect(older, tmp_path / "archive", HOSTILE_SHIFT=then()), 3)
    assert_exact(older, tmp_path / "archive")


def test_entries_that_it_missed_are_found_by_its_first_run(older: HostileSource, tmp_path: Path) -> None:
    """What became visible after its look-back: that version never looked."""
    older.add(GROUP, *(FIRST + number * HOUR for number in range(1, 20)), seed="late")
    assert_done(collect(older, tmp_path / "archive", HOSTILE_SHIFT=then()), 19)
    assert_exact(older, tmp_path / "archive")


def test_one_without_its_heads_is_read_from_its_manifests(older: HostileSource, tmp_path: Path) -> None:
    for head in tmp_path.glob("archive/state/*/head.json"):
        head.unlink()
    older.add(ROOT, FIRST + 30 * HOUR, seed="late")
    assert_done(collect(older, tmp_path / "archive", HOSTILE_SHIFT=then()), 1)
    assert_exact(older, tmp_path / "archive")


def test_one_whose_parts_the_feed_deleted_is_not_filled_again(older: HostileSource, tmp_path: Path) -> None:
    for part in tmp_path.glob("archive/audit/**/*.gz"):
        part.unlink()
    [late] = older.add(GROUP, FIRST + 30 * HOUR, seed="late")
    assert_done(collect(older, tmp_path / "archive", HOSTILE_SHIFT=then()), 1)
    older.logs = {ROOT: [], GROUP: [entry for entry in older.logs[GROUP] if entry.body == late]}
    assert_exact(older, tmp_path / "archive")


def test_it_is_bound_to_its_root_by_its_first_run(older: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(older, tmp_path / "archive", HOSTILE_SHIFT=then()), 0)
    bound = json.loads((tmp_path / "archive/state/organizations.json").read_text())
    assert ROOT in json.dumps(bound)
    assert GROUP in json.dumps(bound)
