from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import urllib3
from click.testing import CliRunner

from anypoint_simulator import CLIENT_ID, Behaviour, Scenario
from anypoint_simulator.options import from_options
from mulesoft_audit.cli import main
from mulesoft_audit.cli.simulate import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def process(*options: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command until the block ends."""
    program = [sys.executable, "-m", "mulesoft_audit", "simulate", "--groups", "2", "--days", "1", *options]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_serves_and_ends_quietly(number: signal.Signals) -> None:
    with process("--json", "--total-cap", "7") as running:
        assert running.stdout
        about = json.loads(running.stdout.readline())
        assert about["client_id"] == CLIENT_ID
        assert len(about["organizations"]) == 3
        told = urllib3.request("GET", about["url"] + "/simulator/behaviour")
        assert told.json()["total_cap"] == 7
        running.send_signal(number)
        out, errors = running.communicate(timeout=60)
        assert (out, errors, running.returncode) == ("", "", 0)


def test_without_json_it_is_one_line_for_people() -> None:
    with process("--client-id", "me", "--client-secret", "pass") as running:
        assert running.stdout
        line = running.stdout.readline()
        assert "http://127.0.0.1:" in line
        assert "client_id=me client_secret=pass" in line
        assert len(line.split("organizations=")[1].split(",")) == 3


def test_a_port_in_use_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    with process("--json") as running:
        assert running.stdout
        port = json.loads(running.stdout.readline())["url"].rsplit(":", 1)[1]
        with pytest.raises(SystemExit) as ended:
            main(["simulate", "--days", "0", "--port", port])
    assert ended.value.code == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


def test_every_switch_is_an_option_with_its_text() -> None:
    text = " ".join(CliRunner().invoke(command, ["--help"], terminal_width=200).output.split())
    for model in (Scenario, Behaviour):
        for field in msgspec.structs.fields(model):
            assert f"--{field.name.replace('_', '-')}" in text
    for heading in ("Examples:", "World:", "Content:", "Responses:", "Access:", "Tokens:", "Limits:", "Faults"):
        assert heading in text


def test_options_override_the_file_and_the_file_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "switches.toml"
    file.write_text('days = 9\nrenames = false\ntoken_seconds = 5\nfault_script = ["500"]\n')
    given: dict[str, Any] = {"days": 2, "token_seconds": None, "fault_script": (), "roll_up": True}
    scenario, behaviour = from_options(given, file)
    assert scenario == Scenario(days=2)
    assert behaviour == Behaviour(renames=False, token_seconds=5, fault_script=("500",), roll_up=True)
    file = tmp_path / "switches.json"
    file.write_text('{"days": 4}')
    assert from_options({}, file) == (Scenario(days=4), Behaviour())


@pytest.mark.parametrize(
    ("content", "expected"),
    [("no_such = 1", "no_such"), ("days = 'x'", "days"), ("= 1", "Invalid"), ("", "fault_reset")],
)
def test_a_switch_that_cannot_be_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, expected: str
) -> None:
    file = tmp_path / "switches.toml"
    file.write_text(content)
    with pytest.raises(SystemExit) as ended:
        main(["simulate", "--switches", str(file), "--fault-reset", "3"])
    assert ended.value.code == 2
    assert expected in capsys.readouterr().err
