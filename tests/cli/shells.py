"""Real shells on a terminal of their own: what appears there when somebody types and presses Tab."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from types import TracebackType

BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
PATIENCE = 20.0


def shell_or_skip(name: str) -> str:
    """Return the path of a shell; a test that needs one that is not here is skipped, and says so."""
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not here: install the package {name} to run this test")
    return found


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a user whose home is `home`, and who has the program on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}/usr/bin{os.pathsep}/bin"
    kept = {name: os.environ[name] for name in ("LANG", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
    return {**kept, "HOME": str(home), "PATH": path, "TERM": "dumb", "PS1": "ready$ "}


class Terminal:
    """A shell on a pseudo terminal.

    Args:
        command: the shell and its arguments.
        variables: its environment.
    """

    def __init__(self, command: list[str], variables: dict[str, str]) -> None:
        self.shown = ""
        self._process, self._terminal = pty.fork()
        if self._process == 0:  # the child
            os.chdir(variables["HOME"])
            os.execve(command[0], command, variables)  # never returns

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._terminal)

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._terminal, keys.encode())

    def wait_for(self, text: str) -> str:
        """Return what the terminal showed since it was last asked, once it shows `text`."""
        end = time.monotonic() + PATIENCE
        while text not in self.shown:
            ready, _, _ = select.select([self._terminal], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{text!r} does not appear: {self.shown!r}"
            self.shown += os.read(self._terminal, 4096).decode(errors="replace")
        shown, self.shown = self.shown, ""
        return shown
