"""Several collectors, a feed that deletes what it reads, and kills: nothing is missing, nothing is there twice."""

from __future__ import annotations

import gzip
import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Self

import pytest
from tests.hostile.running import assert_done, assert_exact, collect, finish, start
from tests.hostile_source import DAY, GROUP, MINUTE, ROOT, HostileSource, now

if TYPE_CHECKING:
    from pathlib import Path


class Feed:
    """Reads every part as soon as it is there, and deletes it at once."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        self.read: Counter[bytes] = Counter()
        self.names: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            self.sweep()

    def sweep(self) -> None:
        for path in sorted(self.archive.glob("audit/*/*/*/*/*.json.gz")):
            self.read.update(gzip.decompress(path.read_bytes()).splitlines())
            self.names[str(path.relative_to(self.archive))] += 1
            path.unlink()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.sweep()


def test_three_collectors_and_a_feed_that_deletes_at_once_deliver_everything_once(
    large: HostileSource, tmp_path: Path
) -> None:
    """Runs inside the runner: writing keys is slow."""
    with Feed(tmp_path) as feed:
        slow = {"HOSTILE_SLOW_KEYS": "0.3"}
        running = [start(large, tmp_path, "--since", "3d", **slow) for _ in range(3)]
        assert {finish(one).code for one in running} <= {0}
        assert_done(collect(large, tmp_path))
    assert feed.read == large.truth(ROOT), f"{(feed.read - large.truth(ROOT)).total()} were delivered twice"
    assert max(feed.names.values()) == 1, "a part's number was used again"


def test_three_collectors_at_once_write_every_entry_once(source: HostileSource, tmp_path: Path) -> None:
    for runs in range(2):
        running = [start(source, tmp_path, "--since", "5d") for _ in range(3)]
        assert {finish(one).code for one in running} == {0}
        assert_exact(source, tmp_path)
        source.spread(ROOT, 50, now() - MINUTE, now(), seed=runs)
    assert_done(collect(source, tmp_path), 50)
    assert_exact(source, tmp_path)


def test_a_part_number_is_never_used_again(source: HostileSource, tmp_path: Path) -> None:
    with Feed(tmp_path) as feed:
        assert_done(collect(source, tmp_path, "--since", "5d"))
        for number in range(3):
            source.add(ROOT, now() - DAY, now() - 2 * DAY, seed=f"late {number}")
            assert_done(collect(source, tmp_path), 2)
    assert max(feed.names.values()) == 1
    assert feed.read == source.truth(ROOT) + source.truth(GROUP)


def test_the_keys_of_a_part_are_there_before_the_part(source: HostileSource, tmp_path: Path) -> None:
    """Runs inside the runner: only a slow write shows the order."""
    running = start(source, tmp_path, "--since", "5d", HOSTILE_SLOW_KEYS="0.2")
    while running.poll() is None:
        for part in tmp_path.glob("audit/*/*/*/*/*.json.gz"):
            organization, year, month, day, name = part.parts[-5:]
            keys = tmp_path / "state" / organization / year / month / f"{day}.keys" / f"{name[-14:-8]}.bin"
            assert keys.exists(), part
        time.sleep(0.005)
    assert_done(finish(running))


@pytest.mark.parametrize("seed", [1, 2])
def test_runs_that_are_killed_among_others_leave_every_entry_once(
    large: HostileSource, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    for _ in range(4):
        running = [start(large, tmp_path, "--since", "3d") for _ in range(2)]
        time.sleep(0.25 + rng.random() * 0.5)
        running[0].kill()
        running[0].communicate()
        assert finish(running[1]).code == 0
    assert_done(collect(large, tmp_path))
    assert_exact(large, tmp_path)


def test_a_run_killed_between_keys_and_part_loses_nothing_and_its_number_stays_unused(
    source: HostileSource, tmp_path: Path
) -> None:
    """Runs inside the runner. Keys without a part are a claim, not a holding."""
    running = start(source, tmp_path, "--since", "5d", HOSTILE_SLOW_KEYS="0.5")
    while not list(tmp_path.glob("state/*/*/*/*.keys/*.bin")):
        time.sleep(0.02)
    running.kill()
    running.communicate()
    assert_done(collect(source, tmp_path))
    assert_exact(source, tmp_path)


def test_keys_that_nobody_made_a_part_for_are_no_holding(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    keys = min(tmp_path.glob(f"state/{ROOT}/*/*/*.keys/*.bin"))
    keys.with_name("000002.bin").write_bytes(keys.read_bytes())
    source.add(ROOT, source.logs[ROOT][1].stamp, seed="late")
    assert_done(collect(source, tmp_path), 1)
    assert_exact(source, tmp_path)


def test_a_slow_collector_that_a_quick_one_overtakes_writes_nothing_twice(
    source: HostileSource, tmp_path: Path
) -> None:
    """The slow one runs inside the runner."""
    slow = start(source, tmp_path, "--since", "5d", HOSTILE_SLOW_KEYS="0.4")
    time.sleep(0.5)
    assert collect(source, tmp_path, "--since", "5d").code == 0
    assert finish(slow).code == 0
    assert_exact(source, tmp_path)
