"""Every command of the cookbook runs, and finds something in a world that has something to find."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from tests.archives import collect
from tests.reading.commands import run

from anypoint_simulator import Behaviour, Scenario, World
from anypoint_simulator.running import running

COOKBOOK = Path(__file__).parents[2] / "docs" / "cookbook.md"
COMMANDS = re.findall(r"```sh\n(.*?)```", COOKBOOK.read_text(encoding="utf-8"), re.DOTALL)
OURS = [one for one in COMMANDS if one.startswith("mulesoft-audit")]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cookbook") / "archive"
    with running(World(Scenario(groups=2, days=4, entries_per_day=600)), Behaviour()) as anypoint:
        environment = {"CLIENT_ID": anypoint.client_id, "CLIENT_SECRET": anypoint.client_secret}
        done = collect(anypoint.url, folder, "--since", "5d", **environment)
    assert done.returncode == 0, done.stderr
    return folder


def test_it_answers_ten_questions():
    headings = re.findall(r"^## (\d+)\. .*\?$", COOKBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [str(number) for number in range(1, 11)]
    assert len(OURS) >= 11


@pytest.mark.parametrize("command", OURS, ids=[shlex.split(one)[1] + str(place) for place, one in enumerate(OURS)])
def test_a_command_finds_something(archive, monkeypatch, command):
    monkeypatch.setenv("ARCHIVE", str(archive))
    done = run(*shlex.split(command)[1:])
    assert done.code == 0, done.err
    assert len(done.text.splitlines()) > 1, (command, done.text)


def test_the_line_for_jq_runs(archive):
    (line,) = (one for one in COMMANDS if one.startswith("zcat"))
    line = line.replace("2026/11/25", "*/*/*")
    done = subprocess.run(["bash", "-c", line], cwd=archive.parent, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) > 10
