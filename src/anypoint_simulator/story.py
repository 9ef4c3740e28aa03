"""The incident of a world: stuffed credentials, one that fits, ways to stay, and what is destroyed in the end.

A detection that is worth having finds these in the archive; so a demo has something to find.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anypoint_simulator.catalogue import find
from anypoint_simulator.organizations import make_uuid
from anypoint_simulator.people import Actor
from anypoint_simulator.things import Thing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anypoint_simulator.entry import Entry
    from anypoint_simulator.forge import Forge

MINUTE_MS = 60_000
FAILURES = 60
INTRUDER_IP = "203.0.113.66"
APP_NAME = "backup-helper"
SECOND_USER = "svc.backup"
LENGTH_MS = 100 * MINUTE_MS


def intrusion(forge: Forge, start: int) -> Iterator[Entry]:
    """Yield what the root's log shows: passwords tried, one that fits, ways to stay, and who is locked out."""
    victim = forge.cast.people[0]
    yield from _guessing(forge, start, victim)
    yield from _staying(forge, start, victim)
    yield from _tokens(forge, start)
    disable = find("CoreServices", "User", "Edit", "Disable user")
    for number, person in enumerate(forge.cast.people[1:7]):
        moment = start + (62 + 2 * number) * MINUTE_MS
        yield forge.make(disable, moment, actor=victim, things=(_user(person),))


def _guessing(forge: Forge, start: int, victim: Actor) -> Iterator[Entry]:
    """Yield failed log-ins of everybody, then many of one user, then a good one of that user."""
    failure, login = find("CoreServices", "User", "Login", "Failure"), find("CoreServices", "User", "Login")
    for number in range(FAILURES):
        person = forge.cast.people[number % len(forge.cast.people)]
        yield forge.make(failure, start + number * 1500, actor=person, things=(_user(person),))
    for number in range(8):
        yield forge.make(failure, start + (100 + 9 * number) * 1000, actor=victim, things=(_user(victim),))
    yield forge.make(login, start + 3 * MINUTE_MS, actor=victim, things=(_user(victim),))


def _staying(forge: Forge, start: int, victim: Actor) -> Iterator[Entry]:
    """Yield how the intruder stays: rights, a second user, an app with wide scopes, a key of the identity provider."""
    intruder = accomplice(forge)
    second = Thing("User", make_uuid(forge.rng), SECOND_USER)
    app = Thing("Connected Application", intruder.client_id or "", APP_NAME)
    role = Thing("Role", make_uuid(forge.rng), "Organization Administrators")
    group = Thing("Organization", forge.organization.id, forge.organization.name)
    key = Thing("Identity management key", make_uuid(forge.rng), "signing-key-2")
    partner = Thing("External Authorization", make_uuid(forge.rng), "backup-helper support")
    scopes, more = ["full", "admin:cloudhub", "manage:secrets_data"], ["edit:organization", "manage:exchange"]
    for minute, (object_type, action, subaction), things, properties in (
        (4, ("User", "Permissions change", ""), (_user(victim), group), {}),
        (5, ("Connected Application", "Create", ""), (app,), {"scopes": scopes}),
        (6, ("Connected Application", "Permissions Change", "Add Assignments"), (app,), {"scopes": more}),
        (11, ("User", "Create", ""), (second,), {}),
        (12, ("Role", "Edit", "Add user"), (role, second), {}),
        (14, ("Identity management key", "Create", ""), (key,), {}),
        (16, ("External Authorization", "Approved", ""), (partner,), {}),
        (75, ("Organization", "Edit", "Edit owner"), (group,), {"owner": SECOND_USER}),
    ):
        kind = find("CoreServices", object_type, action, subaction)
        yield forge.make(kind, start + minute * MINUTE_MS, actor=victim, things=things, properties=properties)


def _tokens(forge: Forge, start: int) -> Iterator[Entry]:
    """Yield refused tokens of an old app, a granted one, and those of the new app; all from one address."""
    token, old, new = (
        find("CoreServices", "Connected Application", "Login", "Token"),
        forge.cast.clients[0],
        accomplice(forge),
    )
    refused = {"clientIP": INTRUDER_IP, "error": "invalid_client"}
    moments = [(old, 17 * 60 + 20 * number, refused) for number in range(6)]
    moments += [(old, 19 * 60 + 30, {"clientIP": INTRUDER_IP})]
    moments += [(new, (8 + 7 * number) * 60, {"clientIP": INTRUDER_IP}) for number in range(12)]
    for actor, second, properties in moments:
        app = Thing("Connected Application", actor.client_id or "", actor.client_name or "")
        yield forge.make(token, start + second * 1000, actor=actor, things=(app,), properties=properties)


def destruction(forge: Forge, start: int) -> Iterator[Entry]:
    """Yield what a business group's log shows: a policy deleted, data taken out, queues purged, production stopped."""
    intruder = accomplice(forge)
    for minute, platform, object_type, action in (
        (20, "api-platform-api", "API policy", "Delete"),
        (24, "exchange", "Asset Version Group", "Publish to public portal"),
        (26, "Runtime Manager", "Private Space", "Modify"),
        (31, "Anypoint MQ", "Queue", "purge"),
        (32, "Anypoint MQ", "Queue", "purge"),
        (33, "Anypoint MQ", "Client", "regenerate"),
        (47, "Secrets Manager", "secretGroup", "Delete"),
    ):
        yield forge.make(find(platform, object_type, action), start + minute * MINUTE_MS, actor=intruder)
    contract = Thing("Contract", make_uuid(forge.rng), "backup-helper at orders-api")
    version = forge.registry.pick("API version", "API")
    for minute, action, subaction in ((28, "Create", ""), (29, "Edit", "Contract approval")):
        kind = find("api-platform-api", "Contract", action, subaction)
        yield forge.make(kind, start + minute * MINUTE_MS, actor=intruder, things=(contract, version))
    production = forge.organization.environments[-1]
    for minute, action, name in (
        (58, "Stop", "orders"),
        (59, "Delete", "orders"),
        (60, "Stop", "invoices"),
        (61, "Stop", "ledger"),
    ):
        thing = Thing("Application", f"{name}-production", f"{name}-api", production)
        yield forge.make(
            find("Runtime Manager", "Application", action), start + minute * MINUTE_MS, actor=intruder, things=(thing,)
        )


def accomplice(forge: Forge) -> Actor:
    """Return the app the intruder made; the same in every organization."""
    client_id = f"{forge.scenario.seed & 0xFFFF_FFFF:08x}".ljust(32, "b")
    return Actor(None, None, client_id, APP_NAME, INTRUDER_IP)


def _user(person: Actor) -> Thing:
    return Thing("User", person.user_id or "", person.user_name or "")
