"""Real forwarders, as processes: each is run until it has sent as many entries as it should, and a while longer."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE = 60.0
LONGER = 2.0  #: seconds in which an entry that comes twice would come


def program_or_skip(name: str, install: str) -> str:
    """Return the path of a program; without it the test is skipped, and says how to install it."""
    found = os.environ.get(name.upper().replace("-", "_")) or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not here: {install}, and put it on the path or name it in {name.upper()}")
    return found


def run_until(command: list[str], count: Callable[[], int], wanted: int, log: Path, *, kill: bool = False) -> None:
    """Run a forwarder until `count` is `wanted`; then a little longer, and stop it. Or kill it, at once."""
    with log.open("ab") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            end = time.monotonic() + PATIENCE
            while count() < wanted and time.monotonic() < end and process.poll() is None:
                time.sleep(0.05)
            time.sleep(0 if kill or process.poll() is not None else LONGER)
        finally:
            process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def sent(files: list[Path], key: str) -> Counter[bytes]:
    """Return the entries that a forwarder wrote, as a multiset: the text under `key` of each JSON line."""
    return Counter(
        json.loads(line)[key].encode("utf-8", "surrogatepass")
        for file in files
        for line in file.read_bytes().splitlines()
        if line.endswith(b"}")
    )
