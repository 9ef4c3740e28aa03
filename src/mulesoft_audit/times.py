"""Times and durations as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 365 * 86400}
_LONGEST = 100 * 366 * 86400
_EARLIEST = 946_684_800_000  #: 2000-01-01: before anything that could be asked for
_PIECE = re.compile(r"(\d{1,6})\s*([smhdwy])\s*")
_DURATION = re.compile(rf"(?:{_PIECE.pattern})+")
_DAYS_AGO = {"today": 0, "yesterday": 1}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TWO = [f"{number:02d}" for number in range(60)]
QUARTER = 900  #: seconds: the clocks of most zones differ from UTC by multiples of it, and are changed at them


def earliest(*moments: int) -> int:
    """Return the earliest of times in Unix milliseconds, of which 0 means that nobody said; 0 if nobody did."""
    return min(filter(None, moments), default=0)


def duration(text: str, what: str) -> int:
    """Return `text`, such as `24h`, `7d` or `1h30m`, in milliseconds; a year (`1y`) has 365 days.

    Raises:
        UsageError: naming `what` it was given for.
    """
    spelt = text.strip().lower()
    if not _DURATION.fullmatch(spelt):
        raise UsageError(f"{what} is {text!r}; expected a duration such as 30s, 90m, 1h30m, 24h, 7d, 2w or 1y.")
    seconds = sum(int(number) * _UNITS[unit] for number, unit in _PIECE.findall(spelt))
    if seconds > _LONGEST:
        raise UsageError(f"{what} is {text!r}, which is longer than anything is kept; expected a century at most.")
    return seconds * 1000


def moment(text: str, now: int, what: str, zone: tzinfo | None = UTC) -> int:
    """Return `text` as Unix milliseconds.

    Args:
        text: ISO 8601, a date (its 00:00), `now`, `today` or `yesterday` (their 00:00), or a duration before `now`.
        now: Unix ms.
        what: it was given for.
        zone: of a date and of a time that name none; None for this machine's.

    Raises:
        UsageError: it is no time.
    """
    stripped = text.strip()
    spelt = stripped.lower()
    if spelt == "now":
        return now
    if spelt in _DAYS_AGO:
        return _midnight(now, zone, _DAYS_AGO[spelt])
    if _DURATION.fullmatch(spelt):
        return _known(now - duration(stripped, what), text, what)
    try:
        parsed = datetime.fromisoformat(stripped)
    except ValueError:
        raise UsageError(
            f"{what} is {text!r}, which is not a time.",
            "Expected a date (2026-01-31), ISO 8601 (2026-01-31T08:00:00Z; without a zone it is "
            f"{'local time' if zone is None else 'UTC'}), how long ago (90m, 24h, 7d, 2w, 1y), or yesterday.",
        ) from None
    try:
        return _known(int(_in_zone(parsed, zone).timestamp() * 1000), text, what)
    except (OverflowError, ValueError):
        raise UsageError(f"{what} is {text!r}, which is out of range.") from None


def _in_zone(parsed: datetime, zone: tzinfo | None) -> datetime:
    if parsed.tzinfo is not None:
        return parsed
    return parsed.astimezone() if zone is None else parsed.replace(tzinfo=zone)


def _midnight(now: int, zone: tzinfo | None, days_ago: int) -> int:
    """Return 00:00 of a day in Unix milliseconds; a day that a change of the clock makes longer counts as one."""
    day = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).date() - timedelta(days=days_ago)
    return int(_in_zone(datetime(day.year, day.month, day.day), zone).timestamp() * 1000)  # noqa: DTZ001 - zone is next


def _known(milliseconds: int, text: str, what: str) -> int:
    if milliseconds < _EARLIEST:
        raise UsageError(f"{what} is {text!r}, which is before there was anything to collect; expected 2000 or later.")
    return milliseconds


def iso(milliseconds: int) -> str:
    """Return Unix milliseconds as ISO 8601 in UTC, with milliseconds and Z."""
    return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def ago(milliseconds: int) -> str:
    """Return a duration in milliseconds for people: `12 s`, `3 min`, `5 h`, `2 d`."""
    seconds = max(0, milliseconds) // 1000
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // unit} {name}"
    return f"{seconds // 86400} d"


class LocalTimes:
    """Times for people, in one zone: quick for times that lie near each other.

    Attributes:
        zone: which; None for this machine's.
    """

    def __init__(self, zone: tzinfo | None = None) -> None:
        self.zone = zone
        self._quarter = lru_cache(256)(partial(_quarter, zone=zone))

    def second(self, milliseconds: int) -> str:
        """Return a Unix time in milliseconds as `2026-11-26 14:03:07 CET`."""
        return next(self.seconds((milliseconds,)))

    def minute(self, milliseconds: int) -> str:
        """Return a Unix time in milliseconds as `2026-11-26 14:03 CET`."""
        text = self.second(milliseconds)
        return f"{text[:16]}{text[19:]}"

    def seconds(self, milliseconds: Iterable[int]) -> Iterator[str]:
        """Yield each time as `second` returns it."""
        start = until = 0
        minutes, name = [""], ""
        for one in milliseconds:
            moment = one // 1000
            if not start <= moment < until:
                start = moment // QUARTER * QUARTER
                until = start + QUARTER
                minutes, name = self._quarter(start)
            second = moment - start
            yield f"{minutes[second // 60]}{_TWO[second % 60]}{name}" if minutes else _by_itself(moment, self.zone)


def _quarter(start: int, zone: tzinfo | None) -> tuple[list[str], str]:
    """Return the minutes of a quarter of an hour, which begins at a Unix second, and the name of the zone then.

    No minutes: the zone's clock is changed within it, or differs from UTC by something else than quarters.
    """
    moment, last = (datetime.fromtimestamp(one, UTC).astimezone(zone) for one in (start, start + QUARTER - 1))
    if moment.minute % 15 or moment.second or moment.utcoffset() != last.utcoffset():
        return [], ""
    hour = moment.isoformat(" ", "hours")[:13]
    minutes = [f"{hour}:{_TWO[moment.minute + minute]}:" for minute in range(QUARTER // 60)]
    return minutes, f" {moment.tzname() or ''}".rstrip()


def _by_itself(second: int, zone: tzinfo | None) -> str:
    """Return a Unix time in seconds as `LocalTimes.second` does."""
    moment = datetime.fromtimestamp(second, UTC).astimezone(zone)
    return f"{moment.isoformat(' ', 'seconds')[:19]} {moment.tzname() or ''}".rstrip()
