"""How old is too old: from the schedule, as the module's alerts have it (terraform/schedule.tf, alerts.tf)."""

from __future__ import annotations

import re

DAILY = "0 2 * * *"  #: the module's default
_PART = re.compile(r"(\*|(?P<first>\d+)(-(?P<last>\d+))?)(/(?P<step>[1-9]\d*))?")
_LAST = (59, 23)  #: of a minute, of an hour
DAY = 24 * 60


def interval_minutes(schedule: str) -> int | None:
    """Return the longest time between two runs; None for a schedule that cannot be read, or that rests on some days."""
    fields = schedule.split()
    if len(fields) != 5 or fields[2:] != ["*", "*", "*"]:
        return None
    minutes, hours = (_numbers(field, last) for field, last in zip(fields, _LAST, strict=False))
    starts = sorted(60 * hour + minute for hour in hours for minute in minutes)
    if not starts:
        return None
    return max(later - start for start, later in zip(starts, [*starts[1:], starts[0] + DAY], strict=True))


def _numbers(field: str, last: int) -> set[int]:
    """Return the numbers that a field of cron stands for; none if it is malformed."""
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.fullmatch(part)
        if not match:
            return set()
        first = int(match["first"] or 0)
        # "5/15" goes on to the end, "5" does not, "5-20" says where it ends.
        end = int(match["last"]) if match["last"] else first if match["first"] and not match["step"] else last
        found.update(range(first, end + 1, int(match["step"] or 1)))
    return found if max(found, default=last + 1) <= last else set()


def silence_minutes(interval: int) -> int:
    """Return how many minutes after the last success a collector that runs every `interval` minutes is silent.

    As much as the interval again, but half an hour at least, for the retries, and two hours at most.
    """
    return max(interval, 10) + min(max(interval, 30), 120)


DAILY_SILENCE = silence_minutes(DAY) * 60_000  #: of a daily schedule, in milliseconds: 26 h
