"""What a run costs that finds nothing new, an organization."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from typing import Any

from benchmarks.measured import python, run
from benchmarks.simulation import served


def measure(groups: int) -> dict[str, Any]:
    """Collect a small company twice and once more; return the audit queries of the last run, an organization."""
    with served("--groups", str(groups), "--no-token-entries") as about, tempfile.TemporaryDirectory() as folder:
        environment = {
            "ANYPOINT_BASE_URL": about["url"],
            "CLIENT_ID": about["client_id"],
            "CLIENT_SECRET": about["client_secret"],
        }
        counts: list[tuple[int, int]] = []
        for _ in range(3):
            before = _queries(about["url"])
            flags = ("--since", "3d") if not counts else ()
            program = python("-m", "mulesoft_audit", "collect", "--json", "--archive", folder, *flags)
            summary = json.loads(run(program, environment).output)
            counts.append((_queries(about["url"]) - before, summary["new_entries"]))
    organizations = len(about["organizations"])
    (first, found), (_, _), (last, new) = counts
    return {
        "organizations": organizations,
        "first_run": {"queries": first, "new_entries": found},
        "idle_run": {"queries": last, "new_entries": new, "queries_per_organization": last / organizations},
    }


def _queries(url: str) -> int:
    with urllib.request.urlopen(url + "/simulator/counters") as answer:
        return sum(json.load(answer)["requests"].get("query", {}).values())
