"""systemd and cron: the units hold against systemd's own checks, and what they start collects."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.archives import lines
from tests.plain_source import ROOT as ORGANIZATION
from tests.recipes.running import (
    INSTALLED,
    PROGRAM,
    RECIPES,
    assert_options_exist,
    assert_settings,
    run,
    write_settings,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plain_source import PlainSource

UNITS = sorted((RECIPES / "systemd").glob("mulesoft-audit*"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
EXPOSED = 20  #: of systemd-analyze's 100 points of exposure at most; "OK" begins below 50

every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if not found:
        pytest.skip("systemd-analyze is not here: install Debian's package systemd, and the units are checked by it")
    return found


def values(unit: Path, name: str) -> list[str]:
    """Return what a unit says for a setting, in order."""
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


def environment(service: Path) -> dict[str, str]:
    return dict(one.split("=", 1) for one in values(service, "Environment"))


def test_systemd_finds_no_mistake_in_the_units(analyze: str, tmp_path: Path) -> None:
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace(INSTALLED, PROGRAM))
    units = [str(tmp_path / unit.name) for unit in UNITS if unit.suffix != ".sysusers"]
    done = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    about_ours = [line for line in (done.stdout + done.stderr).splitlines() if "mulesoft" in line]
    assert about_ours == []
    assert done.returncode == 0, done.stderr


@every_service
def test_the_sandbox_leaves_little_exposed(analyze: str, service: Path) -> None:
    check = [analyze, "security", "--offline=yes", f"--threshold={EXPOSED}", "--no-pager", str(service)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr


@every_service
def test_a_service_starts_a_command_with_settings_that_exist_and_no_secret(service: Path) -> None:
    (command,) = values(service, "ExecStart")
    assert command.split()[0] == INSTALLED
    assert_options_exist(command.split()[1:])
    assert_settings(environment(service))
    assert not {"CLIENT_SECRET", "PING_URL", "CLIENT_ID"} & environment(service).keys()


def test_the_two_services_differ_in_how_they_stay_up_alone() -> None:
    one, other = [set(service.read_text().splitlines()) for service in SERVICES]
    keys = {line.split("=")[0] for line in one ^ other if "=" in line}
    assert keys == {"Description", "Type", "ExecStart", "Restart", "RestartSec", "RestartPreventExitStatus", "WantedBy"}


def test_what_the_timer_starts_collects_and_status_says_so(source: PlainSource, tmp_path: Path) -> None:
    service = RECIPES / "systemd" / "mulesoft-audit.service"
    credentials, state = tmp_path / "credentials", tmp_path / "state"
    write_settings(credentials, source.url)
    for folder in values(service, "StateDirectory")[0].split():
        (state / folder).mkdir() if (state).exists() else (state / folder).mkdir(parents=True)
    given = {
        name: value.replace("%d", str(credentials)).replace("%S", str(state))
        for name, value in environment(service).items()
    }
    done = run(values(service, "ExecStart")[0].replace(INSTALLED, PROGRAM), given, tmp_path)
    assert done.returncode == 0, done.stderr
    archive = state / "mulesoft-audit" / "archive"
    assert lines(archive) == source.truth(ORGANIZATION)
    assert (state / "mulesoft-audit" / "metrics" / "mulesoft-audit.prom").exists()
    status = run([PROGRAM, "status", "--archive", str(archive), "--max-age", "2h"], {}, tmp_path)
    assert status.returncode == 0, status.stdout + status.stderr


def test_a_stop_and_what_waits_for_a_person_are_told_apart() -> None:
    for service in SERVICES:
        assert values(service, "SuccessExitStatus") == ["130"]
    (staying,) = [service for service in SERVICES if "every" in service.name]
    assert values(staying, "RestartPreventExitStatus") == ["2 3"]


def test_the_user_is_made_by_systemd(tmp_path: Path) -> None:
    sysusers = shutil.which("systemd-sysusers")
    if not sysusers:
        pytest.skip("systemd-sysusers is not here: install Debian's package systemd, and the user is made by it")
    (tmp_path / "etc").mkdir()
    text = RECIPES / "systemd" / "mulesoft-audit.sysusers"
    subprocess.run([sysusers, f"--root={tmp_path}", str(text)], check=True, capture_output=True)
    (user,) = [line.split(":") for line in (tmp_path / "etc" / "passwd").read_text().splitlines() if "mule" in line]
    assert user[0] == "mulesoft-audit"
    assert user[6].endswith("nologin")
    for service in SERVICES:
        assert values(service, "User") == [user[0]]


def test_what_cron_starts_collects_without_a_word(source: PlainSource, tmp_path: Path) -> None:
    text = (RECIPES / "cron").read_text()
    assert text.endswith("\n"), "cron leaves out a last line without its end"
    entries = [line for line in text.splitlines() if not line.startswith("#")]
    given = dict(line.split("=", 1) for line in entries if re.match(r"[A-Z_]+=", line))
    assert_settings(given)
    (job,) = [line for line in entries if not re.match(r"[A-Z_]+=", line)]
    *times, user, command = job.split(maxsplit=6)
    assert (times, user) == (["*/15", "*", "*", "*", "*"], "mulesoft-audit")
    assert "%" not in command, "cron takes it for the end of a line"
    assert "flock" not in command
    write_settings(tmp_path / "etc", source.url)
    given["MULESOFT_AUDIT_CONFIG"] = str(tmp_path / "etc" / "mulesoft-audit.toml")
    given["ARCHIVE"] = str(tmp_path / "archive")
    done = run(["sh", "-c", command.replace(INSTALLED, PROGRAM)], given, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert lines(tmp_path / "archive") == source.truth(ORGANIZATION)
    assert (tmp_path / "archive").stat().st_mode & 0o007 == 0
