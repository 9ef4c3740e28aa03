"""Times and durations as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from mulesoft_audit.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LONGEST = 100 * 366 * 86400
_EARLIEST = 946_684_800_000  #: 2000-01-01: before anything that could be asked for
_PIECE = re.compile(r"(\d{1,6})\s*([smhdw])\s*")
_DURATION = re.compile(rf"(?:{_PIECE.pattern})+")


def earliest(*moments: int) -> int:
    """Return the earliest of times in Unix milliseconds, of which 0 means that nobody said; 0 if nobody did."""
    return min(filter(None, moments), default=0)


def duration(text: str, what: str) -> int:
    """Return `text`, such as `24h`, `7d` or `1h30m`, in milliseconds.

    Raises:
        UsageError: naming `what` it was given for.
    """
    spelt = text.strip().lower()
    if not _DURATION.fullmatch(spelt):
        raise UsageError(f"{what} is {text!r}; expected a duration such as 30s, 90m, 1h30m, 24h, 7d or 2w.")
    seconds = sum(int(number) * _UNITS[unit] for number, unit in _PIECE.findall(spelt))
    if seconds > _LONGEST:
        raise UsageError(f"{what} is {text!r}, which is longer than anything is kept; expected a century at most.")
    return seconds * 1000


def moment(text: str, now: int, what: str) -> int:
    """Return `text` as Unix milliseconds: ISO 8601, a date (00:00 UTC), or a duration before `now`.

    Raises:
        UsageError: naming `what` it was given for.
    """
    stripped = text.strip()
    if _DURATION.fullmatch(stripped.lower()):
        return _known(now - duration(stripped, what), text, what)
    try:
        parsed = datetime.fromisoformat(stripped)
    except ValueError:
        raise UsageError(
            f"{what} is {text!r}, which is not a time.",
            "Expected a date (2026-01-31), ISO 8601 (2026-01-31T08:00:00Z; without a zone it is UTC), "
            "or how long ago (90m, 24h, 7d).",
        ) from None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    try:
        return _known(int(parsed.timestamp() * 1000), text, what)
    except (OverflowError, ValueError):
        raise UsageError(f"{what} is {text!r}, which is out of range.") from None


def _known(milliseconds: int, text: str, what: str) -> int:
    if milliseconds < _EARLIEST:
        raise UsageError(f"{what} is {text!r}, which is before there was anything to collect; expected 2000 or later.")
    return milliseconds


def ago(milliseconds: int) -> str:
    """Return a duration in milliseconds for people: `12 s`, `3 min`, `5 h`, `2 d`."""
    seconds = max(0, milliseconds) // 1000
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // unit} {name}"
    return f"{seconds // 86400} d"
