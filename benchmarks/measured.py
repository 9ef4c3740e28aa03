"""Running a program and saying what it cost: processor time and peak memory of that process alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process took.

    Attributes:
        cpu: seconds of processor time, the interpreter's start included.
        wall: seconds from start to end.
        rss: bytes of memory at its peak.
        output: what it printed.
    """

    cpu: float
    wall: float
    rss: int
    output: str


class Failed(Exception):
    """A measured program failed."""


def cores() -> tuple[set[int], set[int]]:
    """Return the cores for what is measured and for the source: one each, or the same if there is but one."""
    found = sorted(os.sched_getaffinity(0))
    return {found[-1]}, {found[0]}


def python(*arguments: str) -> list[str]:
    """Return a command line of this interpreter."""
    return [sys.executable, *arguments]


def run(program: Sequence[str], environment: Mapping[str, str] | None = None, on: set[int] | None = None) -> Usage:
    """Run a program to its end.

    Args:
        program: the command line.
        environment: variables on top of this process's own.
        on: the cores it may use; None for all of them.

    Raises:
        Failed: it did not exit with 0.
    """
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = started_on(on, program, stdout=output, env={**os.environ, **(environment or {})})
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read().decode()
    if process.returncode:
        raise Failed(f"{' '.join(program[:4])} … exited with {process.returncode}: {printed[-500:]}")
    return Usage(used.ru_utime + used.ru_stime, wall, used.ru_maxrss * 1024, printed)


def started_on(cores: set[int] | None, program: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401
    """Start a program that may use those cores alone; None: all of them. This process has one thread."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or own)  # a child inherits it
    try:
        return subprocess.Popen(program, cwd=ROOT, **options)
    finally:
        os.sched_setaffinity(0, own)
