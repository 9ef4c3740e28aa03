"""The archive: readable, safely writable, fresh; and nothing changed by looking."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.archives import collect
from tests.doctor.harness import GROUP, OTHER, doctor
from tests.plain_source import ROOT, PlainSource
from tests.storage_server import StorageServer

from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.archive.opening import open_archive
from mulesoft_audit.collect.last_run import LastRun, load, save
from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = 3_600_000
HELD = ("held of Root", "held of Payments", "held of Logistics")


@pytest.fixture
def archive(source: PlainSource, tmp_path: Path) -> Path:
    """An archive that was just brought up to date."""
    place = tmp_path / "archive"
    result = collect(source.url, place)
    assert result.returncode == 0, result.stderr
    return place


def content(archive: Path) -> dict[str, bytes]:
    return {str(path.relative_to(archive)): path.read_bytes() for path in archive.rglob("*") if path.is_file()}


def test_a_fresh_archive_is_in_order_and_looking_leaves_no_trace(source: PlainSource, archive: Path) -> None:
    before = content(archive)
    report = doctor(source.url, "--archive", str(archive))
    assert report.code == 0
    for name in ("archive", "archive: read", "archive: write", "oversize entries", *HELD):
        assert report.state(name) == "ok", report.findings[name]
    assert "complete until" in report.said("held of Payments")
    newest = max(stamp for stamp, _, _ in source.logs[GROUP])
    assert f"newest entry {time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(newest // 1000))}" in report.said(HELD[1])
    assert content(archive) == before


def test_an_archive_that_is_not_set_is_a_missing_setting(source: PlainSource) -> None:
    report = doctor(source.url)
    assert report.kinds == {2}
    assert "--archive" in report.findings["archive"]["hint"]
    assert report.state("archive: held") == "skipped"
    assert report.state("log of Root") == "ok"


def test_an_archive_that_is_not_there_yet_is_not_made_by_looking(source: PlainSource, tmp_path: Path) -> None:
    report = doctor(source.url, "--archive", str(tmp_path / "deep" / "archive"))
    assert (report.code, report.state("archive"), report.state("archive: write")) == (0, "skipped", "skipped")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_archive(source: PlainSource, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    report = doctor(source.url, "--archive", str(tmp_path / "file"))
    assert (report.kinds, report.state("archive")) == ({6}, "fail")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_one_may_not_write_in_is_found_so(source: PlainSource, archive: Path, tmp_path: Path) -> None:
    for folder in (archive, archive / "state", archive / "state" / "tmp", tmp_path):
        folder.chmod(0o555)
    try:
        report = doctor(source.url, "--archive", str(archive))
        absent = doctor(source.url, "--archive", str(tmp_path / "other"))
    finally:
        for folder in (tmp_path, archive, archive / "state", archive / "state" / "tmp"):
            folder.chmod(0o755)
    assert (report.kinds, report.state("archive: read"), report.state("archive: write")) == ({6}, "ok", "fail")
    assert (absent.kinds, absent.state("archive")) == ({6}, "fail")


def test_before_the_first_run_there_is_nothing_to_be_stale(source: PlainSource, tmp_path: Path) -> None:
    report = doctor(source.url, "--archive", str(tmp_path))
    assert report.code == 0
    assert [report.state(name) for name in HELD] == ["warn"] * 3
    assert "mulesoft-audit collect" in report.findings[HELD[0]]["hint"]


def said_by_the_last_run(archive: Path, organization: str, **fields: object) -> None:
    run = {"verified_at": None, "complete": False, "failures": [], "not_proved": [], "left_to_the_next_run": 0}
    store = LocalStore(archive)
    save(store, LastRun(organizations={organization: {**run, **fields}}), *load(store))


def test_a_part_that_no_run_has_brought_up_to_date_is_stale(source: PlainSource, tmp_path: Path) -> None:
    now = int(time.time() * 1000)
    for organization, hours in ((ROOT, 1), (GROUP, 27), (OTHER, 25)):
        said_by_the_last_run(tmp_path, organization, verified_at=iso(now - hours * HOUR), complete=True)
    report = doctor(source.url, "--archive", str(tmp_path))
    assert report.kinds == {8}
    assert [report.state(name) for name in HELD] == ["ok", "fail", "ok"]
    assert "more than 26 h" in report.said(HELD[1])
    assert "27 h ago" in report.said(HELD[1])


def test_how_old_is_too_old_can_be_said(source: PlainSource, tmp_path: Path) -> None:
    now = int(time.time() * 1000)
    for organization in (ROOT, GROUP, OTHER):
        said_by_the_last_run(tmp_path, organization, verified_at=iso(now - 27 * HOUR), complete=True)
    place = ("--archive", str(tmp_path))
    assert doctor(source.url, *place, "--max-age", "2d").code == 0
    assert "--max-age" in doctor(source.url, *place).said(HELD[0])
    assert "more than 90 min" in doctor(source.url, *place, "--max-age", "1h30m").said(HELD[0])
    with pytest.raises(UsageError, match="--max-age is 'soon'"):
        doctor(source.url, *place, "--max-age", "soon")


def test_what_the_last_run_could_not_prove_is_named(source: PlainSource, tmp_path: Path) -> None:
    said_by_the_last_run(tmp_path, ROOT, not_proved=["totals stop at 10000"])
    verified = iso(int(time.time() * 1000))
    said_by_the_last_run(tmp_path, GROUP, verified_at=verified, left_to_the_next_run=3)
    report = doctor(source.url, "--archive", str(tmp_path))
    assert [report.state(name) for name in HELD[:2]] == ["warn", "warn"]
    assert "totals stop at 10000" in report.said(HELD[0])
    assert "3 entries were left" in report.said(HELD[1])


def test_a_newer_format_is_refused_for_that_organization_alone(source: PlainSource, archive: Path) -> None:
    head = archive / "state" / GROUP / "head.json"
    head.write_text(json.dumps({**json.loads(head.read_text()), "format": 99}))
    report = doctor(source.url, "--archive", str(archive))
    assert report.kinds == {6}
    assert [report.state(name) for name in HELD] == ["ok", "fail", "ok"]
    assert "Upgrade" in report.findings[HELD[1]]["hint"]


def test_entries_too_long_for_the_feed_are_reported(source: PlainSource, tmp_path: Path) -> None:
    LocalStore(tmp_path).create("state/oversize/o/2026/01/01/abc-0.json.gz", b"x")
    report = doctor(source.url, "--archive", str(tmp_path))
    assert (report.code, report.state("oversize entries")) == (0, "warn")
    assert report.said("oversize entries").startswith("1 entries of 4 MB")


def test_without_anypoint_the_archive_tells_whose_parts_it_has(source: PlainSource, archive: Path) -> None:
    (archive / "state" / "demo").touch()  # as `mulesoft-audit demo` marks what it made
    report = doctor(source.url, "--archive", str(archive), CLIENT_SECRET="wrong-secret")
    assert report.kinds == {3}
    assert {name for name in report.findings if name.startswith("held of")} == set(HELD)
    assert {report.state(name) for name in HELD} == {"ok"}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageServer]:
    with StorageServer(buckets=["logs"]) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server


def test_a_bucket_is_looked_at_the_same_way(source: PlainSource, bucket: StorageServer) -> None:
    place = ("--archive", "gs://logs/here")
    result = collect(source.url, Path("unused"), *place, STORAGE_EMULATOR_HOST=bucket.url)
    assert result.returncode == 0, result.stderr
    report = doctor(source.url, *place)
    assert report.code == 0, report.findings
    assert [report.state(name) for name in ("archive", "archive: read", "archive: write", *HELD)] == ["ok"] * 6
    assert not list(open_archive("gs://logs/here").list("state/probe"))


def test_a_bucket_that_does_not_exist_is_named(source: PlainSource, bucket: StorageServer) -> None:
    report = doctor(source.url, "--archive", "gs://other")
    assert report.kinds == {6}
    assert "bucket other does not exist" in report.said("archive: read")
    assert report.state("archive: held") == "skipped"


def test_an_endpoint_that_ignores_preconditions_holds_no_archive(
    source: PlainSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StorageServer(buckets=["logs"], ignore_preconditions=True) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        report = doctor(source.url, "--archive", "gs://logs")
    assert (report.kinds, report.state("archive: write")) == ({6}, "fail")
    assert "Preconditions are not honoured" in report.said("archive: write")
