"""The project as its users get it: installed into environments that have nothing else."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from tests.packaging.building import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
EXTRAS = tuple(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
#: Bare, as the README says, and with all of them.
SETS = ((), ("gcp",), EXTRAS)


@cache
def python(version: str) -> str:
    """Return an interpreter of a version that can make environments; skip the test if none is here."""
    if version == "{}.{}".format(*sys.version_info):
        return sys.executable
    installed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions").glob(f"{version}.*/bin/python")
    for found in [shutil.which(f"python{version}"), *map(str, installed)]:
        if (
            found
            and subprocess.run([found, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0
        ):
            return found
    pytest.skip(f"Python {version} is not here")


def once(place: Path, make: Callable[[Path], object]) -> Path:
    """Make what lies at `place`, unless another worker of pytest-xdist has made it; return the place."""
    done = place.with_suffix(".done")
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(place)
            done.touch()
    return place


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, version: str, *install: str, quickly: bool = True) -> Environment:
        """Make one and install something; skip the test if that Python is not here.

        Quickly by uv; where that cannot reach an index as it is set up for pip, and to see what pip does, by pip.
        """
        subprocess.run([python(version), "-m", "venv", folder], check=True)
        environment = cls(folder)
        by_uv = [sys.executable, "-m", "uv", "pip", "install", "--python", environment.python, *install]
        if not quickly or subprocess.run(by_uv, capture_output=True, check=False).returncode:
            environment.pip("install", *install)
        return environment

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.folder / "bin" / "python")

    def pip(self, *arguments: str) -> str:
        """Run pip as it is set up on this machine; return what it printed."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        command = [self.python, "-m", "pip", *arguments]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def distributions(self) -> set[str]:
        """The names of what is installed."""
        return {one["name"].lower() for one in json.loads(self.pip("list", "--format=json"))}

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `mulesoft-audit` with these environment variables and no other settings."""
        return self._run([str(self.folder / "bin" / "mulesoft-audit"), *arguments], variables)

    def script(self, text: str) -> str:
        """Run a script that has to succeed; return what it printed."""
        done = self._run([self.python, "-c", text], {})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _run(self, command: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        with TemporaryDirectory() as home:
            env = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8", **variables}
            return subprocess.run(command, cwd=home, env=env, capture_output=True, text=True, timeout=60, check=False)
