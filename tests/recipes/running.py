"""The recipes as files, and running what they run: with their paths replaced, against a source on this machine."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.plain_source import CLIENT_ID, CLIENT_SECRET

from mulesoft_audit.cli.reference import commands
from mulesoft_audit.settings import CONFIG, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "recipes"
INSTALLED = "/opt/mulesoft-audit/bin/mulesoft-audit"  #: where the recipes for a server have the program
PROGRAM = str(Path(sys.executable).with_name("mulesoft-audit"))
NOT_SETTINGS = {CONFIG, "MAILTO", "PATH", "XDG_CONFIG_HOME", "PYTHONDONTWRITEBYTECODE"}


def assert_options_exist(words: Sequence[str]) -> None:
    """Look that a command line of the program, without its name, names a command and options that exist."""
    contexts = {context.command_path: context for context in commands()}
    context = contexts[f"mulesoft-audit {words[0]}"]
    known = {name for one in context.command.get_params(context) for name in one.opts}
    assert {word for word in words if word.startswith("-")} <= known


def assert_settings(names: Iterable[str]) -> None:
    """Look that variables of the environment are settings."""
    assert set(names) - NOT_SETTINGS <= {name.upper() for name in Settings.__struct_fields__}


def write_settings(folder: Path, url: str) -> None:
    """Write the two files that every recipe has."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "client-secret").write_text(CLIENT_SECRET + "\n")
    (folder / "mulesoft-audit.toml").write_text(
        f'client_id = "{CLIENT_ID}"\nclient_secret_file = "{folder}/client-secret"\nanypoint_base_url = "{url}"\n'
    )


def run(command: str | Sequence[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with these variables, and nothing of this process's own, in a folder of its own."""
    words = shlex.split(command) if isinstance(command, str) else command
    kept = {name: os.environ[name] for name in ("PATH", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
    env: dict[str, Any] = {"HOME": str(folder), **kept, **environment}
    return subprocess.run(words, env=env, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
