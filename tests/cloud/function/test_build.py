"""What is built: the same every time, complete, pinned, quick to import, nothing opened by importing it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from hashlib import sha256
from importlib import metadata
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from mulesoft_audit.cli.function import command
from mulesoft_audit.cloud import build
from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def contents(directory: Path) -> dict[str, str]:
    found = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): sha256(path.read_bytes()).hexdigest() for path in found}


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


def test_every_requirement_is_pinned_to_what_is_installed(tmp_path: Path) -> None:
    build.build_source(tmp_path)
    lines = (tmp_path / "requirements.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines)
    assert list(pinned) == sorted(pinned)
    assert {"functions-framework", "google-cloud-storage", "msgspec", "isal", "urllib3", "gunicorn"} <= set(pinned)
    assert all(metadata.version(name) == version for name, version in pinned.items())
    assert not {"mulesoft-audit-collector", "rich", "pytest"} & set(pinned)


def test_a_dependency_that_is_not_installed_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed = metadata.distribution

    def without_storage(name: str) -> metadata.Distribution:
        if name == "google-cloud-storage":
            raise metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(build.metadata, "distribution", without_storage)
    with pytest.raises(UsageError, match=r"google-cloud-storage.*pip install 'mulesoft-audit-collector\[gcp\]'"):
        build.build_source(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_is_needed_there_but_not_here_is_left_unpinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows functions-framework comes without gunicorn; where the function runs it needs one."""
    needed = build._needed

    def as_on_windows(installed: metadata.Distribution, extras: set[str]) -> list[object]:
        from packaging.requirements import Requirement

        more = [(Requirement("gunicorn-of-another-kind>=22; platform_system == 'Elsewhere'"), False)]
        return [*needed(installed, extras), *(more if installed.name == "functions-framework" else [])]

    monkeypatch.setattr(build, "_needed", as_on_windows)
    assert "gunicorn-of-another-kind>=22" in build.requirements()


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
import os, sys, threading, time
before = time.process_time()
import main
spent = time.process_time() - before
import mulesoft_audit.cloud.function
late = {"google.cloud.storage", "google.auth", "requests", "mulesoft_audit.cli", "anypoint_simulator"}
sockets = [fd for fd in os.listdir("/proc/self/fd") if "socket" in os.path.realpath(f"/proc/self/fd/{fd}")]
assert not late & set(sys.modules), late & set(sys.modules)
assert threading.active_count() == 1 and not sockets
assert mulesoft_audit.__version__.endswith("+built"), mulesoft_audit.__file__
print(spent)
"""


def test_importing_it_is_quick_and_opens_nothing(built: Path, tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(built), "HOME": str(tmp_path)}
    seconds = []
    for _ in range(3):
        line = [sys.executable, "-c", PROBE]
        done = subprocess.run(line, cwd=built, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        seconds.append(float(done.stdout))
    assert min(seconds) < 0.4
