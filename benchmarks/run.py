"""make bench: every benchmark in one run; prints tables, writes JSON and plots.

python -m benchmarks.run [--quick] [--only NAME] [--out DIR] [--factor N]

About a quarter of an hour; with --quick one, with sizes that say little. All runs against the bundled simulator, in
processes of their own; what is compared takes turns. A partial run goes to build/bench, a whole one to
benchmarks/results, from which `python -m benchmarks.document` writes the documentation.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import balance, compare, growth, idle, pace, startup, table, verify
from benchmarks.draw import draw
from benchmarks.measured import ROOT, cores, python, run
from benchmarks.simulation import simulated

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = ROOT / "benchmarks" / "results"
PARTIAL = ROOT / "build" / "bench"
#: 10,001 rather than 10,000: a total of just 10,000 looks like that of a search engine that counts no further.
SIZES = [10_001, 30_000, 100_000, 300_000, 1_000_000, 3_000_000]
CASES = [(700, 50, "clock"), (700, 400, "clock"), (700, 400, "rolling"), (700, 800, "clock"), (40, 400, "clock")]


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, about a minute")
    parser.add_argument("--only", choices=sorted(table.TABLES), action="append", help="only this one (repeatable)")
    parser.add_argument("--out", type=Path, help="where JSON and plots go")
    parser.add_argument(
        "--factor",
        type=float,
        default=4.0,
        help="how much faster minutes pass for the pace; 1: true ones",
    )
    options = parser.parse_args()
    out = options.out or (PARTIAL if options.quick or options.only else RESULTS)
    results: dict[str, Any] = {"machine": machine(), "quick": options.quick}
    for name, measure in plan(quick=options.quick, factor=options.factor).items():
        if not options.only or name in options.only:
            began = time.monotonic()
            results[name] = measure()
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    (out / "latest.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for name, picture in draw(results).items():
        (out / f"{name}.svg").write_text(picture, encoding="utf-8")
    print(
        f"\n{table.everything(results)}\n\nJSON and plots: {out.relative_to(ROOT) if out.is_relative_to(ROOT) else out}"
    )


def plan(*, quick: bool, factor: float) -> dict[str, Callable[[], Any]]:
    """Return the benchmarks by name."""
    if quick:
        return {
            "startup": lambda: startup.measure(3),
            "idle": lambda: idle.measure(2),
            "balance": lambda: balance.measure(year_of=100),
            "stages": stages,
            "compare": lambda: compare.measure(50_000, 2),
            "growth": lambda: growth.measure(SIZES[:2], 1),
            "verify": lambda: verify.measure(SIZES[1:2], 1),
            "pace": lambda: pace.measure([(700, 400, "clock"), (40, 400, "clock")], 1, factor * 2),
        }
    return {
        "startup": lambda: startup.measure(15),
        "idle": lambda: idle.measure(4),
        "balance": lambda: balance.measure(year_of=1_000),
        "stages": stages,
        "compare": lambda: compare.measure(200_000, 3),
        "growth": lambda: growth.measure(SIZES, 2),
        "verify": lambda: verify.measure([SIZES[2], SIZES[4]], 3),
        "pace": lambda: pace.measure(CASES if factor > 1 else CASES[-1:], 2, factor),
    }


def stages() -> dict[str, float]:
    """Return the processor time of each stage, from a process of their own."""
    with simulated(20_000) as source:
        task = source.task(Path()).as_argument()
        found = run(python("-m", "benchmarks.stages", task), source.environment, cores()[0])
    return dict(json.loads(found.output))


def machine() -> dict[str, Any]:
    """Return what there is to know of this machine."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("isal", "msgspec", "urllib3", "requests")},
        "load": os.getloadavg()[0],
        "when": datetime.now(UTC).date().isoformat(),
    }


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8").splitlines() if facts.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "an unnamed processor")


if __name__ == "__main__":
    main()
