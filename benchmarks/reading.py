"""What it takes to read an archive: status, show, query and report, as a user starts them.

python -m benchmarks.reading [ENTRIES_A_DAY]

An archive of about 185,000 entries in five organizations is collected from a simulated Anypoint, odd entries included.
Each command is started as users start it, in turn; where it says so, on one core.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.compare import spread
from benchmarks.measured import ROOT, cores, python, run, started_on
from benchmarks.simulation import served

PER_DAY = 2366  #: entries of a weekday and organization
DAYS = 24
ROUNDS = 5
SQL = "select user_name, time::date as day, count(*) from entries where action = 'Login' group by all order by all"
#: Command and the most seconds it may take.
COMMANDS: dict[str, tuple[list[str], float]] = {
    "status": (["status"], 0.3),
    "show of a day": (["show", "--since", "3d", "--until", "2d"], 0.5),
    "show of everything": (["show", "--since", "60d"], 2.0),
    "show of everything, on one core": (["show", "--since", "60d"], 2.0),
    "show --json of everything": (["show", "--since", "60d", "--json"], 2.0),
    "query, logins by user and day": (["query", "--csv", SQL], 2.0),
    "report": (["report", "--since", "60d", "--output", "report.html"], 10.0),
}
ONE_CORE = "on one core"
FIRST_LINE = 0.3


def main() -> None:
    """Measure, print a table, write JSON."""
    per_day = int(sys.argv[1]) if sys.argv[1:] else PER_DAY
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        entries = collected(archive, per_day)
        results = {"entries": entries, "rounds": ROUNDS, "load": os.getloadavg()[0], **measure(archive)}
    print(f"{entries:,} entries, load {results['load']:.1f}")
    for name, found in results["commands"].items():
        wall, most = found["wall_s"], found["target_s"]
        met = "" if wall["median"] <= most else "  MISSED"
        print(f"{name:32} {wall['median']:6.2f} s ({wall['min']:.2f} to {wall['max']:.2f})  <= {most} s{met}")
    out = ROOT / "benchmarks" / "results"
    out.mkdir(exist_ok=True)
    (out / "reading.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def collected(archive: Path, per_day: int) -> int:
    """Fill an archive; return how many entries it holds."""
    switches = ("--groups", "4", "--days", str(DAYS), "--entries-per-day", str(per_day))
    with served(*switches) as about:
        line = ("collect", "--json", "--archive", str(archive), "--since", f"{DAYS + 1}d")
        settings = {
            "ANYPOINT_BASE_URL": about["url"],
            "CLIENT_ID": about["client_id"],
            "CLIENT_SECRET": about["client_secret"],
            "REQUESTS_PER_MINUTE": "100000",
        }
        return int(json.loads(run(python("-m", "mulesoft_audit", *line), settings).output)["new_entries"])


def measure(archive: Path) -> dict[str, Any]:
    """Return wall and processor seconds of each command, and how long the first line of `show` takes."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    first = []
    for _ in range(ROUNDS + 1):
        for name, (arguments, _) in COMMANDS.items():
            core = cores()[0] if name.endswith(ONE_CORE) else None
            places = [str(archive.parent / one) if one == "report.html" else one for one in arguments]
            usage = run(python("-m", "mulesoft_audit", *places, "--archive", str(archive)), on=core)
            found[name].append((usage.wall, usage.cpu))
        first.append(first_line(archive))
    commands = {
        name: {
            "wall_s": spread([wall for wall, _ in rounds[1:]]),  # the first fills caches
            "cpu_s": spread([cpu for _, cpu in rounds[1:]]),
            "target_s": COMMANDS[name][1],
        }
        for name, rounds in found.items()
    }
    return {"commands": {**commands, "first line of show": {"wall_s": spread(first[1:]), "target_s": FIRST_LINE}}}


def first_line(archive: Path) -> float:
    """Return after how many seconds `show` of everything prints its first line."""
    line = python("-m", "mulesoft_audit", "show", "--since", "60d", "--archive", str(archive))
    began = time.perf_counter()
    with started_on(None, line, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seconds = time.perf_counter() - began
        process.kill()
    return seconds


if __name__ == "__main__":
    main()
