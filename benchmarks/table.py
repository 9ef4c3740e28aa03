"""The results as Markdown tables: what the command prints is what the documentation shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.compare import FLOOR, FREE, NAIVE, OURS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Results = dict[str, Any]
#: Sizes between which memory may not differ.
LEVEL_FROM = 1_000_000
#: The latency that the target speaks of; the other rows are there to compare.
AIMED_LATENCY = 400


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are aligned right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def targets(results: Results) -> str:
    """Return what was aimed at and what was measured."""
    rows = [(what, aim, measured, "yes" if met else "**no**") for what, aim, measured, met in _targets(results)]
    return table(("", "Target", "Measured", "Met"), rows)


def function(rows: Sequence[Results]) -> str:
    """Return what each size took of the function."""
    head = ("Entries", "listening s", "run s", "CPU s", "entries a second", "peak MiB", "nothing new s")
    return table(
        head,
        [
            (
                f"{row['entries']:,}",
                f"{row['listening_s']:.2f}",
                f"{row['run_s']:.2f}",
                f"{row['run_cpu_s']:.2f}",
                f"{row['entries_per_s']:,}",
                f"{row['peak_mib']}",
                f"{row['warm_idle_run_s']:.2f}",
            )
            for row in rows
        ],
    )


def _targets(results: Results) -> Iterator[tuple[str, str, str, bool]]:
    if "compare" in results:
        yield from _of_compare(results["compare"])
    if "pace" in results:
        yield from _of_pace(results["pace"])
    if "growth" in results:
        yield from _of_growth(results["growth"])
    if "idle" in results:
        queries = results["idle"]["idle_run"]["queries_per_organization"]
        yield ("Requests of a run that finds nothing new, an organization", "≤ 1", f"{queries:.1f}", queries <= 1)
    for row in results.get("balance", ()):
        yield row["what"], row["aim"], row["found"], row["met"]
    if rows := results.get("verify"):
        largest = rows[-1]
        what = f"Verifying {short(largest['entries'])} entries offline"
        yield what, "< 30 s", f"{largest['wall_s']:.1f} s", largest["wall_s"] < 30
    if "startup" in results:
        wall = results["startup"]["--help"]["wall_ms"]["median"]
        cpu = results["startup"]["import of the function"]["cpu_ms"]["median"]
        yield "`--help`", "< 150 ms", f"{wall:.0f} ms", wall < 150
        yield "Import of the function, processor time", "< 400 ms", f"{cpu:.0f} ms", cpu < 400


def _of_compare(found: Results) -> Iterator[tuple[str, str, str, bool]]:
    naive, floor = found["naive_over_ours"]["median"], found["cpu_over_floor"]["median"]
    yield "Entries per processor second, against the naive way", "≥ 6x", _between(found["naive_over_ours"]), naive >= 6
    yield "Processor time an entry, against the floor", "≤ 2.5x", _between(found["cpu_over_floor"]), floor <= 2.5
    for (name, times), aim in zip(found["times_recorded"].items(), (3, 4), strict=True):
        what = f"Entries a second on all cores, against {name} (see below)"
        yield what, f"≥ {aim}x", f"{times:.1f}x", times >= aim


def short(number: float) -> str:
    """Return 10k, 3M."""
    if number >= 999_500:
        return f"{number / 1e6:.3g}M"
    return f"{number / 1e3:.3g}k" if number >= 1000 else f"{number:g}"


def _between(times: dict[str, float]) -> str:
    return f"{times['median']:.1f}x ({times['min']:.1f} to {times['max']:.1f})"


def _of_pace(found: Results) -> Iterator[tuple[str, str, str, bool]]:
    for case in found["cases"]:
        if case["latency_ms"] != AIMED_LATENCY:
            continue
        busy, over = case["busy"], case["over_limit"]
        yield (
            f"Allowance used at {case['requests_per_minute']}/min, {case['latency_ms']} ms latency, {_kind(case)}",
            "≥ 97 %, none over the limit",
            f"{busy:.1%}, {over} over",
            busy >= 0.97 and not over,
        )


def _of_growth(rows: list[Results]) -> Iterator[tuple[str, str, str, bool]]:
    worst = max(row["requests_over_least"] for row in rows)
    yield "Requests over the least possible, the worst size", "≤ 3 %", f"{worst - 1:.1%}", worst <= 1.03
    level = [row["peak_mib"] for row in rows if row["entries"] >= LEVEL_FROM]
    if level:
        largest = rows[-1]["entries"]
        spread = max(level) / min(level) - 1
        yield (
            f"Memory from {short(LEVEL_FROM)} to {short(largest)} entries",
            "within 15 %",
            f"{spread:.0%}",
            spread <= 0.15,
        )
        yield "Memory at its peak", "< 160 MiB", f"{max(level):.0f} MiB", max(level) < 160


def compare(found: Results) -> str:
    """Return the three ways side by side."""
    rows = []
    for name, way in found["ways"].items():
        cpu = way["cpu_us_per_entry"]
        rows.append(
            (
                {OURS: "**this collector**", FREE: "**this collector**, all cores", FLOOR: "floor", NAIVE: "naive"}[
                    name
                ],
                f"{cpu['median']:.1f} ({cpu['min']:.1f} to {cpu['max']:.1f})",
                f"{way['entries_per_cpu_second']['median']:,.0f}",
                f"{way['entries_per_second']['median']:,.0f}",
                f"{way['peak_mib']['median']:.0f}",
            )
        )
    return table(("", "CPU µs an entry (min to max)", "entries per CPU second", "entries a second", "peak MiB"), rows)


def stages(found: dict[str, float]) -> str:
    """Return the stages and their sum."""
    whole = sum(found.values())
    rows = [(name, f"{cost:.2f}", f"{cost / whole:.0%}") for name, cost in found.items()]
    return table(("Stage", "CPU µs an entry", "share"), [*rows, ("sum", f"{whole:.2f}", "100%")])


def growth(rows: list[Results]) -> str:
    """Return the cost by size."""
    head = (
        "Entries",
        "CPU µs an entry",
        "entries a second",
        "slices",
        "requests",
        "least",
        "over",
        "over one loop",
        "MiB",
    )
    return table(
        head,
        [
            (
                f"{row['entries']:,}",
                f"{row['cpu_us_per_entry']:.1f}",
                f"{row['entries_per_second']:,.0f}",
                f"{row['slices']:,}",
                f"{row['requests']:,.0f}",
                f"{row['least_requests']:,}",
                f"{row['requests_over_least'] - 1:.1%}",
                f"{row['requests_over_one_loop'] - 1:.1%}",
                f"{row['peak_mib']:.0f}",
            )
            for row in rows
        ],
    )


def pace(found: Results) -> str:
    """Return how busy the allowance was."""
    rows = [
        (
            f"{case['requests_per_minute']} a minute, {_kind(case)}",
            f"{case['latency_ms']} ms",
            " ".join(map(str, case["by_minute"])),
            f"{case['busy']:.1%}",
            str(case["over_limit"]),
            f"{case['peak_mib']:.0f}",
        )
        for case in found["cases"]
    ]
    return table(("Limit", "Latency", "Requests in each minute", "Used", "Over the limit", "MiB"), rows)


def startup(found: Results) -> str:
    """Return the starts."""
    rows = [(name, f"{way['wall_ms']['median']:.0f}", f"{way['cpu_ms']['median']:.0f}") for name, way in found.items()]
    return table(("", "wall ms", "CPU ms"), rows)


def idle(found: Results) -> str:
    """Return a first run and one that finds nothing new."""
    rows = [
        (name, f"{run['queries']:,}", f"{run['new_entries']:,}")
        for name, run in (("first run", found["first_run"]), ("nothing new", found["idle_run"]))
    ]
    return table((f"{found['organizations']} organizations", "audit queries", "new entries"), rows)


def balance(found: list[Results]) -> str:
    """Return what a balance costs."""
    return table(("", "aim", "found"), [(row["what"], row["aim"], row["found"]) for row in found])


def verify(found: list[Results]) -> str:
    """Return what verifying an archive against itself costs."""
    rows = [
        (
            f"{row['entries']:,}",
            f"{row['wall_s']:.1f}",
            f"{row['cpu_s']:.1f}",
            f"{row['entries_per_second']:,.0f}",
            f"{row['peak_mib']:.0f}",
        )
        for row in found
    ]
    return table(("Entries", "wall s", "CPU s", "entries/s", "MiB"), rows)


def reading(found: Results) -> str:
    """Return what it takes to read an archive."""
    rows = []
    for name, way in found["commands"].items():
        wall, most = way["wall_s"], way["target_s"]
        shown = f"{wall['median']:.2f} ({wall['min']:.2f} to {wall['max']:.2f})"
        rows.append((name, shown, f"≤ {most:g}", "yes" if wall["median"] <= most else "**no**"))
    return table(("", "wall s", "target", "met"), rows)


def detect(found: Results) -> str:
    """Return what it takes to run the rules over an archive."""
    rows = [
        (
            f"{row['entries']:,}",
            f"{row['findings']:,}",
            f"{row['wall_s']:.1f}",
            f"{row['cpu_s']:.1f}",
            f"{row['peak_mib']:.0f}",
        )
        for row in found["sizes"]
    ]
    return table(("Entries", "findings", "wall s", "CPU s", "MiB"), rows)


def machine(found: Results) -> str:
    """Return the machine in a sentence."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return (
        f"{found['cores']} cores of {found['processor']}, {found['system']}, Python {found['python']}; {versions}. "
        f"Load average at the start {found['load']:.1f}. {found['when']}."
    )


def everything(results: Results) -> str:
    """Return all tables there are results for, with headings."""
    parts = [f"Machine: {machine(results['machine'])}", "## Targets\n\n" + targets(results)]
    for name, (title, render) in TABLES.items():
        if name in results:
            parts.append(f"## {title}\n\n{render(results[name])}")
    return "\n\n".join(parts)


def _kind(case: Results) -> str:
    return {"clock": "clock minute", "rolling": "rolling minute"}[case["limit_kind"]]


TABLES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "compare": ("The whole way, from socket to durable file", compare),
    "stages": ("Processor time by stage", stages),
    "growth": ("Cost as the work grows", growth),
    "pace": ("Backfill against the limit", pace),
    "idle": ("Nothing new", idle),
    "balance": ("What a balance costs", balance),
    "verify": ("Verifying an archive against itself", verify),
    "startup": ("Starting", startup),
}
#: What commands of their own measure.
OTHERS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "reading": ("Reading an archive", reading),
    "detect": ("Looking for attacks", detect),
    "function": ("Running the function", function),
}
