"""What goes wrong: drawn by probability from a seed, or scripted request by request."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from anypoint_simulator.behaviour import DRAWN
from anypoint_simulator.wire import HTML, JSON, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from anypoint_simulator.behaviour import Behaviour

PAGE = b"<!DOCTYPE html><html><head><title>Anypoint Platform</title></head><body>%s</body></html>"
BODIES = {
    "json": (JSON, b'{"name":"ServerError","message":"Something went wrong"}'),
    "html": (HTML, PAGE % b"<h1>We are sorry</h1>"),
    "empty": (JSON, b""),
}


class Faults:
    """Chooses and applies faults."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.restart(behaviour)

    def restart(self, behaviour: Behaviour) -> None:
        """Begin anew with these switches: the script, the seed, the count."""
        self._behaviour = behaviour
        self._rng = random.Random(f"faults {behaviour.fault_seed}")
        self._script = list(reversed(behaviour.fault_script))
        self._drawn = 0
        self._shares = [(name, getattr(behaviour, f"fault_{name}")) for name in DRAWN]
        self._any = any(share for _, share in self._shares)

    def follow(self, behaviour: Behaviour) -> None:
        """Take over switches without beginning anew."""
        self._behaviour = behaviour

    def choose(self) -> str:
        """Return the next request's fault, "" for none."""
        if self._script:
            name = self._script.pop()
            return "" if name == "none" else name
        behaviour = self._behaviour
        if not self._any or (behaviour.fault_limit and self._drawn >= behaviour.fault_limit):
            return ""
        for name, share in self._shares:
            if share and self._rng.random() < share:
                self._drawn += 1
                return name
        return ""

    def apply(self, name: str, reply: Reply) -> Reply:
        """Return what becomes of an answer under that fault."""
        if name == "status" or name.isdigit():
            status = int(name) if name.isdigit() else self._rng.choice(self._behaviour.fault_statuses)
            content_type, body = BODIES[self._rng.choice(self._behaviour.fault_bodies)]
            return Reply(status, body, content_type)
        if name in {"slow", "slow_body"}:
            seconds = self._behaviour.slow_seconds
            return replace(reply, delay=seconds) if name == "slow" else replace(reply, drip=seconds)
        return APPLY[name](reply)


def _cut_json(reply: Reply) -> Reply:
    return replace(reply, body=reply.body[: len(reply.body) * 2 // 3])


APPLY: dict[str, Callable[[Reply], Reply]] = {
    "reset": lambda reply: replace(reply, reset="answer"),
    "reset_body": lambda reply: replace(reply, reset="body"),
    "cut": lambda reply: replace(reply, cut=True),
    "cut_json": _cut_json,
    "html": lambda _: Reply(200, PAGE % b"Sign in", HTML),
    "no_data": lambda _: Reply.json({"message": "ok"}),
}
