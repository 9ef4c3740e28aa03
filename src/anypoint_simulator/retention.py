"""For how many days entries are kept, and what is planned (Access Management: Audit Log Retention)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from anypoint_simulator.rhythm import DAY_MS

RETENTION_DAYS = range(30, 2191)
NOTICE = timedelta(days=7)


class Retention:
    """The change that somebody planned, if any."""

    def __init__(self) -> None:
        self._planned: tuple[int, datetime] | None = None

    def plan(self, days: int, now: float) -> None:
        """Change the period at the first midnight that is at least seven days ahead."""
        earliest = datetime.fromtimestamp(now, UTC) + NOTICE + timedelta(milliseconds=DAY_MS - 1)
        self._planned = days, earliest.replace(hour=0, minute=0, second=0, microsecond=0)

    def told(self, present: int, now: float) -> list[dict[str, Any]]:
        """Return what retentionSettings has.

        Args:
            present: days, as long as no change is in force.
            now: epoch seconds.
        """
        listed: list[dict[str, Any]] = [{"retentionPeriod": self.days(present, now), "effectiveFrom": None}]
        if self._planned and self._planned[1].timestamp() > now:
            days, effective = self._planned
            text = effective.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            listed.append({"retentionPeriod": days, "effectiveFrom": text})
        return listed

    def days(self, present: int, now: float) -> int:
        """Return the period in force."""
        return self._planned[0] if self._planned and self._planned[1].timestamp() <= now else present
