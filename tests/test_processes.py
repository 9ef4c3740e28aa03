"""Processes that do the same with many things: stopped, killed or not started, they cost nothing but time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING

import pytest

from mulesoft_audit.processes import Processes

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


def test_processes_that_are_just_starting_are_not_waited_for():
    processes = Processes(make, 0, 2)
    processes.worthwhile(1)
    began = time.monotonic()
    processes.close()
    assert time.monotonic() - began < 0.9
    assert not any(process.is_alive() for process in processes.running)
    assert processes.here() == os.getpid()


@pytest.mark.parametrize("first", [0, 1])
def test_a_process_that_cannot_be_started_costs_nothing_but_time(monkeypatch, first):
    processes = Processes(make, 0, 2)
    starts = iter([SpawnProcess.start] * first)

    def start(process: SpawnProcess) -> None:
        try:
            next(starts)(process)
        except StopIteration:
            raise BlockingIOError(11, "Resource temporarily unavailable") from None

    with monkeypatch.context() as patched:
        patched.setattr(SpawnProcess, "start", start)
        assert processes.worthwhile(1) == bool(first)
    assert processes.worthwhile(1) == bool(first)
    assert len(processes.running) == first
    assert (processes() if first else processes.here()) == (processes.running[0].pid if first else os.getpid())
    processes.close()
