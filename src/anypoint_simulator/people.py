"""Who acts in a simulated world: people, connected apps, and Anypoint Staff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anypoint_simulator.organizations import make_uuid

if TYPE_CHECKING:
    import random

USER_NAMES = (
    "m.okafor",
    "zoë.müller",
    "j.søndergaard",
    "王.小明",
    "a.petrov",
    "l.nguyễn",
    "f.o'hara",
    "r.gonzález",
    "s.iyer",
    "k.yilmaz",
    "t.Ωmega",
    "d.cohen",
    "p.janssen",
    "b.łukasz",
    "e.kim",
    "h.tanaka",
)
CLIENT_NAMES = ("ci-deployer", "terraform", "cmdb-sync", "monitoring bridge", "release-bot", "Über-Export")
STAFF = "Anypoint Staff"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, as an entry names them; None is a null in the entry.

    Attributes:
        ip: the address of a connected app; people's addresses are not recorded by the platform.
    """

    user_id: str | None
    user_name: str | None
    client_id: str | None = None
    client_name: str | None = None
    ip: str = ""


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody in a world."""

    people: tuple[Actor, ...]
    clients: tuple[Actor, ...]
    staff: tuple[Actor, ...]


def make_cast(rng: random.Random, own_client_id: str) -> Cast:
    """Return the people, the connected apps (the collector's own is the last) and the staff of a world."""
    people = tuple(Actor(make_uuid(rng), name) for name in USER_NAMES)
    clients = [
        Actor(None, None, f"{rng.getrandbits(128):032x}", name, f"10.20.{number}.{rng.randrange(2, 250)}")
        for number, name in enumerate(CLIENT_NAMES)
    ]
    clients.append(Actor(None, None, own_client_id, "audit-collector", "10.20.99.7"))
    # Which of these the platform returns for actors outside the organization is not documented.
    staff = (Actor(None, STAFF), Actor(make_uuid(rng), STAFF), Actor(None, None))
    return Cast(people, tuple(clients), staff)
