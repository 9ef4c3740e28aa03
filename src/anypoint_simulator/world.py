"""The world a simulated Anypoint tells of: its organizations and the log of each."""

from __future__ import annotations

import itertools
import random
import time
from typing import TYPE_CHECKING, Any

import msgspec

from anypoint_simulator import rhythm, story
from anypoint_simulator.bulk import MOMENT, TRANSACTION, Bulk
from anypoint_simulator.catalogue import KINDS, Kind, find
from anypoint_simulator.entry import Entry, facets_of
from anypoint_simulator.forge import Forge
from anypoint_simulator.log import Log
from anypoint_simulator.organizations import Organization, make_tree, make_uuid
from anypoint_simulator.people import make_cast
from anypoint_simulator.scenario import Scenario
from anypoint_simulator.things import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT_ID = "5f1e2d3c4b5a69788796a5b4c3d2e1f0"
RPA_CHARACTERS = 32_768
TEMPLATES = 512
TEMPLATE_BYTES = 1110
TEMPLATE_MOMENT = int(MOMENT)
# How often: most of a small organization's entries were seen to be logins, most of the rest permissions.
WEIGHTS = {
    ("CoreServices", "Login", ""): 900.0,
    ("CoreServices", "Login", "Token"): 500.0,
    ("CoreServices", "Logout", ""): 120.0,
    ("CoreServices", "Login", "Failure"): 40.0,
    ("CoreServices", "Permissions change", ""): 80.0,
    ("Runtime Manager", "Modify", "Scaling"): 30.0,
    ("Runtime Manager", "Redeploy", ""): 20.0,
}
# What alarms, or should: rare in a log of ordinary days, so that an incident can be told from them.
RARE = 0.02
RARE_TYPES = {"Identity management", "Identity management key", "VPC", "VPN", "LoadBalancer", "Private Space"}
RARE_ACTIONS = {
    *(("User", "Delete"), ("User", "Edit"), ("Organization", "Edit"), ("External Authorization", "Approved")),
    *(("Connected Application", "Create"), ("Connected Application", "Permissions Change"), ("Client", "regenerate")),
    *(("API policy", "Delete"), ("automated policy", "delete"), ("Policy", "Delete"), ("Application", "Clear")),
    *(("Queue", "purge"), ("secretGroup", "Delete"), ("Public portal", "Publish"), ("Entitlement", "Edit")),
    ("Asset Version Group", "Publish to public portal"),
}


def weight(kind: Kind) -> float:
    """Return how often a kind of entry occurs, against one that is neither common nor rare."""
    if kind.types[0] in RARE_TYPES or (kind.types[0], kind.action) in RARE_ACTIONS:
        return RARE
    return WEIGHTS.get((kind.platform, kind.action, kind.subaction), 1.0)


class World:
    """Organizations and their logs, made from a scenario.

    Attributes:
        scenario: the recipe.
        now: epoch seconds its history ends at.
        root: the root organization.
        organizations: the root and every business group, parents first.
        logs: each organization's log, by id.
    """

    def __init__(self, scenario: Scenario | None = None) -> None:
        self.scenario = scenario or Scenario()
        self.now = time.time() if self.scenario.now is None else self.scenario.now
        rng = random.Random(self.scenario.seed)
        self.organizations = make_tree(rng, self.scenario.groups)
        self.root = self.organizations[0]
        self.cast = make_cast(rng, CLIENT_ID)
        self.sequence = itertools.count(1)
        self._days = rhythm.days(int(self.now * 1000), self.scenario.days, self.scenario.days_ahead)
        self._forges = {item.id: self._forge(item) for item in self.organizations}
        self.logs = {item.id: self._log(item) for item in self.organizations}

    def organization(self, name_or_id: str) -> Organization:
        """Return an organization by its name or id."""
        return next(item for item in self.organizations if name_or_id in {item.id, item.name})

    def forge(self, organization_id: str) -> Forge:
        """Return the maker of an organization's entries, for tests and for what happens while it runs."""
        return self._forges[organization_id]

    def below(self, organization_id: str) -> list[Organization]:
        """Return the organization and everything below it."""
        return [item for item in self.organizations if organization_id in {item.id, *item.parents}]

    def _forge(self, organization: Organization) -> Forge:
        rng = random.Random(f"{self.scenario.seed} {organization.id}")
        span = (self._days.start, int(self.now * 1000))
        registry = Registry(rng, organization, self.cast, span)
        return Forge(rng, organization, registry, self.cast, self.scenario, self.sequence)

    def _log(self, organization: Organization) -> Log:
        forge = self._forges[organization.id]
        special = self.organizations[min(1, self.scenario.groups)]
        entries: list[Entry] = []
        if not organization.empty:
            entries += self._history(forge)
        if organization is self.root and self.scenario.incident:
            entries += story.intrusion(forge, self._incident_start)
        if self.scenario.catalogue:
            entries += self._catalogue(forge, special)
        if organization is special:
            entries += self._specials(forge)
        base = self._bulk(forge) if organization is special and self.scenario.bulk else None
        log = Log(filter(None, map(self._timed, entries)), base)
        log.renamed = forge.registry.renamed()
        return log

    @property
    def _incident_start(self) -> int:
        return max(self._days.start, int(self.now * 1000) - 6 * rhythm.HOUR_MS)

    def _timed(self, entry: Entry) -> Entry | None:
        """Leave what has happened as it is; what is to come appears at its time, if the scenario goes that far."""
        if entry.timestamp <= self.now * 1000:
            return entry
        if not self.scenario.days_ahead:
            return None
        when = entry.timestamp / 1000
        return Entry(entry.timestamp, entry.sequence, entry.body, entry.facets, when, when)

    def _history(self, forge: Forge) -> Iterator[Entry]:
        is_root = forge.organization is self.root
        kinds = [kind for kind in KINDS if is_root or not kind.root_only]
        weights = list(itertools.accumulate(map(weight, kinds)))
        for midnight in self._days:
            for moment in rhythm.moments(forge.rng, midnight, self.scenario.entries_per_day):
                yield forge.make(forge.rng.choices(kinds, cum_weights=weights)[0], moment)

    def _specials(self, forge: Forge) -> Iterator[Entry]:
        """Yield what a scenario asks for by number, in the first business group (or the root, if alone)."""
        scenario = self.scenario
        if scenario.incident:
            yield from story.destruction(forge, self._incident_start)
        kind = find("RPA", "Process", "Edit")
        for _ in range(scenario.twins):
            document = forge.document(kind, self._some_moment(forge), forge.actor(kind))
            yield forge.seal(document)
            yield forge.seal(document | ({"id": make_uuid(forge.rng)} if scenario.entry_ids else {}))
        for _ in range(scenario.splits):
            yield from self._split(forge, kind)
        for _ in range(scenario.huge):
            text = f"{forge.rng.getrandbits(scenario.huge_bytes * 4):x}"
            huge = find("Runtime Manager", "Application", "Modify", "Properties")
            yield forge.make(huge, self._some_moment(forge), properties={"definition": text})
        moment = self._some_moment(forge)
        for _ in range(scenario.burst):
            yield forge.make(forge.rng.choice(KINDS), moment)

    def _split(self, forge: Forge, kind: Kind) -> Iterator[Entry]:
        """Yield one change of RPA whose payload is longer than an entry of it may be: parts of one transaction."""
        text = f"{forge.rng.getrandbits(RPA_CHARACTERS * 10):x}"
        parts = range(0, len(text), RPA_CHARACTERS)
        whole = forge.document(kind, self._some_moment(forge), forge.actor(kind))
        for index, start in enumerate(parts):
            part = {"subaction": kind.subaction, "properties": {"definition": text[start : start + RPA_CHARACTERS]}}
            own_id = {"id": make_uuid(forge.rng)} if self.scenario.entry_ids else {}
            yield forge.seal(whole | own_id | {"payload": part, "chunk": {"index": index, "of": len(parts)}})

    def _catalogue(self, forge: Forge, special: Organization) -> Iterator[Entry]:
        """Yield one entry of every kind: those only the root has there, the others in the given group."""
        for kind in KINDS:
            if forge.organization is (self.root if kind.root_only else special):
                yield forge.make(kind, self._some_moment(forge))

    def _some_moment(self, forge: Forge) -> int:
        return forge.rng.randrange(self._days.start, max(self._days.start + 1, int(self.now * 1000)))

    def _bulk(self, forge: Forge) -> Bulk:
        templates = [self._template(forge, forge.rng.choice(KINDS)) for _ in range(TEMPLATES)]
        midnight = int(self.now * 1000) // rhythm.DAY_MS * rhythm.DAY_MS - rhythm.DAY_MS
        first = next(self.sequence)
        self.sequence = itertools.count(first + self.scenario.bulk)
        for other in self._forges.values():
            other.sequence = self.sequence
        return Bulk(templates, midnight, self.scenario.bulk, first)

    def _template(self, forge: Forge, kind: Kind) -> tuple[bytes, Any]:
        """Return an ordinary entry of the common size, to be repeated with other moments and transactions."""
        document = forge.document(kind, TEMPLATE_MOMENT // 2, forge.actor(kind), transaction=TRANSACTION.decode())
        missing = TEMPLATE_BYTES - len(msgspec.json.encode(document))
        if missing < -TEMPLATE_BYTES // 4:
            return self._template(forge, forge.rng.choice(KINDS))
        if missing > 0:
            document["payload"] = {**document["payload"], "note": f"{forge.rng.getrandbits(missing * 4):x}"}
        document["timestamp"] = TEMPLATE_MOMENT
        document.pop("id", None)  # it would be the same in every entry of this template
        return msgspec.json.encode(document), facets_of(document)
