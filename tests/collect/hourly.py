"""Logs for tests of whole runs, and what an archive of them must be."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from tests.archives import lines
from tests.collect.in_process import DAY, HOUR
from tests.plain_source import PlainSource, entry

if TYPE_CHECKING:
    from pathlib import Path

GROUP = "0b000000-0000-4000-8000-000000000000"
NOON = int(time.time() * 1000) // DAY * DAY - 10 * DAY + 12 * HOUR


def now() -> int:
    """Return the time, Unix ms."""
    return int(time.time() * 1000)


def hourly(source: PlainSource, organization: str, start: int, end: int, seed: int = 1) -> None:
    """Add an entry each hour."""
    rng = random.Random(f"{organization}{start}{seed}")
    for stamp in range(start, end, HOUR):
        source.add(organization, stamp, entry(stamp, rng))


def assert_exact(source: PlainSource, archive: Path) -> None:
    """Fail if the archive does not hold just what the source has."""
    for organization in source.logs:
        assert lines(archive, organization) == source.truth(organization)
