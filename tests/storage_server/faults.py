"""Requests that fail on demand: which, how often, how."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

#: What a fault can do, as the first word of `how`. Those marked with a number take one after a colon.
VERBS = {
    "refuse": "cut the connection before a request is read from it; method and name do not matter",
    "status": "status:N, answer N and do nothing",
    "status-after-commit": "status-after-commit:N, do it, then answer N",
    "delay": "delay:S, wait S seconds, then do it and answer",
    "stall": "stall:S, wait S seconds, then cut the connection; nothing is done",
    "reset-before-commit": "cut the connection when the request was read; nothing is done",
    "reset-after-commit": "do it, then cut the connection instead of answering",
    "cut-body": "answer with headers that promise the whole body, send half of it, cut the connection",
    "corrupt-body": "answer with one bit of the body changed",
    "html": "answer 200 with a page that is not the API's, as a proxy would; nothing is done",
}
_NUMBERED = ("status", "status-after-commit", "delay", "stall")

How = str | Callable[[str], object]


@dataclass
class Fault:
    """One planned failure.

    Attributes:
        how: a verb of `VERBS`, or (as a library) a callable that gets the object's name, runs before the
            request is carried out, and then lets it go on: a rival who writes at the worst moment.
        method: glob over the kinds of requests, as `StorageServer.counts` names them.
        name_glob: glob over object names (for a list: over its prefix); `*` matches `/` too.
        times: how many requests it hits; None is every one.
        after: how many matching requests pass unharmed first.
        hits: how many it has hit.
    """

    how: How
    method: str = "*"
    name_glob: str = "*"
    times: int | None = 1
    after: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if callable(self.how):
            return
        if self.verb not in VERBS or (self.verb in _NUMBERED) != (":" in self.how):
            raise ValueError(f"{self.how!r} is none of: " + "; ".join(VERBS.values()))
        if self.verb in _NUMBERED:
            float(self.how.partition(":")[2])

    @property
    def verb(self) -> str:
        """The first word of `how`."""
        return "call" if callable(self.how) else self.how.partition(":")[0]

    @property
    def number(self) -> float:
        """What follows its colon."""
        return 0.0 if callable(self.how) else float(self.how.partition(":")[2])

    def matches(self, kind: str, name: str) -> bool:
        """Whether a request of that kind, for that name, is meant."""
        return fnmatchcase(kind, self.method) and fnmatchcase(name, self.name_glob)

    def resource(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return asdict(self) | {"how": self.how if isinstance(self.how, str) else "call"}


class FaultPlan:
    """The planned failures, in the order they were planned. A request meets at most one of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Plan one more."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Drop them all."""
        with self._lock:
            self._faults.clear()

    def all(self) -> list[Fault]:
        """The plan, spent ones included."""
        with self._lock:
            return list(self._faults)

    def take(self, kind: str, name: str) -> Fault | None:
        """The fault this request meets, counted as a hit."""
        with self._lock:
            candidates = [f for f in self._faults if f.verb != "refuse" and f.matches(kind, name)]
            return next((fault for fault in candidates if _hit(fault)), None)

    def refuses(self) -> bool:
        """Whether the connection at hand is to be cut before anything is read."""
        with self._lock:
            return any(_hit(fault) for fault in self._faults if fault.verb == "refuse")


def _hit(fault: Fault) -> bool:
    if fault.times is not None and fault.hits >= fault.times:
        return False
    if fault.after > 0:
        fault.after -= 1
        return False
    fault.hits += 1
    return True
