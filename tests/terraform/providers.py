"""A real terraform, and stub providers that know the real ones' schema: fixtures for several folders' conftest.py."""

from __future__ import annotations

import fcntl
import platform
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import NoReturn

import pytest
from tests.terraform.workspace import MODULE, PROVIDERS

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


VERSIONS = {"google": "7.21.0", "google-beta": "7.21.0", "time": "0.9.1"}


@pytest.fixture(scope="session")
def mirror(program: str, providers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A settings file of terraform's with which `init` installs the stub providers, and asks nobody else."""
    home = tmp_path_factory.mktemp("mirror")
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    for name, source in _sources(program, home).items():
        place = home / source / VERSIONS[name] / f"{sys.platform}_{machine}"
        place.mkdir(parents=True)
        shutil.copy(providers / f"terraform-provider-{name}", place / f"terraform-provider-{name}_v{VERSIONS[name]}")
    settings = home / "terraformrc"
    settings.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{home}"\n  }}\n}}\n')
    return settings


def _sources(program: str, home: Path) -> dict[str, str]:
    """Return what terraform, or tofu, calls the places that the module's providers are from."""
    shutil.copy(MODULE / "versions.tf", home)
    shown = subprocess.run([program, "providers"], cwd=home, capture_output=True, text=True, timeout=60, check=True)
    found = re.findall(r"provider\[([^\]\s]+)\]", shown.stdout)
    return {source.rsplit("/", 1)[-1]: source for source in found}
