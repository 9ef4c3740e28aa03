"""`--ping` and `--metrics` as a user has them: processes, over HTTP, however a run ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.archives import collect, command, lines
from tests.ping_service import CHECK, Pings, ping_service
from tests.plain_source import ROOT, PlainSource, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UUID = CHECK.strip("/")


@pytest.fixture
def source() -> Iterator[PlainSource]:
    found = PlainSource()
    now = int(time.time() * 1000)
    found.fill(ROOT, 300, now - 3_600_000, now - 60_000)
    with serving(found):
        yield found


@pytest.fixture
def pings() -> Iterator[Pings]:
    with ping_service() as service:
        yield service


def metrics(path: Path) -> dict[str, float]:
    """Return the values in a file of metrics by name, of one organization at most."""
    families = text_string_to_metric_families(path.read_text())
    return {one.name.removeprefix("mulesoft_audit_"): one.value for family in families for one in family.samples}


def nowhere(pings: Pings, archive: Path, *outputs: str) -> None:
    """Look that the check's URL is in nothing that stays or is seen."""
    kept = [one.read_bytes() for one in archive.rglob("*") if one.is_file()]
    assert not any(UUID.encode() in one for one in kept)
    assert not any(UUID in one for one in outputs)


def test_a_run_that_succeeds(source: PlainSource, pings: Pings, tmp_path: Path) -> None:
    archive, file = tmp_path / "archive", tmp_path / "mulesoft.prom"
    done = collect(source.url, archive, "--metrics", str(file), "--since", "2d", "-v", PING_URL=pings.url)
    assert done.returncode == 0, done.stderr
    assert pings.paths == ["/start", ""]
    assert pings.seen[1][1].startswith("300 new entries; 1 of 1 organization complete")
    found = metrics(file)
    told = json.loads(done.stdout)
    assert found["organization_entries"] == found["new_entries_total"] == 300
    assert found["requests_total"] == told["requests"]
    assert found["last_run_complete"] == found["organization_complete"] == found["runs_total"] == 1
    assert found["last_success_timestamp_seconds"] == pytest.approx(time.time(), abs=30)
    assert found["organization_lag_seconds"] == told["lag_seconds"]
    nowhere(pings, archive, done.stdout, done.stderr)


def test_a_run_that_fails_says_why(source: PlainSource, pings: Pings, tmp_path: Path) -> None:
    archive, file = tmp_path / "archive", tmp_path / "mulesoft.prom"
    collect(source.url, archive, "--metrics", str(file), "--since", "2d")
    source.refused.add(ROOT)
    done = collect(source.url, archive, METRICS_FILE=str(file), PING_URL=pings.url)
    assert done.returncode == 4
    assert pings.paths == ["/start", "/fail"]
    assert pings.seen[1][1].endswith("Exit status 4.")
    found = metrics(file)
    assert (found["runs_total"], found["failed_runs_total"], found["last_run_exit_status"]) == (2, 1, 4)
    assert found["last_run_timestamp_seconds"] > found["last_success_timestamp_seconds"]
    assert found["organization_entries"] == 300
    nowhere(pings, archive, done.stdout, done.stderr)


def test_a_run_that_cannot_even_begin_is_told_as_failed(source: PlainSource, pings: Pings, tmp_path: Path) -> None:
    file = tmp_path / "mulesoft.prom"
    wrong = {"CLIENT_SECRET": "wrong-secret", "PING_URL": pings.url, "METRICS_FILE": str(file)}
    done = collect(source.url, tmp_path / "archive", **wrong)
    assert done.returncode == 3
    assert pings.paths == ["/start", "/fail"]
    assert "wrong-secret" not in pings.seen[1][1]
    assert metrics(file)["last_run_exit_status"] == 3
    done = collect(source.url, tmp_path / "archive", CLIENT_ID="", PING_URL=pings.url)
    assert done.returncode == 2
    assert pings.paths[2:] == ["/start", "/fail"]
    assert "CLIENT_ID is not set" in pings.seen[3][1]


def test_neither_ever_makes_a_run_fail(source: PlainSource, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone" / "mulesoft.prom")
    url = f"http://127.0.0.1:9{CHECK}"
    done = collect(source.url, tmp_path / "archive", "--since", "2d", PING_URL=url, METRICS_FILE=gone)
    assert done.returncode == 0
    assert lines(tmp_path / "archive") == source.truth(ROOT)
    warnings = [json.loads(line)["message"] for line in done.stderr.splitlines() if '"WARNING"' in line]
    assert {one.split(":")[0] for one in warnings} == {"A ping was not delivered", f"{gone} cannot be written"}
    nowhere(Pings(url), tmp_path / "archive", done.stdout, done.stderr)


def stopped(source: PlainSource, archive: Path, pings: Pings, *arguments: str) -> tuple[float, int, str]:
    """Start a run, tell it to stop when it has pinged twice or hangs; return seconds, status and standard error."""
    line, env = command(source.url, archive, *arguments, PING_URL=pings.url)
    with subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        pings.wait(1 if source.answer else 2)
        time.sleep(1)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        return time.monotonic() - began, process.returncode, err


def test_a_run_that_is_stopped_is_neither_a_success_nor_a_failure(
    source: PlainSource, pings: Pings, tmp_path: Path
) -> None:
    def hang(handler: Any, path: str) -> bool:
        if path.endswith("/query"):
            time.sleep(20)
        return False

    source.answer = hang
    took, status, err = stopped(source, tmp_path / "archive", pings)
    assert status == 130, err
    assert took < 5
    assert pings.paths == ["/start", "/log"]
    assert "SIGTERM" in pings.seen[1][1]


def test_rounds_ping_and_the_end_is_a_log(source: PlainSource, pings: Pings, tmp_path: Path) -> None:
    file = tmp_path / "mulesoft.prom"
    arguments = ("--every", "1s", "--since", "2d", "--metrics", str(file))
    took, status, err = stopped(source, tmp_path / "archive", pings, *arguments)
    assert status == 130, err
    assert took < 5
    assert pings.paths == ["/start", "", "/log"], "rounds that say the same ping twice a minute"
    assert pings.seen[-1][1] == "Stopped: the process was told to by SIGTERM."
    assert metrics(file)["runs_total"] >= 2
    assert metrics(file)["new_entries_total"] == 300


def test_rounds_tell_of_a_failure_and_of_its_end_at_once(source: PlainSource, pings: Pings, tmp_path: Path) -> None:
    line, env = command(source.url, tmp_path / "archive", "--every", "1s", "--since", "2d", PING_URL=pings.url)
    with subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            pings.wait(2)
            source.refused.add(ROOT)
            pings.wait(3)
            source.refused.clear()
            pings.wait(4)
        finally:
            process.send_signal(signal.SIGTERM)
    assert pings.paths == ["/start", "", "/fail", "", "/log"]


def test_a_backfill_is_told_of_too_and_a_plan_is_not(source: PlainSource, pings: Pings, tmp_path: Path) -> None:
    file = tmp_path / "mulesoft.prom"
    _, env = command(source.url, tmp_path, PING_URL=pings.url, METRICS_FILE=str(file))
    line = [sys.executable, "-m", "mulesoft_audit", "backfill", "--archive", str(tmp_path / "archive"), "--since", "2d"]
    plan = subprocess.run([*line, "--plan-only"], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert plan.returncode == 0, plan.stderr
    assert pings.seen == []
    assert not file.exists()
    done = subprocess.run([*line, "--yes"], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert pings.paths == ["/start", ""]
    assert metrics(file)["new_entries_total"] == 300
