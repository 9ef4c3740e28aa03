"""What the source counted during a run, and how many of these entries no reading brought."""

from __future__ import annotations


class CountedTotals:
    """The totals of one organization in one run, each beside what the archive made expect."""

    def __init__(self) -> None:
        self._last: tuple[int | None, int] | None = None
        self._owed: dict[int, int] = {}
        self.repeated = False  #: whether the last total and what was expected are those of the time before

    def note(self, floor: int, total: int | None, *, before: int, expected: int, arrived: int) -> None:
        """Note a total.

        Args:
            floor: from when on it was asked, Unix ms.
            total: what the source counts; None if it does not say.
            before: what was expected before the page that came with it was committed.
            expected: what is expected now.
            arrived: entries that the last reading brought and no page showed before. They arrived after the total
                before, in the time that its page showed whole: so it had not counted them.
        """
        brought = before - self._last[1] - arrived if self._last else 0
        left = self._owed.get(floor, 0) - max(0, brought)
        self._owed[floor] = max(0, left, (total or 0) - expected)
        self.repeated = self._last == (total, expected)
        self._last = (total, expected)

    def owed(self, floor: int) -> int:
        """Return how many entries were counted from `floor` on, at any time of the run, and never brought since."""
        return self._owed[floor]
