"""Runs that were called complete, or failed, and should not have been."""

from __future__ import annotations

import json
import shutil
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.hostile.behaviours import after, broken
from tests.hostile.running import QUICK, assert_done, assert_exact, collect, start
from tests.hostile_source import DAY, GROUP, HOUR, ROOT, HostileSource, Query, Response, found, honest, now, page

if TYPE_CHECKING:
    from pathlib import Path


def test_a_backfill_that_fails_within_the_oldest_days_is_completed_by_the_next_run(
    source: HostileSource, tmp_path: Path
) -> None:
    source.retention = 30
    oldest = now() // DAY * DAY - 30 * DAY
    source.spread(ROOT, 900, oldest, oldest + 2 * DAY, seed="oldest")
    source.respond = after(3, broken)
    assert collect(source, tmp_path, "--org", ROOT, "--since", "40d", **QUICK).code == 5
    source.respond = honest
    assert_done(collect(source, tmp_path, "--org", ROOT))
    assert_exact(source, tmp_path, of=ROOT)


@pytest.mark.parametrize(("arguments", "shift"), [((), -1), (("--since", "5d"), 0)])
def test_a_day_that_is_lost_from_the_archive_is_collected_again(
    source: HostileSource, tmp_path: Path, arguments: tuple[str, ...], shift: int
) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    manifest = sorted(tmp_path.glob(f"state/{ROOT}/*/*/*.manifest.json"))[1]
    year, month, day = *manifest.parts[-3:-1], manifest.name[:2]
    shutil.rmtree(manifest.with_name(f"{day}.keys"))
    shutil.rmtree(tmp_path / "audit" / ROOT / year / month / day)
    manifest.unlink()
    for head in tmp_path.glob("state/*/head.json"):  # as if the last look was on the day before
        document = json.loads(head.read_text())
        head.write_text(json.dumps(document | {"looked": document["looked"] + shift}))
    assert_done(collect(source, tmp_path, *arguments))
    assert_exact(source, tmp_path)


def test_an_entry_that_a_run_saw_counted_is_not_forgotten_by_it(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    late = source.add(ROOT, now() - int(3.7 * DAY), seed="late")
    source.forget()

    def lags(source: HostileSource, query: Query) -> Response:
        return page([entry for entry in found(source, query) if entry.body != late[0]], query)

    source.respond = after(2, lags)
    if collect(source, tmp_path, "--org", ROOT).complete:
        assert_exact(source, tmp_path, of=ROOT)


def test_a_round_is_not_complete_while_an_earlier_one_still_reads(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.spread(GROUP, 3000, now() - 3 * DAY, now() - 2 * HOUR, seed="late")
    source.stall = lambda query: query.organization == GROUP and query.ascending
    running = start(source, tmp_path, "--every", "1s")
    time.sleep(2.5)
    source.add(ROOT, now() - 1000, seed="new")
    time.sleep(2.5)
    running.terminate()
    out, _ = running.communicate(timeout=60)
    rounds = [json.loads(line) for line in out.splitlines()]
    assert rounds
    assert not any(one["complete"] for one in rounds)


def test_an_until_within_a_day_that_is_held_is_no_contradiction(source: HostileSource, tmp_path: Path) -> None:
    noon = now() // DAY * DAY - DAY // 2
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.add(ROOT, noon - HOUR, seed="late")
    until = datetime.fromtimestamp(noon / 1000, UTC).isoformat()
    assert collect(source, tmp_path, "--org", ROOT, "--since", "2d", "--until", until).code == 0
    assert_exact(source, tmp_path)
