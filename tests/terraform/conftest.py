"""A real terraform over the module, with stub providers that know the real ones' schema."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import venv
from pathlib import Path
from typing import NoReturn

import pytest
from tests.terraform.workspace import PROVIDERS, SECRET, Plan, Workspace

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def loudly_skipped(request: pytest.FixtureRequest, why: str) -> NoReturn:
    """Skip, and say so on a line of its own: an `s` among dots is too quiet for a check that was left out."""
    plugins = request.config.pluginmanager
    capture, reporter = plugins.get_plugin("capturemanager"), plugins.get_plugin("terminalreporter")
    if capture is not None and reporter is not None:
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"\nNOT CHECKED with a real terraform: {why}", yellow=True, bold=True)
    pytest.skip(why)


@pytest.fixture(scope="session")
def program(request: pytest.FixtureRequest) -> str:
    """The terraform on PATH."""
    found = shutil.which("terraform")
    if found is None:
        loudly_skipped(request, "there is none on PATH")
    return found


@pytest.fixture(scope="session")
def providers(request: pytest.FixtureRequest) -> Path:
    """A directory with the stub providers, in an environment of their own that is kept.

    PyPI's `tf` needs a protobuf from before the one that the other tests need, so it cannot be installed beside them.
    """
    home = request.config.cache.mkdir("terraform-providers") if request.config.cache else HERE
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        python = _python(request, home)
        for name in PROVIDERS:
            launcher = home / f"terraform-provider-{name}"
            text = f'#!/bin/sh\nexec "{python}" "{HERE / "stub_provider.py"}" {name} "$@"\n'
            if not launcher.exists() or launcher.read_text() != text:
                launcher.write_text(text)
                launcher.chmod(0o755)
    return home


def _python(request: pytest.FixtureRequest, home: Path) -> Path:
    """Return a Python that has what the stub providers need."""
    wanted = ROOT / "requirements" / "terraform.txt"
    python, ready = home / "venv" / "bin" / "python", home / "ready"
    if ready.exists() and ready.read_bytes() == wanted.read_bytes():
        return python
    venv.create(home / "venv", with_pip=True, clear=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    try:
        done = subprocess.run([*pip, "-r", str(wanted)], capture_output=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        loudly_skipped(request, "PyPI's tf could not be installed in 120 s")
    if done.returncode:
        loudly_skipped(request, "PyPI's tf could not be installed")
    ready.write_bytes(wanted.read_bytes())
    return python


@pytest.fixture
def workspace(program: str, providers: Path, tmp_path: Path) -> Workspace:
    """A copy of the module to run terraform in."""
    return Workspace(program, providers, tmp_path)


@pytest.fixture(scope="session")
def basic(program: str, providers: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of examples/basic."""
    return Workspace(program, providers, tmp_path_factory.mktemp("basic")).plan("examples/basic", client_secret=SECRET)


@pytest.fixture(scope="session")
def two_roots(program: str, providers: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of examples/two-roots."""
    secrets = f'{{"mulesoft-emea": "{SECRET}1", "mulesoft-us": "{SECRET}2"}}'
    place = Workspace(program, providers, tmp_path_factory.mktemp("two"))
    return place.plan("examples/two-roots", client_secrets=secrets)
