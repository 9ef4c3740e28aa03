"""A Containerfile read, and its build steps done without a container: in a folder that stands for the root."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Step(NamedTuple):
    """An instruction and what it says."""

    name: str
    text: str


@dataclass
class Stage:
    """What stands between one FROM and the next."""

    base: str
    steps: list[Step] = field(default_factory=list)

    def words(self, name: str) -> list[str]:
        """Return the words of the one instruction of that name in its JSON form."""
        (text,) = [step.text for step in self.steps if step.name == name]
        found = json.loads(text[text.index("[") :])
        assert isinstance(found, list)
        return found

    @property
    def environment(self) -> dict[str, str]:
        """What ENV sets."""
        text = " ".join(step.text for step in self.steps if step.name == "ENV")
        return dict(one.split("=", 1) for one in text.split())


def read(path: Path) -> list[Stage]:
    """Return the stages of a Containerfile, with the default of each ARG before the first in its base."""
    text = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE))
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for line in filter(None, text.splitlines()):
        name, said = line.split(maxsplit=1)
        if name == "ARG" and not stages:
            key, value = said.split("=", 1)
            arguments[key] = value
        elif name == "FROM":
            stages.append(Stage(re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], said)))
        else:
            stages[-1].steps.append(Step(name, said))
    return stages


def build(stage: Stage, root: Path, source: Path) -> None:
    """Do WORKDIR, COPY and RUN of a stage below `root`, with this Python for the image's, and pip's cache."""
    here = root
    for step in stage.steps:
        if step.name == "WORKDIR":
            here = root / step.text.strip("/")
            here.mkdir(parents=True)
        elif step.name == "COPY":
            *sources, target = step.text.split()
            for one in sources:
                place = here / target / (Path(one).name if target.endswith("/") else "")
                place.parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if (source / one).is_dir() else shutil.copy)(source / one, place)
        else:
            assert step.name == "RUN", step
            cached = re.sub(r" --no-cache(-dir)?\b", "", step.text)
            command = re.sub(r"(?<=[\s=])/(tools|venv)\b", rf"{root}/\1", f" {cached}")
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            env = {**os.environ, "PATH": path}
            done = subprocess.run(
                ["sh", "-euc", command], cwd=here, env=env, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
