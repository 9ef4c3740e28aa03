"""What the simulator has seen: so that a test or a benchmark can say what a client did to it."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any


class Counters:
    """Requests by endpoint and status, pages, and the densest minute.

    Attributes:
        requests: by `(endpoint, status)`; a connection reset before its answer has status 0.
        over_limit: audit requests answered 503 by the limiter.
        pages: query answers that had entries.
        entries: entries in those.
        ends: query answers without entries to a client that pages by cursor: each ends a window.
        by_offset: query answers to a client that does not page by cursor, as one that only wants the total.
        faults: by name.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.faults: Counter[str] = Counter()
        self.over_limit = 0
        self.pages = 0
        self.entries = 0
        self.ends = 0
        self.by_offset = 0
        self.tokens_issued = 0
        self.active_tokens = 0
        self.max_in_a_minute = 0
        self._recent: deque[float] = deque()

    def audit_request(self, now: float, minute: float) -> None:
        """Note one request to the audit service for the densest minute."""
        recent = self._recent
        recent.append(now)
        while recent[0] <= now - minute:
            recent.popleft()
        self.max_in_a_minute = max(self.max_in_a_minute, len(recent))

    def total(self, endpoint: str, status: int | None = None) -> int:
        """Return how many requests an endpoint had, or how many of one status."""
        return sum(n for (name, code), n in self.requests.items() if name == endpoint and status in (None, code))

    def as_dict(self) -> dict[str, Any]:
        """Return everything for JSON."""
        requests: dict[str, dict[str, int]] = {}
        for (endpoint, status), number in sorted(self.requests.items()):
            requests.setdefault(endpoint, {})[str(status)] = number
        seen = ("over_limit", "pages", "entries", "ends", "by_offset")
        names = (*seen, "tokens_issued", "active_tokens", "max_in_a_minute")
        return {"requests": requests, "faults": dict(self.faults)} | {name: getattr(self, name) for name in names}
