"""How long the program takes before it does anything."""

from __future__ import annotations

from typing import Any

from benchmarks.compare import spread
from benchmarks.measured import python, run

PROGRAMS = {
    "--help": ("-m", "mulesoft_audit", "--help"),
    "collect --help": ("-m", "mulesoft_audit", "collect", "--help"),
    "import of the function": ("-c", "import mulesoft_audit.cloud.function"),
    "python alone": ("-c", "pass"),
}


def measure(rounds: int) -> dict[str, Any]:
    """Return wall and processor milliseconds of each, in turn."""
    for program in PROGRAMS.values():
        run(python(*program))
    usages = [{name: run(python(*program)) for name, program in PROGRAMS.items()} for _ in range(rounds)]
    return {
        name: {
            "wall_ms": spread([usage[name].wall * 1000 for usage in usages]),
            "cpu_ms": spread([usage[name].cpu * 1000 for usage in usages]),
        }
        for name in PROGRAMS
    }
