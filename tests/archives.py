"""Reading an archive back, with nothing of the collector's own code."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from tests.plain_source import CLIENT_ID, CLIENT_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def lines(archive: Path, organization: str = "*") -> Counter[bytes]:
    """Return every line of every part as a multiset."""
    found: Counter[bytes] = Counter()
    for path in sorted(archive.glob(f"audit/{organization}/*/*/*/*")):
        assert path.name.startswith("mulesoft-audit-"), path
        data = gzip.decompress(path.read_bytes())
        assert data.endswith(b"\n"), path
        found.update(data[:-1].split(b"\n"))
    return found


def command(url: str, archive: Path, *arguments: str, **environment: str) -> tuple[list[str], dict[str, str]]:
    """Return the command line and environment of a collector process."""
    names = {"PATH", "HOME", "XDG_CONFIG_HOME", "PYTHONPATH", "LANG", "COVERAGE_PROCESS_CONFIG"}
    kept = {name: value for name, value in os.environ.items() if name in names}
    settings = {"CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "ANYPOINT_BASE_URL": url}
    rate = {"REQUESTS_PER_MINUTE": "100000"}
    return (
        [sys.executable, "-m", "mulesoft_audit", "collect", "--archive", str(archive), "--json", *arguments],
        kept | settings | rate | environment,
    )


def collect(url: str, archive: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the collector as a user would, to its end."""
    line, env = command(url, archive, *arguments, **environment)
    return subprocess.run(
        line, env=env, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL
    )


def told_to_stop(url: str, archive: Path, under_way: Callable[[], bool], last: Callable[[], None] | None = None) -> str:
    """Run the collector, send SIGTERM once it is under way, and return what it prints; it has five seconds to end."""
    line, env = command(url, archive)
    with subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not under_way():
            time.sleep(0.02)
        if last:
            last()
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
        assert time.monotonic() - began < 5
    assert process.returncode == 130
    return output
