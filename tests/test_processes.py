"""Processes that do the same with many things: what a terminal sends to all of them stops the first alone."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def make() -> Callable[[], int]:
    """Return what each process does: say which one it is."""
    return os.getpid


INTERRUPTED = """
import os, signal
from tests.test_processes import make

from mulesoft_audit.processes import Processes

signal.signal(signal.SIGINT, lambda *_: None)  # the first goes on, to ask the others
processes = Processes(make, 0, 2)
processes.worthwhile(1)
os.killpg(0, signal.SIGINT)
print(processes() in {process.pid for process in processes.running})
processes.close()
"""


def test_ctrl_c_while_processes_start_leaves_them_alone_and_prints_nothing():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
