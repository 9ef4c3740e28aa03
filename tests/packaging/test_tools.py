"""pipx and uv: each installs what is built here into an environment of its own, and puts the program on the path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mulesoft_audit import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "command",
    [["pipx", "install", "--python", sys.executable], ["uv", "tool", "install", "--python", sys.executable]],
    ids=lambda words: words[0],
)
def test_it_is_installed_started_and_installed_again(command: Sequence[str], wheel: Path, tmp_path: Path) -> None:
    tool = Path(sys.executable).with_name(command[0])
    folders = {
        "PIPX_HOME": "home",
        "PIPX_BIN_DIR": "bin",
        "PIPX_MAN_DIR": "man",
        "UV_TOOL_DIR": "home",
        "UV_TOOL_BIN_DIR": "bin",
    }
    env = {**os.environ, **{name: str(tmp_path / folder) for name, folder in folders.items()}}
    for again in ([], ["--force"]):
        done = subprocess.run(
            [str(tool), *command[1:], *again, str(wheel)], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    said = subprocess.run(
        [tmp_path / "bin" / "mulesoft-audit", "--version"], capture_output=True, text=True, check=True
    )
    assert __version__ in said.stdout
