"""A copy of the module, terraform run in it, and what a plan says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE = Path(__file__).parents[2] / "terraform"
PROVIDERS = ("google", "google-beta", "time")
SECRET = "s3cr3t-of-the-connected-app"
PROJECT = "acme-logs-123"

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Planned:
    """A resource of a plan: its address in the module, its type and its values, unknown ones left out."""

    module: str
    address: str
    kind: str
    values: Values


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan, as `terraform show -json` has it, and the plan file."""

    shown: Values
    file: Path

    def resources(self) -> Iterator[Planned]:
        """Yield everything that is to be made."""
        for module in self.shown["planned_values"]["root_module"]["child_modules"]:
            for one in module["resources"]:
                address = one["address"].removeprefix(f"{module['address']}.")
                yield Planned(module["address"], address, one["type"], one["values"])

    def values(self, address: str) -> Values:
        """Return the values of one resource of the module."""
        (found,) = [one.values for one in self.resources() if one.address == address]
        return found

    def values_of(self, name: str, address: str) -> Values:
        """Return the values of one resource of one of several uses of the module."""
        module = f'module.collector["{name}"]'
        (found,) = [one.values for one in self.resources() if (one.module, one.address) == (module, address)]
        return found

    def text(self) -> str:
        """Return everything that the plan file holds, as text."""
        with ZipFile(self.file) as archive:
            return "".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())


class Workspace:
    """A copy of the module in `directory`, with a stand-in for the function's source."""

    def __init__(self, program: str, providers: Path, directory: Path) -> None:
        self.module = directory / "terraform"
        shutil.copytree(MODULE, self.module, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.zip"))
        for place in (self.module / "examples").iterdir():
            (place / "source.zip").write_bytes(b"PK")
        self._program = program
        self._rc = directory / "terraformrc"
        overrides = "".join(f'"hashicorp/{name}" = "{providers}"\n' for name in PROVIDERS)
        self._rc.write_text(f"provider_installation {{\ndev_overrides {{\n{overrides}}}\ndirect {{}}\n}}\n")

    def run(self, *arguments: str, at: str = ".", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run terraform in a folder of the module, with variables from the environment."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.module),
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": str(self._rc),
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_ARGS": "-no-color",
            "TF_VAR_project_id": PROJECT,
            **{f"TF_VAR_{name}": value for name, value in variables.items()},
        }
        command = [self._program, *arguments]
        return subprocess.run(
            command, cwd=self.module / at, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def done(self, *arguments: str, at: str = ".", **variables: str) -> str:
        """Run terraform, which is to succeed; return what it printed."""
        ended = self.run(*arguments, at=at, **variables)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def plan(self, at: str, **variables: str) -> Plan:
        """Plan one of the examples."""
        self.done("get", at=at)
        self.done("plan", "-input=false", "-out=plan", at=at, **variables)
        return Plan(json.loads(self.done("show", "-json", "plan", at=at)), self.module / at / "plan")

    def change(self, at: str, *lines: str) -> None:
        """Give further arguments to the module that an example uses."""
        main = self.module / at / "main.tf"
        text = main.read_text(encoding="utf-8")
        before = '  alert_email = "secops@example.com"\n'
        assert before in text
        main.write_text(text.replace(before, before + "".join(f"  {line}\n" for line in lines)), encoding="utf-8")
