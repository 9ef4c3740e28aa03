"""Metrics of runs: what they count, what a failing run leaves as it was, and that Prometheus can read them."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from tests.monitoring.runs import ENDED, run, summary

from mulesoft_audit.errors import CredentialsError, SourceError
from mulesoft_audit.monitoring import file
from mulesoft_audit.monitoring.metrics import ORGANIZATIONS, PREFIX, RUNS, Metrics, as_text, from_text

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = CredentialsError("Anypoint refuses the credentials.")
ARCHIVE = "gs://my-logs"


def after(*summaries: Any) -> Metrics:
    """Return the metrics after runs, each of which read what the one before had written."""
    metrics = Metrics(ARCHIVE)
    for one in summaries:
        metrics = from_text(as_text(metrics), ARCHIVE)
        metrics.add(one)
    return metrics


def test_counters_go_on_from_run_to_run() -> None:
    runs = after(summary(run()), summary(run(), problems=(REFUSED,)), summary(run(), interrupted="SIGTERM")).runs
    assert {name: value for name, value in runs.items() if name.endswith("_total")} == {
        "runs_total": 3,
        "failed_runs_total": 1,
        "new_entries_total": 9,
        "requests_total": 15,
        "requests_over_limit_total": 3,
    }


def test_the_last_success_stays_while_runs_fail_or_are_stopped() -> None:
    good = summary(run())
    for bad in (summary(problems=(REFUSED,), later=60_000), summary(run(), interrupted="SIGTERM", later=60_000)):
        runs = after(good, bad).runs
        assert runs["last_success_timestamp_seconds"] == ENDED / 1000
        assert runs["last_run_timestamp_seconds"] == ENDED / 1000 + 60
        assert runs["last_run_exit_status"] == bad.exit_code
        assert runs["last_run_complete"] == 0


def test_what_a_failed_run_could_not_find_out_stays_so_that_alerts_on_its_age_fire() -> None:
    good = after(summary(run())).organizations
    assert after(summary(run()), summary(problems=(REFUSED,))).organizations == good
    unproved = after(summary(run()), summary(run(proved=False, held=9, failures=[SourceError("?")]), later=60_000))
    _, values = unproved.organizations["org-1"]
    assert values == {
        "organization_entries": 9,
        "organization_complete": 0,
        "organization_failures": 1,
        "organization_lag_seconds": 150,
        "organization_newest_entry_timestamp_seconds": ENDED / 1000 - 90,
        "organization_proved_timestamp_seconds": ENDED / 1000 - 0.5,
    }


def test_an_organization_is_one_series_though_it_is_renamed() -> None:
    assert after(summary(run("Old")), summary(run("New"))).organizations.keys() == {"org-1"}
    assert after(summary(run("Old")), summary(run("New"))).organizations["org-1"][0] == "New"


def test_an_organization_without_entries_has_no_age() -> None:
    _, values = after(summary(run(newest=0))).organizations["org-1"]
    assert "organization_lag_seconds" not in values


def test_what_another_archive_left_in_the_file_is_not_added_to() -> None:
    assert from_text(as_text(after(summary(run()))), "gs://other") == Metrics("gs://other")


NUMBERS = st.floats(allow_nan=False) | st.integers(0, 2**53)
NAMES = st.text(max_size=12) | st.sampled_from(['a"b', "a\\", 'x"} 1', "a\nb", "\\n", "ü", "\u2028", "\x1b[31m"])


def values_of(names: Any) -> Any:
    return st.dictionaries(st.sampled_from(sorted(names)), NUMBERS, min_size=1)


METRICS = st.builds(
    Metrics, NAMES, values_of(RUNS), st.dictionaries(NAMES, st.tuples(NAMES, values_of(ORGANIZATIONS)), max_size=4)
)


@settings(max_examples=40)
@given(METRICS)
def test_whatever_names_there_are_the_file_says_what_was_written(metrics: Metrics) -> None:
    assert from_text(as_text(metrics), metrics.archive) == metrics


@settings(max_examples=40)
@given(METRICS)
def test_prometheus_own_parser_reads_the_same(metrics: Metrics) -> None:
    found = {
        (sample.name, sample.labels.get("organization"), sample.labels.get("name")): sample.value
        for family in text_string_to_metric_families(as_text(metrics))
        for sample in family.samples
    }
    expected = {(PREFIX + name, None, None): value for name, value in metrics.runs.items()} | {
        (PREFIX + name, id_, called): value
        for id_, (called, values) in metrics.organizations.items()
        for name, value in values.items()
    }
    assert found == expected


@given(st.text())
def test_a_file_of_anything_else_is_taken_for_an_empty_one(text: str) -> None:
    assert from_text(text, ARCHIVE) == Metrics(ARCHIVE)


def test_promtool_finds_nothing_to_improve() -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not here: install Debian's package prometheus, and the metrics are checked by it")
    text = as_text(after(summary(run(), run('O"dd\n', "org-2"))))
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_file_is_replaced_whole_and_others_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "mulesoft.prom"
    path.write_text("half a li")
    path.chmod(0o600)
    before = path.stat().st_ino
    file.add(path, ARCHIVE, summary(run()))
    assert path.stat().st_ino != before
    assert path.stat().st_mode & 0o444 == 0o444
    assert [one.name for one in tmp_path.iterdir()] == ["mulesoft.prom"]
    file.add(path, ARCHIVE, summary(run()))
    runs = from_text(path.read_text(), ARCHIVE).runs
    assert runs["runs_total"] == 2
    assert all(math.isfinite(value) for value in runs.values())


def test_what_is_no_file_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    pipe, folder, link = tmp_path / "pipe", tmp_path / "folder", tmp_path / "link"
    os.mkfifo(pipe)
    folder.mkdir()
    link.symlink_to(pipe)
    for path in (pipe, folder, link):
        with pytest.raises(OSError, match="no regular file"):
            file.add(path, ARCHIVE, summary(run()))
    assert sorted(tmp_path.iterdir()) == [folder, link, pipe]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "mulesoft.prom")
    file.add(tmp_path / "link", ARCHIVE, summary(run()))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "mulesoft.prom").is_file()
