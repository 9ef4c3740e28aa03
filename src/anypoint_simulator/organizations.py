"""The organization tree of a simulated world: a root, business groups, one of them a grandchild, one empty."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

NAMES = (
    "Payments",
    "Payments Europe",
    "Größe & Maß GmbH",
    "東京支店",
    "Claims",
    "Retail — Web",
    "Data Platform",
    "Mobile",
    "Zahlungsverkehr",
    "Logística São Paulo",
)
ENVIRONMENTS = (("Design", "design"), ("Sandbox", "sandbox"), ("Production", "production"))


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment of an organization."""

    id: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Organization:
    """The root or a business group.

    Attributes:
        id: a UUID.
        name: as shown to users; may be any Unicode.
        parents: ids from the root down to the parent; empty for the root.
        environments: its environments.
        empty: whether it has no entries of its own.
    """

    id: str
    name: str
    parents: tuple[str, ...]
    environments: tuple[Environment, ...] = field(default=())
    empty: bool = False


def make_uuid(rng: random.Random) -> str:
    """Return a version 4 UUID from the given source."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def make_tree(rng: random.Random, groups: int) -> list[Organization]:
    """Return the root and its business groups, parents before children.

    The second group is a child of the first, so that a walk of one level misses it; the last of several is empty.
    """
    root = _make(rng, "Aurora Freight", (), empty=False)
    tree = [root]
    for number in range(groups):
        parent = tree[1] if number % 4 == 1 else root
        name = NAMES[number % len(NAMES)] + ("" if number < len(NAMES) else f" {number}")
        empty = groups > 1 and number == groups - 1
        tree.append(_make(rng, name, (*parent.parents, parent.id), empty=empty))
    return tree


def _make(rng: random.Random, name: str, parents: tuple[str, ...], *, empty: bool) -> Organization:
    environments = tuple(Environment(make_uuid(rng), title, kind) for title, kind in ENVIRONMENTS)
    return Organization(make_uuid(rng), name, parents, environments, empty)
