"""Making entries: from a kind, a moment and an actor to the bytes a product would have written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from anypoint_simulator.entry import Entry, facets_of
from anypoint_simulator.odd import VARIANTS, encode_odd
from anypoint_simulator.organizations import make_uuid
from anypoint_simulator.payloads import Scene, payload_of
from anypoint_simulator.things import Thing

if TYPE_CHECKING:
    import itertools
    import random

    from anypoint_simulator.catalogue import Kind
    from anypoint_simulator.organizations import Organization
    from anypoint_simulator.people import Actor, Cast
    from anypoint_simulator.scenario import Scenario
    from anypoint_simulator.things import Registry

OTHER_CASING = 0.02
# Fields that are documented nowhere, as single products are known to add them.
EXTRA_FIELDS: dict[str, dict[str, Any]] = {
    "RPA": {"correlationId": "rpa", "chunk": {"index": 0, "of": 1}},
    "exchange": {"source": "exchange-xapi", "schemaVersion": 2},
    "Secrets Manager": {"objectCount": 1, "tags": []},
}


@dataclass(slots=True)
class Forge:
    """Makes one organization's entries.

    Attributes:
        sequence: shared by all organizations of a world, so that a roll-up has one order.
    """

    rng: random.Random
    organization: Organization
    registry: Registry
    cast: Cast
    scenario: Scenario
    sequence: itertools.count[int]

    def make(
        self,
        kind: Kind,
        moment: int,
        *,
        actor: Actor | None = None,
        things: tuple[Thing, ...] = (),
        properties: dict[str, Any] | None = None,
    ) -> Entry:
        """Return an entry of this kind, with what is not given chosen."""
        actor = actor or self.actor(kind)
        things = things or self.things(kind, actor)
        return self.seal(self.document(kind, moment, actor, things=things, properties=properties))

    def seal(self, document: dict[str, Any]) -> Entry:
        """Encode a document, now and then in an unusual way, and give it its place in the order."""
        odd = self.rng.random() < self.scenario.odd_json
        body = encode_odd(document, self.rng.randrange(VARIANTS)) if odd else msgspec.json.encode(document)
        return Entry(document["timestamp"], next(self.sequence), body, facets_of(document))

    def actor(self, kind: Kind) -> Actor:
        """Choose who did it: staff for what the platform does itself, apps for tokens, people mostly."""
        rng, cast = self.rng, self.cast
        if kind.subaction in {"Scaling", "Runtime update"} or kind.types[0] == "Entitlement":
            return rng.choice(cast.staff)
        if kind.subaction == "Token" or (rng.random() < 0.15 and kind.action not in {"Login", "Logout"}):
            return rng.choice(cast.clients)
        return rng.choice(cast.people)

    def things(self, kind: Kind, actor: Actor) -> tuple[Thing, ...]:
        """Choose what it was done to: a log-in is of its actor, and nobody changes their own account or rights."""
        if kind.action in {"Login", "Logout"}:
            if actor.client_id and kind.types == ("Connected Application",):
                return (Thing("Connected Application", actor.client_id, actor.client_name or ""),)
            if actor.user_id and kind.types == ("User",):
                return (Thing("User", actor.user_id, actor.user_name or ""),)
        chosen = [self.registry.pick(name, kind.parent) for name in kind.types]
        for number, thing in enumerate(chosen):
            if thing.type == "User" and thing.id == actor.user_id:
                others = [person for person in self.cast.people if person.user_id != actor.user_id]
                other = self.rng.choice(others)
                chosen[number] = Thing("User", other.user_id or "", other.user_name or "")
        return tuple(chosen)

    def document(
        self,
        kind: Kind,
        moment: int,
        actor: Actor,
        *,
        properties: dict[str, Any] | None = None,
        things: tuple[Thing, ...] = (),
        transaction: str = "",
    ) -> dict[str, Any]:
        """Return an entry before it is encoded; `properties` are added to those of the payload."""
        things = things or self.things(kind, actor)
        scene = Scene(self.rng, self.organization, kind, actor, things, moment)
        payload = payload_of(scene)
        if properties:
            payload = {**payload, "properties": {**payload.get("properties", {}), **properties}}
        return {
            **({"id": make_uuid(self.rng)} if self.scenario.entry_ids else {}),
            **({"organizationId": self.organization.id} if self.scenario.organization_ids else {}),
            "timestamp": moment,
            "platform": kind.platform,
            "action": self._casing(kind.action),
            "objects": [self._object(thing, moment) for thing in things],
            "payload": payload,
            "failed": "Failure" in kind.subaction,
            **self._actor_fields(actor),
            "anypointTransactionId": transaction or make_uuid(self.rng),
            **EXTRA_FIELDS.get(kind.platform, {}),
        }

    def _actor_fields(self, actor: Actor) -> dict[str, Any]:
        fields = {"userId": actor.user_id, "userName": actor.user_name}
        return fields | ({"clientId": actor.client_id, "clientName": actor.client_name} if actor.client_id else {})

    def _object(self, thing: Thing, moment: int) -> dict[str, Any]:
        environment, parent = thing.environment, thing.parent
        return {
            "objectType": self._casing(thing.type),
            "objectId": thing.id,
            "objectName": thing.name_at(moment),
            "environmentId": environment.id if environment else None,
            "environmentName": environment.name if environment else None,
            **({"parentId": parent.id, "parentType": parent.type} if parent else {}),
        }

    def _casing(self, text: str) -> str:
        return text.lower() if self.rng.random() < OTHER_CASING else text
