"""What the collector promises, tried on real processes over real HTTP against a source that is not the simulator."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from tests.archives import collect, command, lines, told_to_stop
from tests.plain_source import ROOT, PlainSource, entry, serving

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400_000
GROUP = "0b000000-0000-4000-8000-000000000000"


def now() -> int:
    return int(time.time() * 1000)


@pytest.fixture
def source() -> PlainSource:
    made = PlainSource()
    made.fill(ROOT, 3000, now() - 2 * DAY, now() - 1000)
    made.names[GROUP] = "Retail"
    made.fill(GROUP, 1500, now() - 2 * DAY, now() - 1000, seed=8)
    return made


def assert_exact(source: PlainSource, archive: Path) -> None:
    for organization in source.logs:
        assert lines(archive, organization) == source.truth(organization)


def test_every_entry_arrives_once_whatever_the_source_does(source: PlainSource, tmp_path: Path) -> None:
    """5 % 5xx, 2 % resets, 2 % cut bodies, 2 % HTML, tokens of two seconds, bursts and twins across page borders."""
    burst = now() - DAY
    twin = entry(burst, random.Random(1))
    for number in range(500):
        source.add(ROOT, burst, twin if number % 50 == 0 else entry(burst, random.Random(number)))
    source.faults, source.token_seconds = 0.11, 2.0
    with serving(source):
        done = collect(source.url, tmp_path, "--since", "3d")
    assert done.returncode == 0, done.stderr
    assert source.counts["faults"] > 0
    assert_exact(source, tmp_path)


def test_a_run_goes_on_where_the_last_one_ended_and_writes_nothing_twice(source: PlainSource, tmp_path: Path) -> None:
    with serving(source):
        assert collect(source.url, tmp_path, "--since", "3d").returncode == 0
        source.add(ROOT, now(), entry(now(), random.Random(5)))
        time.sleep(0.05)
        assert collect(source.url, tmp_path).returncode == 0
        asked = source.counts["queries"]
        assert collect(source.url, tmp_path).returncode == 0
        assert source.counts["queries"] - asked <= 2 * 2
    assert_exact(source, tmp_path)


def test_a_first_run_collects_the_last_day_from_its_start(source: PlainSource, tmp_path: Path) -> None:
    with serving(source):
        assert collect(source.url, tmp_path).returncode == 0
    start = (now() - DAY) // DAY * DAY
    expected = sum(stamp >= start for stamp, _, _ in source.logs[ROOT])
    assert lines(tmp_path, ROOT).total() == expected


def test_late_entries_are_collected_by_the_next_run_once(source: PlainSource, tmp_path: Path) -> None:
    with serving(source):
        assert collect(source.url, tmp_path, "--since", "3d").returncode == 0
        for hours in (1, 5, 20):
            stamp = now() - hours * 3_600_000
            source.add(ROOT, stamp, entry(stamp, random.Random(hours)))
        # a late twin of an entry that is held, and a late entry that shares its identity but not its bytes
        stamp, _, held = source.logs[ROOT][-500]
        source.add(ROOT, stamp, held)
        stamp, _, held = source.logs[ROOT][-501]
        source.add(ROOT, stamp, held.replace(b'"n"', b'"another name"'))
        assert collect(source.url, tmp_path).returncode == 0
        assert collect(source.url, tmp_path).returncode == 0
    assert_exact(source, tmp_path)


def test_collectors_that_run_at_once_end_with_every_entry_once(source: PlainSource, tmp_path: Path) -> None:
    source.latency = 0.01
    with serving(source):
        running = []
        for _ in range(4):
            line, env = command(source.url, tmp_path, "--since", "3d")
            running.append(subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        for process in running:
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
    assert_exact(source, tmp_path)


def test_a_run_killed_at_any_moment_is_completed_by_the_next(source: PlainSource, tmp_path: Path) -> None:
    source.latency = 0.02
    rng = random.Random(3)
    with serving(source):
        for _ in range(8):
            line, env = command(source.url, tmp_path, "--since", "3d")
            with subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                while not (tmp_path / "state/organizations.json").exists():  # since when is known from then on
                    time.sleep(0.02)
                time.sleep(rng.uniform(0.0, 1.0))
                process.kill()
        done = collect(source.url, tmp_path)
        assert done.returncode == 0, done.stderr
    assert_exact(source, tmp_path)
    assert not list(tmp_path.glob("state/tmp/*"))


def test_sigterm_commits_what_was_read_and_ends_within_five_seconds(tmp_path: Path) -> None:
    source = PlainSource()
    source.fill(ROOT, 20_000, now() - DAY, now() - 1000)
    source.latency = 0.1
    with serving(source):

        def hang() -> None:
            source.latency = 30.0  # the request under way will not come back in time
            time.sleep(0.2)

        output = told_to_stop(source.url, tmp_path, lambda: source.counts["queries"] >= 20, hang)
        assert json.loads(output)["complete"] is False
        committed = lines(tmp_path, ROOT).total()
        assert committed > 1000
        source.latency = 0.0
        assert collect(source.url, tmp_path).returncode == 0
    start = (now() - DAY) // DAY * DAY
    assert lines(tmp_path, ROOT).total() == sum(stamp >= start for stamp, _, _ in source.logs[ROOT])


def test_sigterm_ends_at_once_while_there_is_nothing_to_commit(tmp_path: Path) -> None:
    source = PlainSource(hierarchy_delay=30.0)
    with serving(source):
        told_to_stop(source.url, tmp_path, lambda: bool(source.counts["hierarchies"]))


def test_a_sole_client_is_never_over_the_limit(source: PlainSource, tmp_path: Path) -> None:
    source.per_minute = 40
    # 24 queries and a token: the allowance of the minute is kept without waiting for one
    with serving(source):
        done = collect(source.url, tmp_path, "--since", "3d", REQUESTS_PER_MINUTE="40")
    assert done.returncode == 0, done.stderr
    assert source.counts["over limit"] == 0
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("switch", [{"cursor_seconds": 0.05, "latency": 0.03}, {"total_on_last_page": False}])
def test_what_is_not_known_of_the_source_may_be_either_way(
    source: PlainSource, tmp_path: Path, switch: dict[str, float]
) -> None:
    for name, value in switch.items():
        setattr(source, name, value)
    with serving(source):
        done = collect(source.url, tmp_path, "--since", "3d")
    assert done.returncode == 0, done.stderr
    assert_exact(source, tmp_path)


def descending(found: list[bytes]) -> list[bytes]:
    return found[::-1]


def shuffled(found: list[bytes]) -> list[bytes]:
    return random.Random(4).sample(found, len(found))


@pytest.mark.parametrize("order", [descending, shuffled])
def test_a_source_that_does_not_answer_in_order_is_read_all_the_same(
    source: PlainSource, tmp_path: Path, order: object
) -> None:
    source.order = order
    with serving(source):
        done = collect(source.url, tmp_path, "--since", "3d")
        assert done.returncode == 0, done.stderr
        assert collect(source.url, tmp_path).returncode == 0
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("cap", [10_000, 1_000])
def test_totals_that_stop_counting_do_not_stop_the_collector(tmp_path: Path, cap: int) -> None:
    source = PlainSource(total_cap=cap)
    source.fill(ROOT, 12_000, now() - DAY, now() - 1000)
    with serving(source):
        done = collect(source.url, tmp_path, "--since", "2d")
        assert done.returncode == 0, done.stderr
        source.add(ROOT, now() - 5000, entry(now() - 5000, random.Random(5)))
        assert collect(source.url, tmp_path).returncode == 0
    assert_exact(source, tmp_path)


def test_entries_that_arrive_while_they_are_read_are_carried_or_collected(source: PlainSource, tmp_path: Path) -> None:
    rng = random.Random(11)

    def arrive(of: PlainSource) -> None:
        if rng.random() < 0.3:
            stamp = now() - rng.randrange(1000, 3_600_000)
            of.add(ROOT, stamp, entry(stamp, rng))

    source.before_query = arrive
    with serving(source):
        assert collect(source.url, tmp_path, "--since", "3d").returncode == 0
        source.before_query = None
        assert collect(source.url, tmp_path).returncode == 0
    assert_exact(source, tmp_path)


def test_a_refused_business_group_fails_the_run_after_the_others_were_collected(
    source: PlainSource, tmp_path: Path
) -> None:
    source.refused.add(GROUP)
    with serving(source):
        done = collect(source.url, tmp_path, "--since", "3d")
    assert done.returncode == 4
    assert "Retail" in done.stderr
    assert "read:audit_logs" in done.stderr
    assert lines(tmp_path, ROOT) == source.truth(ROOT)


def test_a_hierarchy_that_may_not_be_read_fails_the_run_after_the_root_was_collected(
    source: PlainSource, tmp_path: Path
) -> None:
    source.hierarchy_status = 403
    with serving(source):
        done = collect(source.url, tmp_path, "--since", "3d")
    assert done.returncode == 4
    assert "read:organization" in done.stderr
    assert lines(tmp_path, ROOT) == source.truth(ROOT)


def test_only_the_organizations_named_are_collected(source: PlainSource, tmp_path: Path) -> None:
    with serving(source):
        assert collect(source.url, tmp_path, "--since", "3d", "--org", GROUP).returncode == 0
    assert lines(tmp_path) == source.truth(GROUP)


def test_a_token_is_given_back_at_the_end(source: PlainSource, tmp_path: Path) -> None:
    with serving(source):
        collect(source.url, tmp_path, "--since", "1d")
    assert (source.counts["tokens"], source.counts["revoked"]) == (1, 1)


def test_an_archive_whose_feed_deletes_parts_is_not_filled_again(source: PlainSource, tmp_path: Path) -> None:
    with serving(source):
        assert collect(source.url, tmp_path, "--since", "3d").returncode == 0
        for part in tmp_path.glob("audit/*/*/*/*/*.gz"):
            part.unlink()
        source.add(ROOT, now(), entry(now(), random.Random(5)))
        time.sleep(0.05)
        assert collect(source.url, tmp_path).returncode == 0
    assert lines(tmp_path).total() == 1


def test_a_lost_head_costs_requests_and_no_entry(source: PlainSource, tmp_path: Path) -> None:
    with serving(source):
        assert collect(source.url, tmp_path, "--since", "3d").returncode == 0
        for head in tmp_path.glob("state/*/head.json"):
            head.unlink()
        source.add(ROOT, now() - 3_600_000, entry(now() - 3_600_000, random.Random(5)))
        assert collect(source.url, tmp_path).returncode == 0
    assert_exact(source, tmp_path)


def test_a_part_whose_manifest_was_never_written_is_adopted(source: PlainSource, tmp_path: Path) -> None:
    with serving(source):
        assert collect(source.url, tmp_path, "--since", "3d").returncode == 0
        for path in [*tmp_path.glob("state/*/*/*/*.manifest.json"), *tmp_path.glob("state/*/*/*/*.keys/*")]:
            path.unlink()
        assert collect(source.url, tmp_path, "--since", "3d").returncode == 0
    assert_exact(source, tmp_path)


def test_an_entry_too_long_for_the_feed_is_kept_beside_it(source: PlainSource, tmp_path: Path) -> None:
    stamp = now() - 1000
    long = entry(stamp, random.Random(1), payload={"v": "x" * 4_100_000})
    source.add(ROOT, stamp, long)
    source.add(ROOT, stamp, long)
    with serving(source):
        for _ in range(2):
            done = collect(source.url, tmp_path, "--since", "3d")
            assert done.returncode == 0, done.stderr
    assert lines(tmp_path, ROOT) + Counter({long: 2}) == source.truth(ROOT)
    assert len(list(tmp_path.glob("state/oversize/*/*/*/*/*"))) == 2
