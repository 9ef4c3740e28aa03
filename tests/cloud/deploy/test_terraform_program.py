"""Which terraform is run, and that questions and Ctrl-C are left to it: with programs that only pretend."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.cloud.deploy.harness import INSTANCE, VALUE, Bench, deployed, deployment
from tests.cloud.deploy.process import APP, PLACE, command, environment

from mulesoft_audit.cloud.deploy.root import main_file
from mulesoft_audit.cloud.deploy.terraform import OLDEST
from mulesoft_audit.doctor.finding import State
from mulesoft_audit.doctor.program import check_terraform

PRETEND = """#!/bin/sh
case "$1" in
  version) echo '{{"terraform_version": "{version}"}}' ;;
  apply) {apply} ;;
esac
"""
LOCAL = ("--state", "local", "--no-run")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    return tmp_path


def put(home: Path, name: str, version: str, apply: str = "exit 0") -> None:
    """Put a program on PATH that says it is of a version."""
    program = home / "bin" / name
    program.write_text(PRETEND.format(version=version, apply=apply))
    program.chmod(0o755)


def given(home: Path, project: Bench) -> dict[str, str]:
    path = f"{home / 'bin'}:/usr/bin:/bin"
    return environment(
        home, PATH=path, MULESOFT_AUDIT_GOOGLE_ENDPOINT=project.plane.endpoint, CLIENT_SECRET=VALUE, TERM="xterm"
    )


def run(home: Path, project: Bench, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = command(*arguments, *PLACE, *APP, *LOCAL)
    return subprocess.run(
        line, cwd=home, env=given(home, project), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def test_doctor_says_which_one_there_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{home / 'bin'}:/usr/bin:/bin")
    none = check_terraform()
    assert (none.state, "Cloud Shell" in none.hint) == (State.WARN, True)
    assert none.detail.startswith("There is no terraform and no tofu here; version 1.11 or later is needed.")
    put(home, "terraform", "1.9.8")
    assert "is 1.9.8" in check_terraform().detail
    put(home, "tofu", "1.11.0")
    found = check_terraform()
    assert (found.state, found.detail) == (State.OK, f"{home / 'bin' / 'tofu'} is 1.11.0; 1.11 or later is needed")


def test_without_one_it_says_where_to_get_it(home: Path, project: Bench) -> None:
    ended = run(home, project, "--yes")
    assert ended.returncode == 2
    assert "There is no terraform and no tofu here; version 1.11 or later is needed." in ended.stderr
    assert "Cloud Shell" in ended.stderr
    assert project.world.log == []


@pytest.mark.parametrize("version", ["1.10.9", "0.15.0", "of no version"])
def test_one_that_is_too_old_is_named(home: Path, project: Bench, version: str) -> None:
    put(home, "terraform", version)
    ended = run(home, project, "--yes")
    assert ended.returncode == 2
    assert f"Terraform 1.11 or later is needed; {home}/bin/terraform is {version}." in ended.stderr.replace("\n", " ")
    assert project.world.log == []


def test_a_tofu_will_do_and_takes_the_place_of_a_terraform_that_is_too_old(home: Path, project: Bench) -> None:
    put(home, "terraform", "1.5.7", apply="exit 9")
    put(home, "tofu", "1.11.0-rc1")
    assert run(home, project, "--yes").returncode == 0


def test_its_failure_is_ours(home: Path, project: Bench) -> None:
    put(home, "terraform", "1.12.0", apply="echo no quota >&2; exit 1")
    ended = run(home, project, "--yes")
    assert ended.returncode == 7
    assert "no quota" in ended.stderr
    assert "run the command again, it goes on there" in ended.stderr


def test_without_yes_and_without_a_person_nothing_is_done(home: Path, project: Bench) -> None:
    put(home, "terraform", "1.12.0", apply="echo applied")
    ended = run(home, project)
    assert ended.returncode == 2
    assert "Say --yes in a script" in ended.stderr
    assert project.world.log == []


def test_it_asks_its_own_question_on_the_terminal(home: Path, project: Bench) -> None:
    put(home, "terraform", "1.12.0", apply='read answer; echo "the answer is $answer, $#"; exit 1')
    ours, theirs = pty.openpty()
    line = command(*PLACE, *APP, *LOCAL)
    with subprocess.Popen(
        line, cwd=home, env=given(home, project), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.write(ours, b"no\n")
        assert process.wait(60) == 7
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    os.close(theirs)
    assert "the answer is no, 1" in shown, "and is told nothing but `apply`"


def test_ctrl_c_is_left_to_it(home: Path, project: Bench) -> None:
    put(home, "terraform", "1.12.0", apply=f"trap 'echo given up in order; exit 1' INT; touch {home}/up; "
        "n=0; while [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done")  # fmt: skip
    line = command(*PLACE, *APP, *LOCAL, "--yes")
    pipe = subprocess.PIPE
    with subprocess.Popen(
        line, cwd=home, env=given(home, project), stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        for _ in range(600):
            if (home / "up").exists():
                break
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "given up in order" in out
    assert "What was made stays" in err


def test_after_it_come_the_feed_and_a_run(home: Path, project: Bench) -> None:
    deployed(project.world, project.config)
    put(home, "terraform", "1.12.0", apply="echo applied")
    secops = ("--secops-instance", INSTANCE, "--secops-location", "eu", "--no-wait")
    line = command(*PLACE, *APP, *secops, "--state", "local", "--adopt", "--yes", "--json")
    ended = subprocess.run(line, cwd=home, env=given(home, project), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert (found["run"]["succeeded"], found["run"]["told_by"]) == (True, "logs")
    assert [one["name"] for one in found["feeds"]] == ["MuleSoft Logs"]
    paths = [path for verb, path, *_ in project.world.log if verb in ("POST", "PUT")]
    order = [next(i for i, path in enumerate(paths) if path.endswith(end)) for end in ("/iam", "/feeds", ":run")]
    assert order == sorted(order), "access, then the feed, then the run"
    assert "applied" in ended.stderr


def test_a_run_that_failed_fails_the_command(home: Path, project: Bench) -> None:
    deployed(project.world, project.config)
    project.world.run_status = 500
    put(home, "terraform", "1.12.0", apply="echo applied")
    line = command(*PLACE, *APP, "--state", "local", "--adopt", "--yes")
    ended = subprocess.run(line, cwd=home, env=given(home, project), capture_output=True, text=True, check=False)
    assert ended.returncode == 7
    assert "The run FAILED with HTTP 500" in ended.stdout
    assert "Everything is deployed, but the run failed." in ended.stderr


def test_the_module_the_configuration_and_this_ask_for_the_same_version() -> None:
    module = (Path(__file__).parents[3] / "terraform" / "versions.tf").read_text("utf-8")
    wanted = f'required_version = ">= {OLDEST[0]}.{OLDEST[1]}"'
    assert wanted in module
    assert wanted in main_file(deployment(), None)
