"""When things happen: office hours, quiet nights, quieter weekends."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
HOURS = (2, 2, 1, 1, 1, 3, 6, 12, 22, 26, 25, 22, 18, 23, 25, 24, 20, 15, 9, 6, 5, 4, 3, 2)
CUMULATIVE = tuple(itertools.accumulate(HOURS))
WEEKEND = 0.25


def days(now_ms: int, back: int, ahead: int) -> range:
    """Return the midnights (UTC, milliseconds) of the days a world covers, today the last of `back`."""
    today = now_ms - now_ms % DAY_MS
    return range(today - (back - 1) * DAY_MS, today + (ahead + 1) * DAY_MS, DAY_MS)


def moments(rng: random.Random, midnight: int, entries_per_day: int) -> Iterator[int]:
    """Draw the moments of one organization's day, in order; about as many as asked for on a weekday."""
    weekday = datetime.fromtimestamp(midnight / 1000, UTC).weekday()
    count = round(entries_per_day * (WEEKEND if weekday >= 5 else 1) * rng.uniform(0.9, 1.1))
    hours = rng.choices(range(24), cum_weights=CUMULATIVE, k=count)
    return iter(sorted(midnight + hour * HOUR_MS + rng.randrange(HOUR_MS) for hour in hours))
