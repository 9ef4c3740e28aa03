"""How many requests a minute: the clock's minutes as documented, or rolling ones."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the limiter says of one request.

    Attributes:
        allowed: whether it may pass.
        remaining: requests left until `reset`.
        reset: epoch seconds when the allowance is whole again (rolling: when one more is allowed).
    """

    allowed: bool
    remaining: int
    reset: float


class ClockLimiter:
    """Requests of each address in the minute of the clock; over the limit nothing passes until it ends."""

    def __init__(self) -> None:
        self._window = -1
        self._used: dict[str, int] = {}
        self._spent = 0

    def ask(self, ip: str, now: float, limit: int, minute: float) -> Verdict:
        """Count one request of that address."""
        self._turn(now, minute)
        self._used[ip] = self._used.get(ip, 0) + 1
        remaining = limit - self._used[ip] - self._spent
        return Verdict(remaining >= 0, max(0, remaining), (self._window + 1) * minute)

    def spend(self, requests: int, now: float, minute: float) -> None:
        """Take that many off this minute's allowance of every address: somebody else behind the same one."""
        self._turn(now, minute)
        self._spent += requests

    def _turn(self, now: float, minute: float) -> None:
        window = int(now // minute)
        if window != self._window:
            self._window, self._used, self._spent = window, {}, 0


class RollingLimiter:
    """Requests that passed in the last minute."""

    def __init__(self) -> None:
        self._passed: dict[str, deque[float]] = {}
        self._spent: deque[float] = deque()

    def ask(self, ip: str, now: float, limit: int, minute: float) -> Verdict:
        """Let one request of that address pass if fewer than `limit` did in the last minute."""
        passed = self._passed.setdefault(ip, deque())
        for times in (passed, self._spent):
            while times and times[0] <= now - minute:
                times.popleft()
        remaining = limit - len(passed) - len(self._spent)
        if remaining > 0:
            passed.append(now)
            return Verdict(True, remaining - 1, now + minute)
        oldest = min((times[0] for times in (passed, self._spent) if times), default=now)
        return Verdict(False, 0, oldest + minute)

    def spend(self, requests: int, now: float, minute: float) -> None:
        """Take that many off the allowance of every address for the next minute."""
        self._spent.extend([now] * requests)


class Limiter:
    """Both kinds under one roof, so that the kind can be switched while it runs."""

    def __init__(self) -> None:
        self._kinds: dict[str, ClockLimiter | RollingLimiter] = {"clock": ClockLimiter(), "rolling": RollingLimiter()}

    def ask(self, kind: str, ip: str, now: float, limit: int, minute: float) -> Verdict:
        """Ask the limiter of that kind."""
        return self._kinds[kind].ask(ip, now, limit, minute)

    def spend(self, requests: int, now: float, minute: float) -> None:
        """Spend from both kinds."""
        for limiter in self._kinds.values():
            limiter.spend(requests, now, minute)
