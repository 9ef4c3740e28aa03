"""A backfill says what it will take, spends what it must, and can be stopped at any point."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.archives import command, lines
from tests.plain_source import ROOT, PlainSource, serving

from anypoint_simulator import Behaviour, Scenario, World, quiet, running
from mulesoft_audit.cli.collect import period_of
from mulesoft_audit.settings import load

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400_000


def now() -> int:
    return int(time.time() * 1000)


def backfill(url: str, archive: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    line, env = command(url, archive, *arguments, **environment)
    line[line.index("collect")] = "backfill"
    null = subprocess.DEVNULL
    return subprocess.run(line, env=env, capture_output=True, text=True, timeout=120, check=False, stdin=null)


def test_the_plan_says_what_it_will_take_and_changes_nothing(tmp_path: Path) -> None:
    source = PlainSource()
    source.fill(ROOT, 3000, now() - 20 * DAY, now() - 1000)
    with serving(source):
        done = backfill(source.url, tmp_path / "a", "--since", "30d", "--plan-only", "--json", REQUESTS_PER_MINUTE="40")
        assert done.returncode == 0, done.stderr
        plan = json.loads(done.stdout)
        assert (plan["missing"], plan["requests_per_minute"]) == (3000, 40)
        assert not (tmp_path / "a" / "audit").exists()
        asked = source.counts["queries"]
        assert backfill(source.url, tmp_path / "a", "--since", "30d").returncode == 0
        assert source.counts["queries"] - asked <= plan["requests"]
    assert lines(tmp_path / "a") == source.truth(ROOT)


def test_sparse_years_are_not_asked_for_day_by_day(tmp_path: Path) -> None:
    source = PlainSource()
    source.fill(ROOT, 2000, now() - 5 * 365 * DAY, now() - 1000)
    with serving(source):
        done = backfill(source.url, tmp_path, "--since", "1825d")
    assert done.returncode == 0, done.stderr
    assert source.counts["queries"] <= 2000 / 199 + 4
    assert lines(tmp_path) == source.truth(ROOT)


def test_requests_are_within_three_percent_of_the_least_possible(tmp_path: Path) -> None:
    world = World(quiet(groups=1, bulk=200_000))
    with running(world, Behaviour(token_entries=False)) as anypoint:
        group = next(one for one in anypoint.organizations if one != anypoint.root)
        environment = {"CLIENT_ID": anypoint.client_id, "CLIENT_SECRET": anypoint.client_secret}
        done = backfill(anypoint.url, tmp_path, "--since", "5d", "--org", group, **environment)
        assert done.returncode == 0, done.stderr
        entries, asked = len(anypoint.truth(group)), anypoint.counters.total("query")
    least = -(-entries // 200)  # full pages
    assert asked <= 1.03 * least
    assert lines(tmp_path).total() == entries


def test_an_incremental_run_that_finds_nothing_costs_two_requests_whatever_the_look_back(tmp_path: Path) -> None:
    source = PlainSource()
    source.fill(ROOT, 3000, now() - 40 * DAY, now() - 1000)
    with serving(source):
        assert backfill(source.url, tmp_path, "--since", "45d", "--look-back", "30d").returncode == 0
        for look_back in ("24h", "30d"):
            asked = source.counts["queries"]
            line, env = command(source.url, tmp_path, "--look-back", look_back)
            assert subprocess.run(line, env=env, capture_output=True, check=False).returncode == 0
            assert source.counts["queries"] - asked <= 2


def test_the_newest_days_arrive_first_and_a_stopped_backfill_goes_on(tmp_path: Path) -> None:
    source, go_on = PlainSource(latency=0.03), threading.Event()
    source.fill(ROOT, 60_000, now() - 30 * DAY, now() - 1000)
    source.before_query = lambda source: source.counts["queries"] > 100 and go_on.wait(60)
    with serving(source):
        # An allowance for five readers, of eight slices: what they do not begin with is old.
        line, env = command(source.url, tmp_path, "--since", "40d", REQUESTS_PER_MINUTE="239")
        line[line.index("collect")] = "backfill"
        with subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while source.counts["queries"] <= 100:
                time.sleep(0.05)
            process.terminate()
        held = [json.loads(line)["timestamp"] for line in lines(tmp_path)]
        assert len(held) > 15_000
        assert sorted(held)[len(held) // 2] > now() - 20 * DAY
        go_on.set()
        source.latency, asked = 0.0, source.counts["queries"]
        assert backfill(source.url, tmp_path, "--since", "40d").returncode == 0
        assert source.counts["queries"] - asked < 340
    assert lines(tmp_path) == source.truth(ROOT)


def test_it_stops_at_the_sources_retention_and_says_so(tmp_path: Path) -> None:
    with running(World(Scenario(groups=1, days=2)), Behaviour(token_entries=False)) as anypoint:
        environment = {"CLIENT_ID": anypoint.client_id, "CLIENT_SECRET": anypoint.client_secret}
        done = backfill(anypoint.url, tmp_path, "--since", "2001-01-01", **environment)
    assert done.returncode == 0, done.stderr
    assert "The source keeps" in done.stderr


@pytest.mark.parametrize(
    ("since", "expected"), [("2026-01-02T05:00:00Z", "2026-01-02"), ("2026-01-02T23:30:00-05:00", "2026-01-03")]
)
def test_a_since_is_taken_back_to_the_start_of_its_day_in_utc(since: str, expected: str) -> None:
    settings: Any = load({}, {})
    period = period_of(settings, since, None, now())
    assert period.since is not None
    assert time.strftime("%Y-%m-%dT%H:%M", time.gmtime(period.since / 1000)) == f"{expected}T00:00"


def test_help_and_version_answer_without_the_google_extras() -> None:
    code = "import sys; sys.modules['google'] = None; from mulesoft_audit.cli import main; main(['backfill', '--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Examples" in done.stdout
