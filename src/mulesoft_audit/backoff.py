"""How long to wait before a request that failed is sent again: longer each time, and never all at the same moment."""

from __future__ import annotations

FIRST = 0.4  #: seconds before the second try, at most
LONGEST = 15.0  #: seconds before any try


def backoff(failures: int, chance: float, *, first: float = FIRST, longest: float = LONGEST) -> float:
    """Return the seconds to wait after so many failures in a row: twice as long each time, up to `longest`.

    Args:
        failures: how often it failed so far, from 1.
        chance: a random number from 0 up to 1, so that many clients do not come back all at once: it takes away up to
            half of the wait.
        first: seconds after the first failure, at most.
        longest: seconds after any failure, at most.
    """
    doublings = min(max(failures, 1) - 1, 60)
    return min(longest, first * 2.0**doublings) * (1.0 - chance / 2)
