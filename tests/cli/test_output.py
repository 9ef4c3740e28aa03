"""Output that is closed, full, read by nobody or unable to show a character: one message, never a traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.archives import command
from tests.plain_source import ROOT, PlainSource, serving

from mulesoft_audit.cli import main, output

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = [sys.executable, "-m", "mulesoft_audit"]
COMMANDS = {
    "help": ["--help"],
    "help-of-one": ["collect", "--help"],
    "version": ["--version"],
    "collect": ["collect"],
    "doctor": ["doctor"],
    "doctor-json": ["doctor", "--json"],
    "simulate": ["simulate", "--json"],
}
EACH = pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    made = PlainSource()
    made.fill(ROOT, 30, 1_700_000_000_000, 1_700_000_400_000)
    with serving(made) as source:
        yield command(source.url, tmp_path / "archive")[1] | {"ARCHIVE": str(tmp_path / "archive")}


def run(arguments: list[str], environment: dict[str, str], shell: str) -> subprocess.CompletedProcess[str]:
    line = ["bash", "-c", f'"$@" {shell}', "bash", *PROGRAM, *arguments]
    return subprocess.run(
        line,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
        errors="surrogateescape",
    )


@EACH
@pytest.mark.parametrize(("shell", "words"), [(">&-", "closed"), (">/dev/full", "No space left")])
def test_output_that_cannot_be_written_is_said_once(
    environment: dict[str, str], arguments: list[str], shell: str, words: str
) -> None:
    done = run(arguments, environment, shell)
    assert done.returncode == 6, done.stderr
    if "--json" in arguments:
        errors = [json.loads(line) for line in done.stderr.splitlines()]
        assert [error["severity"] for error in errors] == ["ERROR"], done.stderr
        assert words in errors[0]["message"]
    else:
        assert done.stderr.count("mulesoft-audit: ") == 1
        assert words in done.stderr


def test_output_that_is_closed_is_said_before_anything_is_done(environment: dict[str, str]) -> None:
    assert run(["collect"], environment, ">&-").returncode == 6
    assert not Path(environment["ARCHIVE"]).exists()


@EACH
def test_a_reader_that_has_gone_ends_it_quietly(environment: dict[str, str], arguments: list[str]) -> None:
    done = run(arguments, environment, "| true; exit ${PIPESTATUS[0]}")
    # Whether the reader goes before all is written is a matter of time for what writes little and at once.
    assert done.returncode in (0, 141), done.stderr
    assert done.stderr == ""


def test_a_reader_that_has_gone_is_told_to_the_shell(environment: dict[str, str]) -> None:
    done = run(["collect"], environment, "> >(exec true); exit $?")
    assert done.returncode in (0, 141)
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen([*PROGRAM, "--help"], stdout=write, stderr=subprocess.PIPE) as process:
        os.close(write)
        assert process.communicate()[1] == b""
    assert process.returncode == 141


@pytest.mark.parametrize("shell", ["2>&-", "2>/dev/full", "<&-"])
def test_other_streams_may_be_missing(environment: dict[str, str], shell: str) -> None:
    assert run(["collect"], environment, shell).returncode == 0
    assert run(["doctor"], environment, shell).returncode == 0
    assert run(["collect", "--sinze"], environment, f"{shell} >/dev/null").returncode == 2


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
@pytest.mark.parametrize("arguments", [["collect", "--json"], ["doctor", "--json"], ["collect"]])
def test_a_path_that_is_not_utf8_is_shown_escaped(
    environment: dict[str, str], tmp_path: Path, locale: dict[str, str], arguments: list[str]
) -> None:
    archive = os.fsencode(tmp_path) + b"/caf\xe9"
    line: list[str | bytes] = [*PROGRAM, *arguments, "--archive", archive]
    done = subprocess.run(line, env=environment | locale, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    shown = json.dumps(json.loads(done.stdout)) if "--json" in arguments else done.stdout.decode()
    assert "caf\\xe9" in shown.replace("\\\\", "\\")
    assert b"Traceback" not in done.stderr


def test_an_error_about_a_path_that_is_not_utf8_is_shown_escaped(environment: dict[str, str], tmp_path: Path) -> None:
    archive = os.fsencode(tmp_path) + b"/caf\xe9"
    Path(os.fsdecode(archive)).touch()
    done = subprocess.run(
        [*PROGRAM, "collect", "--archive", archive], env=environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 6
    assert b"caf\\xe9" in done.stderr


@pytest.mark.parametrize("archive", ["~nosuchuser-of-this-test/x", "x://[y", "file://host/x", "gs://A"])
@pytest.mark.parametrize("name", ["collect", "doctor"])
def test_an_archive_that_cannot_be_is_said(environment: dict[str, str], archive: str, name: str) -> None:
    done = run([name, "--json", "--archive", archive], environment, "")
    assert done.returncode == 2, done.stderr
    assert "ARCHIVE is" in done.stdout + done.stderr


@pytest.mark.parametrize("url", ["x://[y", "https://[y", "https://host:port", "https://host:99999", "https://"])
@pytest.mark.parametrize("name", ["collect", "doctor"])
def test_a_base_url_that_cannot_be_is_said(environment: dict[str, str], url: str, name: str) -> None:
    done = run([name, "--json", "--base-url", url], environment, "")
    assert done.returncode == 2, done.stderr
    assert "ANYPOINT_BASE_URL is" in done.stdout + done.stderr


def test_a_caller_in_the_same_process_goes_on_though_one_of_its_threads_waits() -> None:
    over = threading.Event()
    waiting = threading.Thread(target=over.wait)
    waiting.start()
    try:
        with pytest.raises(SystemExit) as ended:
            main(["--version"])
    finally:
        over.set()
        waiting.join()
    assert ended.value.code == 0


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_whose_user_wants_no_colours_gets_none(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.coloured()
    monkeypatch.setenv(variable, value)
    assert not output.coloured()


def test_a_time_zone_that_cannot_be_is_said(environment: dict[str, str]) -> None:
    done = run(["--version"], {**environment, "TZ": "UTC+25"}, "")
    assert done.returncode == 2
    assert done.stderr.startswith("mulesoft-audit: TZ is 'UTC+25'")
