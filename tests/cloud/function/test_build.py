"""What is built: the same every time, complete, locked, quick to import, nothing opened by importing it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

from mulesoft_audit.cli.function import command
from mulesoft_audit.cloud import build
from mulesoft_audit.errors import UsageError

ROOT = Path(__file__).parents[3]


def contents(directory: Path) -> dict[str, str]:
    found = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): sha256(path.read_bytes()).hexdigest() for path in found}


def versions(lock: Path) -> dict[str, str]:
    """Return the pinned version of each package."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(), re.MULTILINE))


def test_two_builds_are_the_same_and_a_build_replaces_an_earlier_one(tmp_path: Path) -> None:
    build.build_source(tmp_path / "a")
    build.build_source(tmp_path / "b" / "below")
    (tmp_path / "a" / "mulesoft_audit" / "gone.py").write_text("of an older version")
    (tmp_path / "a" / "main.py").write_text("import mulesoft_audit")
    build.build_source(tmp_path / "a")
    assert contents(tmp_path / "a") == contents(tmp_path / "b" / "below")


def test_a_build_has_what_is_needed_and_nothing_for_a_terminal(tmp_path: Path) -> None:
    build.build_source(tmp_path)
    names = set(contents(tmp_path))
    assert {"main.py", "requirements.txt", "mulesoft_audit/wiring.py", "mulesoft_audit/archive/gcs.py"} <= names
    assert not [name for name in names if re.search(r"simulator|cli/|explore|deploy|feed|doctor|\.pyc", name)]


def test_the_requirements_are_the_locked_ones_each_with_its_hashes(tmp_path: Path) -> None:
    build.build_source(tmp_path)
    locked = versions(tmp_path / "requirements.txt")
    assert {"functions-framework", "gunicorn", "google-cloud-storage", "google-crc32c", "isal"} <= set(locked)
    assert not {"mulesoft-audit-collector", "rich", "pygments", "pytest"} & set(locked)
    entries = re.split(r"\n(?=[a-z])", (tmp_path / "requirements.txt").read_text())[1:]
    assert len(entries) == len(locked)
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_lock_is_that_of_the_declared_dependencies_and_of_the_developers(tmp_path: Path) -> None:
    """`make lock` writes both; what the tests run with is what is deployed."""
    build.build_source(tmp_path)
    locked = versions(tmp_path / "requirements.txt")
    assert locked.items() <= versions(ROOT / "requirements" / "dev.txt").items()
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, groups = declared["project"], declared["dependency-groups"]
    for line in [*project["dependencies"], *project["optional-dependencies"]["gcp"], *groups["function"]]:
        wanted = Requirement(line)
        assert wanted.name == "rich" or locked[wanted.name] in wanted.specifier


@pytest.mark.parametrize("foreign", ["notes.txt", "main.py"])
def test_what_is_not_a_build_is_left_alone(tmp_path: Path, foreign: str) -> None:
    (tmp_path / foreign).write_text("mine")
    with pytest.raises(UsageError, match=foreign):
        build.build_source(tmp_path)
    assert contents(tmp_path).keys() == {foreign}
    with pytest.raises(UsageError, match="is a file"):
        build.build_source(tmp_path / foreign)


def test_the_command_builds(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["build", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "entry point `main`" in result.output
    assert (tmp_path / "out" / "main.py").exists()


PROBE = """
import os, sys, threading
import main
import mulesoft_audit.cloud.function
late = {"google.cloud.storage", "google.auth", "requests", "mulesoft_audit.cli", "anypoint_simulator"}
sockets = [fd for fd in os.listdir("/proc/self/fd") if "socket" in os.path.realpath(f"/proc/self/fd/{fd}")]
assert not late & set(sys.modules), late & set(sys.modules)
assert threading.active_count() == 1 and not sockets
assert mulesoft_audit.__version__.endswith("+built"), mulesoft_audit.__file__
"""


def test_importing_it_imports_nothing_slow_and_opens_nothing(built: Path, tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(built), "HOME": str(tmp_path)}
    line = [sys.executable, "-c", PROBE]
    done = subprocess.run(line, cwd=built, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
