"""Everything a running simulator knows, shared by its endpoints."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from anypoint_simulator.catalogue import find
from anypoint_simulator.counters import Counters
from anypoint_simulator.entry import Entry, read_entry
from anypoint_simulator.faults import Faults
from anypoint_simulator.limiter import Limiter
from anypoint_simulator.log import Log, delayed, merged
from anypoint_simulator.paging import Matches
from anypoint_simulator.refusal import RefusedError
from anypoint_simulator.things import Thing
from anypoint_simulator.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anypoint_simulator.behaviour import Behaviour
    from anypoint_simulator.organizations import Organization
    from anypoint_simulator.world import World

TOKEN = find("CoreServices", "Connected Application", "Login", "Token")


@dataclass(slots=True)
class State:
    """A world, how it behaves, and what happened to it since it was started."""

    world: World
    behaviour: Behaviour
    clock: Callable[[], float]
    client_id: str
    client_secret: str
    counters: Counters = field(default_factory=Counters)
    limiter: Limiter = field(default_factory=Limiter)
    accounts_limiter: Limiter = field(default_factory=Limiter)
    matches: Matches = field(default_factory=Matches)
    tokens: Tokens = field(init=False)
    faults: Faults = field(init=False)
    retention: list[dict[str, Any]] = field(default_factory=lambda: [{"retentionPeriod": 365, "effectiveFrom": None}])
    _rolled_up: dict[str, tuple[tuple[int, ...], Log]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.world.scenario.seed)
        self.faults = Faults(self.behaviour)
        if self.behaviour.late_share:
            for log in self.world.logs.values():
                log.hold_back(self.behaviour.late_share, self.behaviour.late_seconds, self.now())

    def now(self) -> float:
        """Return the simulator's epoch seconds."""
        return self.clock() + self.behaviour.clock_offset_seconds

    def change(self, changes: dict[str, Any]) -> Behaviour:
        """Change switches; faults begin anew if any of theirs is among them.

        Raises:
            msgspec.ValidationError: a switch is unknown or its value is not allowed.
        """
        self.behaviour = self.behaviour.changed(changes)
        if any(name.startswith("fault") for name in changes):
            self.faults.restart(self.behaviour)
        else:
            self.faults.follow(self.behaviour)
        return self.behaviour

    def organization(self, organization_id: str) -> Organization:
        """Return an organization.

        Raises:
            RefusedError: 404, there is none.
        """
        for organization in self.world.organizations:
            if organization.id == organization_id:
                return organization
        raise RefusedError(404, "Organization not found")

    def log(self, organization_id: str) -> Log:
        """Return the log that queries of an organization see, everything due visible."""
        if not self.behaviour.roll_up:
            return self._own(organization_id)
        logs = [self._own(below.id) for below in self.world.below(organization_id)]
        if any(log.base for log in logs):
            raise RefusedError(400, "the simulator does not roll up a bulk world")
        versions = tuple(log.version for log in logs)
        known, log = self._rolled_up.get(organization_id, ((), Log()))
        if known != versions:
            log = merged(logs)
            self._rolled_up[organization_id] = versions, log
        return log

    def _own(self, organization_id: str) -> Log:
        log = self.world.logs[organization_id]
        log.reveal(self.now())
        return log

    def issue_token(self) -> str:
        """Issue a token and, as the platform does, write that into the root's log.

        Raises:
            TokenCapError: there are too many.
        """
        behaviour, now = self.behaviour, self.now()
        evict = behaviour.over_cap == "evict"
        token = self.tokens.issue(now, behaviour.token_seconds, behaviour.token_cap, evict=evict)
        if behaviour.token_entries:
            root = self.world.root
            app = replace(self.world.cast.clients[-1], client_id=self.client_id)
            thing = Thing("Connected Application", self.client_id, app.client_name or "")
            entry = self.world.forge(root.id).make(TOKEN, int(now * 1000), actor=app, things=(thing,))
            self._append(root.id, [entry])
        return token

    def add_entries(self, organization_id: str, bodies: Iterable[bytes], visible_after: float | None) -> list[Entry]:
        """Add entries, kept byte for byte.

        Args:
            organization_id: whose they are.
            bodies: each a JSON object with a `timestamp`.
            visible_after: seconds from now until queries find them; None: as the lateness switches say.

        Raises:
            ValueError: one is not an entry.
        """
        entries = []
        for body in bodies:
            timestamp, facets = read_entry(body)
            visible_at = self.now() + visible_after if visible_after else 0.0
            entries.append(Entry(timestamp, next(self.world.sequence), body, facets, 0.0, visible_at))
        self._append(organization_id, entries, late=visible_after is None)
        return entries

    def _append(self, organization_id: str, entries: list[Entry], *, late: bool = True) -> None:
        behaviour = self.behaviour
        if late and behaviour.late_share:
            now = self.now()
            entries = [delayed(entry, behaviour.late_share, behaviour.late_seconds, now) for entry in entries]
        self.world.logs[organization_id].extend(entries)

    def counted(self) -> Counters:
        """Return the counters, brought up to date."""
        self.counters.tokens_issued = self.tokens.issued
        self.counters.active_tokens = self.tokens.active(self.now())
        return self.counters
