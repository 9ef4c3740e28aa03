"""The objects that entries are about: users, applications, queues…, each with a lasting id and a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anypoint_simulator.organizations import Environment, Organization, make_uuid

if TYPE_CHECKING:
    import random

    from anypoint_simulator.people import Cast

WORDS = (
    "orders",
    "invoices",
    "shipping",
    "kunden-stammdaten",
    "inventory",
    "réservations",
    "pricing",
    "ledger",
    "在庫",
    "notifications",
    "crm-sync",
    "partner edi",
)
IN_ENVIRONMENTS = frozenset(
    {"Application", "Queue", "Exchange", "Binding", "Client", "Store", "Server", "Server group", "Cluster"}
    | {"API (in environment)", "API policy", "automated policy", "Alert", "secretGroup", "LoadBalancer", "Schedule"}
)
NAMED_BY_ID = frozenset({"Queue", "Exchange", "Store"})  # their id is their name; they cannot be renamed
NAMED_IN_PAYLOADS = frozenset({"Binding", "Client"})  # whose payload holds the name of its time: no rename either
RENAMED_SHARE = 0.08
POOL = 12


@dataclass(frozen=True, slots=True)
class Thing:
    """One object.

    Attributes:
        renamed_at: milliseconds from which on it is called `later`; 0 if it never is.
    """

    type: str
    id: str
    name: str
    environment: Environment | None = None
    parent: Thing | None = None
    later: str = ""
    renamed_at: int = 0

    def name_at(self, moment: int) -> str:
        """Return what it was called then."""
        return self.later if self.renamed_at and moment >= self.renamed_at else self.name


class Registry:
    """The objects of one organization, made when they are first needed."""

    def __init__(self, rng: random.Random, organization: Organization, cast: Cast, span: tuple[int, int]) -> None:
        self._rng = rng
        self._organization = organization
        self._cast = cast
        self._span = span
        self._pools: dict[tuple[str, str], list[Thing]] = {}

    def pick(self, object_type: str, parent_type: str = "") -> Thing:
        """Return one of the objects of that type."""
        pool = self._pools.setdefault((object_type, parent_type), [])
        if len(pool) < POOL and self._rng.random() < 1 - len(pool) / POOL:
            pool.append(self._make(object_type, parent_type))
        return self._rng.choice(pool)

    def renamed(self) -> dict[str, str]:
        """Return the present names of those that were renamed, by id."""
        return {thing.id: thing.later for pool in self._pools.values() for thing in pool if thing.renamed_at}

    def _make(self, object_type: str, parent_type: str) -> Thing:
        rng = self._rng
        if object_type == "User":
            person = rng.choice(self._cast.people)
            return Thing("User", person.user_id or "", person.user_name or "")
        if object_type == "Connected Application":
            client = rng.choice(self._cast.clients)
            return Thing(object_type, client.client_id or "", client.client_name or "")
        if object_type == "Organization":
            return Thing(object_type, self._organization.id, self._organization.name)
        name = f"{rng.choice(WORDS)}-{object_type.lower().replace(' ', '-')}-{rng.randrange(1000)}"
        return self._renamed(object_type, name, self.pick(parent_type) if parent_type else None)

    def _renamed(self, object_type: str, name: str, parent: Thing | None) -> Thing:
        rng = self._rng
        environment = rng.choice(self._organization.environments) if object_type in IN_ENVIRONMENTS else None
        start, end = self._span
        moment = rng.randrange(start, max(end, start + 1)) if rng.random() < RENAMED_SHARE else 0
        if object_type in NAMED_BY_ID:
            return Thing(object_type, name, name, environment, parent)
        moment = 0 if object_type in NAMED_IN_PAYLOADS else moment
        later = f"{name} (renamed ✓)" if moment else ""
        return Thing(object_type, make_uuid(rng), name, environment, parent, later, moment)
