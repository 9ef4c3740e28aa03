"""What a balance costs: requests and operations of the bucket where little or nothing is new, and one late entry.

Every target is a row: what it is, the aim, what was found, and whether that is met.
"""

from __future__ import annotations

import json
import tempfile
import time
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING, Any

from benchmarks.compare import collector
from benchmarks.function import BUCKET, storage
from benchmarks.measured import cores, python, run
from benchmarks.simulation import served, simulated

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 200
NEW = 150  #: entries an organization that come before the run that has a little to do
DAY_ENTRIES, DAY_LATENCY_MS = 20_000, 150
MINUTE_FACTOR = 10.0
READS, WRITES, LISTS = ("get", "read", "download", "media"), ("insert", "upload", "patch", "rewrite"), ("list",)


def measure(*, year_of: int) -> list[dict[str, Any]]:
    """Return a row for each target; `year_of`: entries a day of the year that has one late entry."""
    rows = [*_idle(20), *_late(year_of), *_day(), _seen(100, 40)]
    return [dict(zip(("what", "aim", "found", "met"), row, strict=True)) for row in rows]


def _idle(groups: int) -> Iterator[tuple[str, str, str, bool]]:
    switches = ("--groups", str(groups), "--entries-per-day", "60", "--no-token-entries")
    with served(*switches) as about, storage() as bucket:
        environment = {**_environment(about), "STORAGE_EMULATOR_HOST": bucket}
        for flags in (("--since", "3d"), (), ()):
            _collect(environment, f"gs://{BUCKET}", *flags)
        names = [one["id"] for one in about["organizations"]]
        before, stored = _requests(about), _operations(bucket)
        _collect(environment, f"gs://{BUCKET}")
        queries, others = _since(before, _requests(about))
        operations = _operations(bucket) - stored
        yield _row("Requests of an idle run, an organization", "≤ 1.0", queries / len(names), 1.0)
        yield _row("Other requests of an idle run", "≤ 6", others, 6)
        reads = operations["reads"]
        yield (
            "Reads of the bucket, idle",
            f"≤ 2 x {len(names)} + 4",
            f"{reads} for {len(names)}",
            reads <= 2 * len(names) + 4,
        )
        yield _row("Writes to the bucket, idle", "≤ 4", operations["writes"], 4)
        yield _row("Lists of the bucket, idle", "≤ 4", operations["lists"], 4)
        for name in names:
            _add(about, name, [int(time.time() * 1000) - 30_000 + 100 * number for number in range(NEW)])
        before = _requests(about)
        found = _collect(environment, f"gs://{BUCKET}")["new_entries"]
        if found != NEW * len(names):
            raise AssertionError(f"{found} new entries of {NEW * len(names)}")
        queries, _ = _since(before, _requests(about))
        yield _row(f"Requests where {NEW} entries are new, an organization", "≤ 1.1", queries / len(names), 1.1)


def _late(a_day: int) -> Iterator[tuple[str, str, str, bool]]:
    """One entry, 200 days old, becomes visible in a year that was collected."""
    content = ("--no-catalogue", "--no-incident", "--huge", "0", "--no-token-entries", "--groups", "1")
    with (
        served(*content, "--days", "365", "--entries-per-day", str(a_day)) as about,
        tempfile.TemporaryDirectory() as folder,
    ):
        flags = ("--org", about["organizations"][0]["id"])
        _collect(_environment(about), folder, *flags, "--since", "366d")
        _collect(_environment(about), folder, *flags)
        _add(about, flags[1], [int(time.time() * 1000) - 200 * 86_400_000])
        before = _requests(about)
        found = _collect(_environment(about), folder, *flags)["new_entries"]
        if found != 1:
            raise AssertionError(f"{found} late entries of 1")
        queries, others = _since(before, _requests(about))
        yield _row(f"Requests for one late entry in a year of {a_day:,} a day", "≤ 20", queries + others, 20)


def _day() -> Iterator[tuple[str, str, str, bool]]:
    """A day of many entries, each page some way off."""
    with simulated(DAY_ENTRIES, "--latency-ms", str(DAY_LATENCY_MS)) as source:
        before = _requests(source.about)
        with tempfile.TemporaryDirectory() as folder:
            usage = collector(source, folder, None)
        more = sum(_since(before, _requests(source.about))) - DAY_ENTRIES // PAGE
    if json.loads(usage.output)["new_entries"] != DAY_ENTRIES:
        raise AssertionError(usage.output)
    what = f"A day of {DAY_ENTRIES:,} at {DAY_LATENCY_MS} ms a page"
    yield what, "≤ 5 s", f"{usage.wall:.1f} s", usage.wall <= 5
    yield _row(f"{what}: requests more than pages", "≤ 12", more, 12)


def _seen(groups: int, per_minute: int) -> tuple[str, str, str, bool]:
    """Collect every minute from more groups than the allowance has requests, with the minute made shorter."""
    switches = {
        "--groups": groups - 1,
        "--entries-per-day": 20,
        "--requests-per-minute": per_minute,
        "--minute-seconds": 60 / MINUTE_FACTOR,
    }
    words = (str(word) for pair in switches.items() for word in pair)
    content = ("--no-catalogue", "--no-incident", "--huge", "0", "--no-token-entries")
    with served(*words, *content) as about:
        program = python("-m", "benchmarks.watched", str(MINUTE_FACTOR), str(per_minute))
        longest = json.loads(run(program, _environment(about), cores()[0]).output)["longest_seconds"]
    what = f"{groups} groups at {per_minute} requests a minute, each seen again"
    return what, "< 180 s", f"{longest:.0f} s", longest < 180


def _row(what: str, aim: str, found: float, limit: float) -> tuple[str, str, str, bool]:
    return what, aim, f"{found:.2f}".rstrip("0").rstrip("."), found <= limit


def _collect(environment: dict[str, str], archive: str, *flags: str) -> dict[str, Any]:
    program = python("-m", "mulesoft_audit", "collect", "--json", "--archive", archive, *flags)
    return dict(json.loads(run(program, environment).output))


def _environment(about: dict[str, Any]) -> dict[str, str]:
    return {
        "ANYPOINT_BASE_URL": about["url"],
        "CLIENT_ID": about["client_id"],
        "CLIENT_SECRET": about["client_secret"],
        "REQUESTS_PER_MINUTE": "100000",
    }


def _requests(about: dict[str, Any]) -> Counter[str]:
    """Return how many requests the source had, by endpoint."""
    with urllib.request.urlopen(about["url"] + "/simulator/counters") as response:
        by_endpoint = json.load(response)["requests"]
    return Counter({name: sum(by_status.values()) for name, by_status in by_endpoint.items()})


def _since(before: Counter[str], after: Counter[str]) -> tuple[int, int]:
    """Return how many audit queries there were since `before`, and how many other requests."""
    new = after - before
    return new["query"], sum(count for name, count in new.items() if name != "query")


def _operations(bucket: str) -> Counter[str]:
    """Return the bucket's operations: reads, writes and lists."""
    with urllib.request.urlopen(bucket + "/faults/counters") as response:
        counts: dict[str, int] = json.load(response)
    found: Counter[str] = Counter()
    for name, count in counts.items():
        kind = "lists" if name in LISTS else "writes" if name in WRITES else "reads" if name in READS else "others"
        found[kind] += count
    return found


def _add(about: dict[str, Any], organization: str, times: list[int]) -> None:
    """Add an entry at each of these times (Unix ms), visible at once."""
    entries = [
        {"timestamp": moment, "platform": "CoreServices", "action": "Login", "userName": f"{organization} {moment}"}
        for moment in times
    ]
    body = json.dumps({"organizationId": organization, "entries": entries}).encode()
    request = urllib.request.Request(about["url"] + "/simulator/entries", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request).close()
