"""Which root organization an archive belongs to, and which organizations it holds: `state/organizations.json`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit.archive.layout import ORGANIZATIONS, STATE, organization_of
from mulesoft_audit.archive.store import GenerationMismatch
from mulesoft_audit.errors import ArchiveError, UsageError
from mulesoft_audit.ledger.manifest import FORMAT, decode_document
from mulesoft_audit.times import earliest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.archive.store import Store

TRIES = 20


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """An organization that the archive holds.

    Attributes:
        name: as it was last called.
        parent: id of the organization above it.
        depth: how many are above it.
        since: Unix ms, since when everything is to be held; 0 if nobody said.
    """

    name: str = ""
    parent: str = ""
    depth: int = 0
    since: int = 0


class Registry(msgspec.Struct, omit_defaults=True):
    """What an archive belongs to.

    Attributes:
        root: id of the root organization; empty if it was never known.
        organizations: by id.
        format: of this document.
    """

    root: str = ""
    organizations: dict[str, Known] = {}
    format: int = 0


def load(store: Store) -> tuple[Registry, int]:
    """Return the registry and its generation. An archive that has none yet is looked through for heads, once.

    Raises:
        ArchiveError: a newer version wrote it, or the archive cannot be read.
        Damaged: it is damaged.
    """
    held = store.read(ORGANIZATIONS)
    if held:
        return decode_document(held.data, ORGANIZATIONS, Registry), held.generation
    names = (organization_of(item.name) for item in store.list(STATE))
    return Registry(organizations={name: Known() for name in names if name}), 0


def known(organization: Organization, since: int) -> Known:
    """Return what is kept of an organization; `since` in Unix ms."""
    return Known(organization.name, organization.parent, organization.depth, since)


def recalled(registry: Registry, organization: Organization) -> Organization:
    """Return an organization with name, parent and depth as the archive knows them, where only its id is given."""
    held = registry.organizations.get(organization.id)
    if organization.name or organization.parent or held is None:
        return organization
    return replace(organization, name=held.name, parent=held.parent, depth=held.depth)


def check(registry: Registry, root: str, store: Store) -> None:
    """See to it that the archive is this root organization's.

    Raises:
        UsageError: it belongs to another.
    """
    if root and registry.root and registry.root != root:
        raise UsageError(
            f"The archive {store.url} belongs to the root organization {registry.root}, not to {root}.",
            "No entry was read or written. Give each root organization an archive of its own (--archive), or "
            "correct MULE_ORG_ID.",
        )


def save(store: Store, registry: Registry, generation: int, root: str, found: dict[str, Known]) -> Registry:
    """Return the registry with what was found, written if that is news.

    Raises:
        UsageError: somebody else bound the archive to another root organization meanwhile.
        ArchiveError: it cannot be written.
    """
    for _ in range(TRIES):
        check(registry, root, store)
        merged = Registry(registry.root or root, dict(registry.organizations), FORMAT)
        for name, one in found.items():
            since = earliest(one.since, merged.organizations.get(name, one).since)
            merged.organizations[name] = msgspec.structs.replace(one, since=since)
        if generation and merged == registry:
            return merged
        try:
            store.replace(ORGANIZATIONS, msgspec.json.format(msgspec.json.encode(merged), indent=1) + b"\n", generation)
        except GenerationMismatch:
            registry, generation = load(store)
            continue
        return merged
    raise ArchiveError(f"{ORGANIZATIONS} changes faster than it can be written.", "Run again.")


def left_the_tree(registry: Registry, found: Iterable[str]) -> dict[str, Known]:
    """Return the organizations that the archive holds and the tree names no more."""
    there = set(found)
    return {name: known for name, known in registry.organizations.items() if name not in there}
