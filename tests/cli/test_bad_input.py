"""Bad input gives one clear message and its exit status, and leaves nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.archives import collect, command
from tests.plain_source import CLIENT_SECRET, ROOT, PlainSource, serving

GROUP = "0b000000-0000-4000-8000-000000000001"

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def source() -> Iterator[PlainSource]:
    made = PlainSource()
    made.fill(ROOT, 300, 1_700_000_000_000, 1_700_000_400_000)
    with serving(made) as served:
        yield served


def assert_one_message(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    assert done.returncode == status, done.stderr
    errors = [line for line in map(json.loads, done.stderr.splitlines()) if line["severity"] == "ERROR"]
    assert len(errors) == 1, done.stderr
    assert errors[0]["exit_code"] == status
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in errors[0]["message"] + errors[0].get("hint", "")
    assert CLIENT_SECRET not in done.stderr + done.stdout


def test_an_unknown_flag_is_said(source: PlainSource, tmp_path: Path) -> None:
    assert_one_message(collect(source.url, tmp_path, "--sinze", "7d"), 2, "--sinze")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--since", "tomorrow"], ["--since", "'tomorrow'", "yesterday"]),
        (["--since", "2026-13-01"], ["--since"]),
        (["--since", "2099-01-01"], ["--since", "future"]),
        (["--until", "2099-01-01"], ["--until", "future"]),
        (["--since", "2026-01-02", "--until", "2026-01-01"], ["--since", "--until"]),
        (["--look-back", "soon"], ["LOOK_BACK", "24h"]),
        (["--plane", "mars"], ["ANYPOINT_PLANE", "eu"]),
        (["--requests-per-minute", "0"], ["REQUESTS_PER_MINUTE"]),
        (["--config", "/nowhere/at/all.toml"], ["/nowhere/at/all.toml"]),
    ],
)
def test_a_malformed_flag_is_named_before_anything_is_sent(
    source: PlainSource, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    environment = {"ANYPOINT_BASE_URL": ""} if "--plane" in arguments else {}
    done = collect(source.url, tmp_path / "archive", *arguments, **environment)
    assert_one_message(done, 2, *words)
    assert not (tmp_path / "archive").exists()
    assert not source.counts


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"CLIENT_ID": ""}, ["CLIENT_ID"]),
        ({"CLIENT_SECRET": ""}, ["CLIENT_SECRET"]),
        ({"CLIENT_SECRET": "", "CLIENT_SECRET_FILE": "/nowhere"}, ["CLIENT_SECRET_FILE"]),
        ({"ANYPOINT_BASE_URL": "http://anypoint.example.com"}, ["ANYPOINT_BASE_URL", "https"]),
        ({"ANYPOINT_BASE_URL": "https://user:pw@example.com"}, ["ANYPOINT_BASE_URL"]),
        ({"REQUESTS_PER_MINUTE": "many"}, ["REQUESTS_PER_MINUTE"]),
        ({"RATE_SHARE": "2"}, ["RATE_SHARE"]),
        ({"HTTP_TIMEOUT": "-1"}, ["HTTP_TIMEOUT"]),
    ],
)
def test_a_malformed_setting_is_named_before_anything_is_sent(
    source: PlainSource, tmp_path: Path, environment: dict[str, str], words: list[str]
) -> None:
    assert_one_message(collect(source.url, tmp_path, **environment), 2, *words)
    assert not source.counts


def test_a_settings_file_is_read_and_an_unknown_name_in_it_is_refused(source: PlainSource, tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text('look_back = "2d"\nclient_idd = "x"\n')
    assert_one_message(collect(source.url, tmp_path / "a", "--config", str(config)), 2, "client_idd", "client_id")
    config.write_text('look_back = "2d"\nCLIENT_ID = "wrong"\n')
    assert_one_message(collect(source.url, tmp_path / "a", "--config", str(config), CLIENT_ID=""), 3, "'wrong'")
    done = collect(source.url, tmp_path / "a", "--config", str(config))  # the environment outweighs the file
    assert done.returncode == 0, done.stderr


def test_refused_credentials_are_said_once_for_all_organizations(source: PlainSource, tmp_path: Path) -> None:
    done = collect(source.url, tmp_path / "archive", CLIENT_SECRET="another-secret-value")
    assert_one_message(done, 3, "CLIENT_SECRET", "ANYPOINT_PLANE")
    assert "another-secret-value" not in done.stderr + done.stdout
    assert not list((tmp_path / "archive").glob("**/*.gz"))


def test_a_secret_is_read_from_a_file(source: PlainSource, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(CLIENT_SECRET + "\n")
    done = collect(source.url, tmp_path / "archive", CLIENT_SECRET="", CLIENT_SECRET_FILE=str(file))
    assert done.returncode == 0, done.stderr


def test_an_unknown_root_is_said_before_anything_is_written(source: PlainSource, tmp_path: Path) -> None:
    done = collect(source.url, tmp_path / "archive", MULE_ORG_ID="0f000000-0000-4000-8000-00000000000f")
    assert_one_message(done, 2, "0f000000", "MULE_ORG_ID")
    assert not (tmp_path / "archive").exists()


def test_an_unknown_organization_is_said(source: PlainSource, tmp_path: Path) -> None:
    done = collect(source.url, tmp_path, "--org", "0f000000-0000-4000-8000-00000000000f")
    assert_one_message(done, 2, "0f000000")


@pytest.mark.parametrize("name", ["../../etc", "Paymnets"])
def test_an_organization_of_no_known_name_is_said_before_anything_is_written(
    source: PlainSource, tmp_path: Path, name: str
) -> None:
    source.fill(GROUP, 3, 1_700_000_000_000, 1_700_000_400_000)
    source.names[GROUP] = "Payments"
    done = collect(source.url, tmp_path / "archive", "--org", name)
    assert_one_message(done, 2, repr(name), "Payments")
    assert not (tmp_path / "archive").exists()


def test_an_organization_is_collected_by_its_name(source: PlainSource, tmp_path: Path) -> None:
    source.fill(GROUP, 3, 1_700_000_000_000, 1_700_000_400_000)
    source.names[GROUP] = "Payments"
    done = collect(source.url, tmp_path, "--org", "payments", "--json")
    assert done.returncode == 0, done.stderr
    assert [one["id"] for one in json.loads(done.stdout)["organizations"]] == [GROUP]


def test_an_archive_that_is_a_file_is_said(source: PlainSource, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    assert_one_message(collect(source.url, file), 6, str(file))
    assert file.read_text() == "x"


@pytest.mark.parametrize("url", ["s3://bucket", "gs://", "ftp://x/y"])
def test_an_archive_of_an_unknown_kind_is_said(source: PlainSource, url: str) -> None:
    line, environment = command(source.url, Path("x"))
    line[line.index("x")] = url
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert_one_message(done, 2, "ARCHIVE")


def test_an_archive_on_a_full_disk_is_said_and_nothing_half_written_is_left(
    source: PlainSource, tmp_path: Path
) -> None:
    """A limit on the size of files stands for a full disk: writing fails midway just the same."""
    source.fill(ROOT, 20_000, 1_700_000_000_000, 1_700_000_400_000)
    line, environment = command(source.url, tmp_path / "archive", "--since", "2023-11-14", "--until", "2023-11-16")
    environment.pop("COVERAGE_PROCESS_CONFIG", None)  # its data would not fit either
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 64; trap "" XFSZ; exec "$@"', "bash", *line],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert_one_message(done, 6, "archive")
    assert not list((tmp_path / "archive").glob("state/tmp/*"))
    assert not list((tmp_path / "archive").glob("**/*.gz"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_archive_that_may_not_be_written_is_said(source: PlainSource, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert_one_message(collect(source.url, tmp_path / "archive"), 6, "write access")


def test_an_archive_written_by_a_newer_version_is_left_alone(source: PlainSource, tmp_path: Path) -> None:
    period = ("--since", "2023-11-14")
    assert collect(source.url, tmp_path, *period).returncode == 0
    head = next(tmp_path.glob("state/*/head.json"))
    head.write_text(json.dumps({**json.loads(head.read_text()), "format": 99}))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("audit/**/*")}
    assert_one_message(collect(source.url, tmp_path, *period), 6, "newer version", "Upgrade")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("audit/**/*")} == before


def test_a_damaged_manifest_is_said_and_left_as_it_is(source: PlainSource, tmp_path: Path) -> None:
    period = ("--since", "2023-11-14", "--until", "2023-11-16")
    assert collect(source.url, tmp_path, *period).returncode == 0
    manifest = next(tmp_path.glob("state/*/*/*/*.manifest.json"))
    manifest.write_text(manifest.read_text()[:50])
    assert_one_message(collect(source.url, tmp_path, *period), 6, manifest.name)
    assert len(manifest.read_text()) == 50


def test_a_host_that_is_not_there_is_said(tmp_path: Path) -> None:
    line, environment = command("http://127.0.0.1:9", tmp_path, HTTP_TIMEOUT="1")
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert_one_message(done, 5, "no connection could be made")


def test_redirects_to_other_hosts_are_not_followed(source: PlainSource, tmp_path: Path) -> None:
    source.hierarchy_status = 302
    done = collect(source.url, tmp_path)
    assert done.returncode == 5
    assert "302" in done.stderr
