"""The incident of a world: stuffed credentials, one that fits, an app with wide scopes, and what it destroys.

A detection that is worth having finds these in the archive; so a demo has something to find.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anypoint_simulator.catalogue import find
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
LENGTH_MS = 100 * MINUTE_MS


def intrusion(forge: Forge, start: int) -> Iterator[Entry]:
    """Yield what the root's log shows: failed logins, a good one, a new app with wide scopes, its tokens."""
    victim = forge.cast.people[0]
    failure, login = find("CoreServices", "User", "Login", "Failure"), find("CoreServices", "User", "Login")
    for number in range(FAILURES):
        person = forge.cast.people[number % len(forge.cast.people)]
        yield forge.make(failure, start + number * 1500, actor=person, things=(_user(person),))
    yield forge.make(login, start + 3 * MINUTE_MS, actor=victim, things=(_user(victim),))
    intruder = accomplice(forge)
    app = Thing("Connected Application", intruder.client_id or "", APP_NAME)
    for minute, action, subaction, extra in (
        (5, "Create", "", {"scopes": ["full", "admin:cloudhub", "manage:secrets_data"]}),
        (6, "Permissions Change", "Add Assignments", {"scopes": ["edit:organization", "manage:exchange"]}),
    ):
        kind = find("CoreServices", "Connected Application", action, subaction)
        yield forge.make(kind, start + minute * MINUTE_MS, actor=victim, things=(app,), properties=extra)
    token = find("CoreServices", "Connected Application", "Login", "Token")
    for number in range(12):
        moment = start + (8 + 7 * number) * MINUTE_MS
        yield forge.make(token, moment, actor=intruder, things=(app,), properties={"clientIP": INTRUDER_IP})


def destruction(forge: Forge, start: int) -> Iterator[Entry]:
    """Yield what a business group's log shows: a policy deleted, queues purged, a secret group gone."""
    intruder = accomplice(forge)
    for minute, platform, object_type, action in (
        (20, "api-platform-api", "API policy", "Delete"),
        (31, "Anypoint MQ", "Queue", "purge"),
        (32, "Anypoint MQ", "Queue", "purge"),
        (33, "Anypoint MQ", "Client", "regenerate"),
        (47, "Secrets Manager", "secretGroup", "Delete"),
        (58, "Runtime Manager", "Application", "Stop"),
        (59, "Runtime Manager", "Application", "Delete"),
    ):
        yield forge.make(find(platform, object_type, action), start + minute * MINUTE_MS, actor=intruder)


def accomplice(forge: Forge) -> Actor:
    """Return the app the intruder made; the same in every organization."""
    client_id = f"{forge.scenario.seed & 0xFFFF_FFFF:08x}".ljust(32, "b")
    return Actor(None, None, client_id, APP_NAME, INTRUDER_IP)


def _user(person: Actor) -> Thing:
    return Thing("User", person.user_id or "", person.user_name or "")
