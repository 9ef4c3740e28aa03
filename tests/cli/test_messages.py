"""What is printed is text for people, in a pipe too; JSON where it is asked for, and in Cloud Run."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from tests.archives import command
from tests.plain_source import ROOT, PlainSource, serving
from tests.reading.commands import run

from mulesoft_audit.cli import cli, main, output
from mulesoft_audit.cli.failures import tell
from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GROUP = "0b000000-0000-4000-8000-000000000001"


@pytest.fixture
def source() -> Iterator[PlainSource]:
    made = PlainSource()
    made.fill(ROOT, 1, 1_700_000_000_000, 1_700_000_400_000)
    made.fill(GROUP, 3, 1_700_000_000_000, 1_700_000_400_000)
    with serving(made) as served:
        yield served


def started(source: PlainSource, archive: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    line, environment = command(source.url, archive, *arguments, **more)
    line.remove("--json")
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_run_is_told_in_words_and_its_ids_stay_whole(source: PlainSource, tmp_path: Path) -> None:
    archive = tmp_path / ("a-long-name-" * 8)
    done = started(source, archive, "--since", "2023-11-01", "--org", ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "1 new entry; 1 of 1 organization complete" in done.stdout
    assert f"Archive: {archive}\n" in done.stdout


def test_json_is_for_those_who_ask_and_for_cloud_run(source: PlainSource, tmp_path: Path) -> None:
    for arguments, environment in ((["--json"], {}), ([], {"K_SERVICE": "f"}), ([], {"CLOUD_RUN_JOB": "j"})):
        done = started(source, tmp_path, *arguments, **environment)
        assert json.loads(done.stdout)["exit_code"] == 0
        done = started(source, tmp_path, "--sinze", *arguments, **environment)
        told = json.loads(done.stderr)
        assert told["exit_code"] == done.returncode == 2


def test_a_failure_is_told_once(source: PlainSource, tmp_path: Path) -> None:
    source.refused.add(GROUP)
    done = started(source, tmp_path)
    assert done.returncode == 4
    assert (done.stdout + done.stderr).count("(403)") == 1, done.stdout + done.stderr


def test_quiet_tells_only_what_went_wrong(source: PlainSource, tmp_path: Path) -> None:
    done = started(source, tmp_path, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = started(source, tmp_path, "-q", CLIENT_SECRET="wrong")
    assert done.returncode == 3
    assert "refuses" in done.stderr


def test_verbose_is_understood_by_every_command(tmp_path: Path) -> None:
    for line in (["collect"], ["deploy", "plan"], ["status"], ["simulate"]):
        done = subprocess.run(
            [sys.executable, "-m", "mulesoft_audit", *line, "--help"], capture_output=True, text=True, check=False
        )
        assert "-v, --verbose" in done.stdout, line


def test_a_command_that_does_not_exist_gets_a_suggestion() -> None:
    done = run("colect")
    assert done.code == 2
    assert "Did you mean 'collect'?" in done.err
    assert "Did you mean" not in run("xyz").err


def test_without_a_command_the_help_is_printed() -> None:
    done = run()
    assert done.code == 2
    assert done.text.startswith("Usage: mulesoft-audit")
    assert done.err == ""


def test_an_error_without_a_hint_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    output.prepare(["--json"])
    tell(UsageError("no"))
    assert json.loads(capsys.readouterr().err) == {"severity": "ERROR", "message": "no", "exit_code": 2}


def test_a_plan_is_printed_where_a_pipe_gets_it(source: PlainSource, tmp_path: Path) -> None:
    line, environment = command(source.url, tmp_path, "--since", "2023-11-01", "--plan-only")
    line[line.index("collect")] = "backfill"
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(done.stdout)["missing"] == 4, done.stderr
    line.remove("--json")
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "4 entries since 2023-11-01: about" in done.stdout


@pytest.mark.parametrize(
    ("command", "safe"),
    [
        ("show", "The archive was only read."),
        ("init", "Nothing was written."),
        ("backfill", "What was committed is kept; run the same command to go on."),
    ],
)
def test_ctrl_c_says_what_is_safe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, safe: str
) -> None:
    def stopped(**_: object) -> None:
        raise click.Abort

    monkeypatch.setattr(cli, "main", stopped)
    with pytest.raises(SystemExit, match="130"):
        main([command])
    assert capsys.readouterr().err == f"mulesoft-audit: Stopped.\n  {safe}\n"
