"""The Cloud Run function under load: cold start, entries a second, and peak memory as the work grows.

python -m benchmarks.function [SIZE ...]

Real processes: functions-framework with the built source, a storage server, and a simulated Anypoint.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3

from benchmarks.measured import ROOT, python
from benchmarks.simulation import Simulation, simulated
from mulesoft_audit.cloud.build import build_source

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = (10_000, 100_000, 1_000_000, 3_000_000)
BUCKET = "audit-archive"
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def storage() -> Iterator[str]:
    """Run the storage server of the tests; yield its URL."""
    command = python("-m", "tests.storage_server", "--bucket", BUCKET)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextmanager
def function(source: Path, settings: dict[str, str]) -> Iterator[tuple[int, int, float]]:
    """Serve the built function; yield its process, its port, and the seconds until it listened."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {"PATH": os.environ["PATH"], "HOME": str(source), "PYTHONPATH": str(source), **settings}
    command = [sys.executable, "-m", "functions_framework", "--target", "main", "--port", str(port)]
    began = time.monotonic()
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=source, env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 0.2).close()
                    break
                except OSError:
                    time.sleep(0.01)
            yield process.pid, port, time.monotonic() - began
        finally:
            process.terminate()


def processes(root: int) -> list[int]:
    """Return a process and all below it."""
    found = [root]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) in found:
            found.append(int(stat.parent.name))
    return found


def cost(root: int) -> tuple[float, float]:
    """Return seconds of processor time of a process and those below it, and the largest one's peak memory in MiB."""
    seconds, peak = 0.0, 0.0
    for pid in processes(root):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        peak = max(peak, *(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM")))
    return seconds, peak


def deliver(port: int, message: dict[str, str]) -> tuple[int, float]:
    """Deliver a message as Eventarc does; return the status and the seconds it took."""
    data = base64.b64encode(json.dumps(message).encode()).decode()
    headers = {
        "ce-id": "1",
        "ce-source": "//pubsub.googleapis.com/projects/p/topics/t",
        "ce-specversion": "1.0",
        "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
    }
    body = {"message": {"data": data, "messageId": "1"}, "subscription": "projects/p/subscriptions/s"}
    began = time.monotonic()
    answer = urllib3.request(
        "POST", f"http://127.0.0.1:{port}/", json=body, headers=headers, timeout=600, retries=False
    )
    return answer.status, time.monotonic() - began


def measure(entries: int, anypoint: Simulation, source: Path) -> dict[str, Any]:
    """Return what collecting that many entries took of a cold instance."""
    with storage() as url:
        settings = {
            **anypoint.environment,
            "GCS_BUCKET": BUCKET,
            "STORAGE_EMULATOR_HOST": url,
            "REQUESTS_PER_MINUTE": "100000",
            "THREADS": "1",
        }
        with function(source, settings) as (pid, port, listening):
            idle, _ = cost(pid)
            status, seconds = deliver(port, {"since": f"{anypoint.day:%Y-%m-%d}"})
            used, peak = cost(pid)
            again, warm = deliver(port, {})
    if (status, again) != (200, 200):
        raise SystemExit(f"the function answered {status}, then {again}")
    return {
        "entries": entries,
        "listening_s": round(listening, 2),
        "start_cpu_s": round(idle, 2),
        "run_s": round(seconds, 2),
        "run_cpu_s": round(used - idle, 2),
        "entries_per_s": round(entries / seconds),
        "peak_mib": round(peak),
        "warm_idle_run_s": round(warm, 2),
    }


def main() -> None:
    """Measure each size on a cold instance, and print a table."""
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        build_source(Path(folder) / "source")
        for entries in sizes:
            with simulated(entries) as anypoint:
                rows.append(measure(entries, anypoint, Path(folder) / "source"))
    for name in rows[0]:
        print(f"{name:16}" + "".join(f"{row[name]:>12,}" for row in rows))
    results = ROOT / "benchmarks" / "results"
    results.mkdir(exist_ok=True)
    (results / "function.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
