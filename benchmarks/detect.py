"""What `detect` costs over an archive of a chosen size: `python -m benchmarks.detect [ENTRIES …]`.

The entries are those of a simulated week, its incident included, repeated week after week.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from anypoint_simulator import World
from anypoint_simulator.scenario import Scenario
from benchmarks.measured import ROOT, python, run
from mulesoft_audit.anypoint.entry import recognize
from mulesoft_audit.archive.layout import DAY_MS, day_of
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.ledger import registry
from mulesoft_audit.ledger.batch import Batch
from mulesoft_audit.ledger.commit import commit
from mulesoft_audit.ledger.day import Day

ENTRIES = (100_000, 1_000_000)
NOW = 1_700_000_000
A_WEEK = Scenario(now=NOW, days=7, groups=1, entries_per_day=5000, huge=0, odd_json=0)
_TIME = re.compile(rb'"timestamp":(\d{13})')


def main(sizes: list[int]) -> None:
    """Print, for each size, how long it takes, and memory of the largest process at its peak; write JSON."""
    world = World(A_WEEK)
    results = []
    logs = {one: log.bodies(range(len(log)), current_names=False) for one, log in world.logs.items()}
    for entries in sizes:
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), logs, entries)
            usage = run(python("-m", "mulesoft_audit", "detect", "--archive", folder, "--json"))
        found = {
            "entries": entries,
            "findings": usage.output.count("\n"),
            "wall_s": round(usage.wall, 2),
            "cpu_s": round(usage.cpu, 2),
            "us_an_entry": round(usage.cpu / entries * 1e6, 2),
            "peak_mib": usage.rss >> 20,
        }
        print(json.dumps(found), flush=True)
        results.append(found)
    out = ROOT / "benchmarks" / "results" / "detect.json"
    out.write_text(json.dumps({"sizes": results}, indent=1) + "\n", encoding="utf-8")


def fill(folder: Path, logs: dict[str, list[bytes]], entries: int) -> None:
    """Write an archive of that many entries: the logs of a week, again and again, a day at a time."""
    store = LocalStore(folder)
    held, generation = registry.load(store)
    registry.save(store, held, generation, "", {one: registry.Known(one) for one in logs})
    left = entries
    for week in range(entries):
        for organization, bodies in logs.items():
            for day, lines in sorted(_by_day(bodies, week).items()):
                kept = lines[:left]
                _commit(Day(store, organization, day_of(day * DAY_MS)), kept, day * DAY_MS)
                left -= len(kept)
                if not left:
                    return


def _by_day(bodies: list[bytes], week: int) -> dict[int, list[bytes]]:
    days: dict[int, list[bytes]] = defaultdict(list)
    for body in bodies:
        time = int(_TIME.findall(body)[0]) + week * 7 * DAY_MS
        days[time // DAY_MS].append(_TIME.sub(b'"timestamp":%d' % time, body, count=1))
    return days


def _commit(day: Day, lines: list[bytes], start: int) -> None:
    known = recognize(list(lines))
    batch = Batch(day.day)
    batch.add(list(lines), [(time or start) - start for time in known.times], known.keys)
    commit(day, batch)


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or list(ENTRIES))
