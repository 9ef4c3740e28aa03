"""Write the results of the last whole run into the documentation: no number there that `make bench` did not print.

python -m benchmarks.document [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from benchmarks import table
from benchmarks.measured import ROOT
from benchmarks.run import RESULTS

PAGE = ROOT / "docs" / "benchmarks.md"
PLOTS = {
    "compare": ("throughput",),
    "stages": ("stages",),
    "growth": ("cost", "requests", "memory"),
    "pace": ("pace",),
}
#: What a reader needs to know to read a table.
NOTES = {
    "compare": """\
Three programs bring the same log from the same source to a durable file, in turn, each on one core; the source has
another. *Naive* is what one writes first: `requests`, `json` both ways, `gzip` at its default level
([naive.py](../benchmarks/naive.py)). The *floor* reads with `http.client`, inflates, and compresses with this
collector's compressor and level, but looks at no entry: it cannot tell whether it has them all, and what it writes
are no lines ([floor.py](../benchmarks/floor.py)). The collector cuts out each entry, recognizes it, proves the count
against the source's total, and flushes parts, keys and manifest to the disk. Processor time is that of the whole
process, its start included. The rates of Grove and dlt are not measured by this command: they were measured once, with
entries of this size, two cores and a source on the same machine, and stand in
[compare.py](../benchmarks/compare.py). That was a faster machine, so what is compared is how many times the naive
way's rate each has. Version 0.1.0, measured beside this version on one machine and day (150,000 entries): 5.1x the
naive way, this version 4.7x. The difference is mostly the start of the process; on the machine of its release 0.1.0
had 6.6x.""",
    "stages": """\
Each stage by itself, on pages in memory, in turns of which the cheapest counts. The sum is less than the whole
way above: threads, the interpreter's start and everything between the stages are not in it.""",
    "growth": """\
One log of each size, unpaced, on one core. *Least* is what cannot be saved once a log is cut into slices that are
read side by side: a request for each 200 entries begun, and one to see the end of a slice. *Over one loop* compares
with a single slice, which could only be read one request after the other. Small sizes show the start of the
process. Memory grows until readers hold 32 MiB of compressed entries, the most they may, and stays there.""",
    "pace": """\
A long run against the simulator's limiter. Minutes are shortened, so that a run of several does not take several:
the collector is given a clock that runs {factor:g} times faster, and the simulator's minute ({minute_seconds:g} s) and
latency are shortened alike. Pacer, workers and reader are the collector's own. Minutes are counted
from the first request; the last one, in which the work runs out, is not. `--only pace --factor 1` takes true minutes,
at 40 requests each.""",
    "idle": "A small company collected twice, then once more: the last run finds nothing new.",
    "balance": """\
Requests as the simulator counts them, operations as the storage server of the tests counts them. For the groups that
are looked at again, the minute is made shorter: `benchmarks/watched.py`.""",
    "verify": """\
`verify --offline --json` over an archive of one log, a process of its own on all cores: every part is read, hashed and
compared with its keys, line by line. The quickest of three rounds; memory is that of the largest process, at its
peak.""",
    "startup": "Medians; a new process each time, files in the page cache.",
    "reading": """\
Commands that read an archive of {entries:,} entries of five organizations and 24 days, odd entries included, in turns;
medians of {rounds} (min to max). `show` and `query` use all cores; where it says so, one.""",
    "detect": """\
`detect --json` with all rules over a simulated week, its incident included, repeated week after week: a process of its
own on all cores. Memory is that of the largest process, at its peak. The aim is a million entries in 10 s. At another
time this machine was a third slower in everything, and took 11.4 s.""",
    "function": """\
A cold instance of the function collects one log of each size into a bucket: functions-framework, the storage server of
the tests, the simulator and the collector share the machine's cores. Listening: from the process's start until it
takes requests. The last column is a second delivery to the same instance, which finds nothing new.""",
}


def main() -> None:
    """Write, or check that there is nothing to write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail if the documentation says something else")
    check = parser.parse_args().check
    results = json.loads((RESULTS / "latest.json").read_text(encoding="utf-8"))
    for name in table.OTHERS:
        file = RESULTS / f"{name}.json"
        if file.exists():
            results[name] = json.loads(file.read_text(encoding="utf-8"))
    text = page(results)
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit(f"{PAGE.name}: not what benchmarks/results says; run python -m benchmarks.document")


def page(results: dict[str, Any]) -> str:
    """Return docs/benchmarks.md."""
    parts = [
        (
            "# Benchmarks\n\nEverything here was printed or drawn by `make bench`, all but the last sections in one\n"
            "run (`make bench BENCH=--quick` for a minute's worth; `--only NAME` for one of them). The numbers are\n"
            "in [benchmarks/results/](../benchmarks/results), the programs in [benchmarks/](../benchmarks)."
        ),
        table.machine(results["machine"]),
        f"## Targets\n\n{table.targets(results)}",
    ]
    for name, (title, render) in {**table.TABLES, **table.OTHERS}.items():
        if name in results:
            values = results[name] if isinstance(results[name], dict) else {}
            plots = "".join(f"\n\n![{plot}](../benchmarks/results/{plot}.svg)" for plot in PLOTS.get(name, ()))
            parts.append(f"## {title}\n\n{NOTES[name].format(**values)}\n\n{render(results[name])}{plots}")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
