"""A list that somebody made and did not sign: whether another sealer may sign it in their place.

Whoever can write to the bucket can put such a list there, and the signature of another would make it true. So it is
signed only if it says nothing but what the next sealer found to be so.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit import __version__
from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.archive import layout
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.evidence.inventory import place_of as place_in_archive
from mulesoft_audit.evidence.seal import (
    DOCUMENT,
    EVIDENCE,
    NEXT_KEY,
    SIGNATURE,
    SUMS,
    Seal,
    SealedDay,
    SealedOrganization,
    folder,
    frozen_day,
    read_sums,
    sha256,
)
from mulesoft_audit.ledger.manifest import Damaged, decode

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.evidence.standing import Standing
    from mulesoft_audit.ledger.manifest import Manifest

SOFTWARE = f"mulesoft-audit-collector {__version__}"


def sealed_day(manifest: Manifest, digest: str) -> SealedDay:
    """Return what a seal says of a day, of its manifest and the hex SHA-256 of that."""
    source = manifest.held if manifest.source is None else manifest.source
    return SealedDay(manifest.held, source, manifest.revision, digest)


def sealed_organization(standing: Standing, organization: str) -> SealedOrganization:
    """Return what a seal says of an organization, without its days."""
    since, proved = standing.since(organization), standing.proved_at.get(organization, 0)
    name = standing.name(organization)
    return SealedOrganization(name, iso(since) if since else "", iso(proved) if proved else "", {})


def refused(number: int, why: str) -> ArchiveError:
    """Return that a seal that was begun is not signed in anybody's place, and why."""
    return ArchiveError(
        f"Seal {number} was begun and not signed, and {why}.",
        f"Nothing was sealed. See what happened to it; {folder(number)} may then be moved aside by hand: it has no "
        f"{SIGNATURE}, so that no later seal rests on it.",
    )


class Begun:
    """One seal that was begun."""

    def __init__(self, store: Store, number: int, previous: bytes, key: str, standing: Standing) -> None:
        """Read what there is of it.

        Args:
            store: the archive.
            number: of the seal.
            previous: the list of the seal before; empty for the first.
            key: id of the key that is to sign.
            standing: what registry and heads say.

        Raises:
            ArchiveError: the archive cannot be read.
        """
        self._store = store
        self._number = number
        self._key = key
        self._standing = standing
        self._before = {folder(number - 1) + SUMS: sha256(previous)} if previous else {}
        self._previous = sha256(previous) if previous else ""
        names = [item.name for item in store.list(folder(number))]
        signed = {folder(number) + SUMS + end for end in ("", ".sig", ".tsr")}
        held = {name: store.read(name) for name in names if name not in signed}
        self._files = {name: one.data for name, one in held.items() if one}

    def _digests(self) -> dict[str, str]:
        """Return what its list has to say of the seal itself and of the one before.

        Raises:
            ArchiveError: it says what is not so.
        """
        document = folder(self._number) + DOCUMENT
        self._check_document(document, self._files.get(document, b""))
        for name, data in self._files.items():
            if name == document:
                continue
            if name.endswith(f"/{NEXT_KEY}"):
                raise self._refused("it names another key, which only its own sealer can mean")
            if not (whose := frozen_day(name)) or self._manifest(*whose) != data:
                raise self._refused(f"{name} is not what is there now")
        return {name: sha256(data) for name, data in self._files.items()} | self._before

    def check(self, sums: bytes) -> None:
        """See that its list says what is so.

        Raises:
            ArchiveError: it does not.
        """
        listed = read_sums(sums) or {}
        own = self._digests()
        for name, digest in own.items():
            if listed.pop(name, "") != digest:
                raise self._refused(f"{name} is not what its list says")
        for name, digest in listed.items():
            held = None if name.startswith(EVIDENCE) or not place_in_archive(name) else self._store.read(name)
            if held is None or sha256(held.data) != digest:
                raise self._refused(f"{name} is not what its list says")

    def _check_document(self, name: str, data: bytes) -> None:
        try:
            seal = msgspec.json.decode(data, type=Seal)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._refused(f"{name} is no seal") from None
        root = self._standing.registry.root if self._standing.registry else ""
        expected = (self._number, root, self._key, self._previous, SOFTWARE)
        if (seal.number, seal.root, seal.key, seal.previous, seal.software) != expected:
            raise self._refused(f"{name} is not as this key and version would write it")
        for organization, said in seal.organizations.items():
            own = sealed_organization(self._standing, organization)
            if (said.name, said.since) != (own.name, own.since) or said.verified_at > own.verified_at:
                raise self._refused(f"{name} says of {organization} what is not so")
            for day, one in said.days.items():
                if self._sealed(organization, day) != one:
                    raise self._refused(f"{name} says of {organization} on {day} what is not so")

    def _sealed(self, organization: str, day: str) -> SealedDay | None:
        try:
            data = self._manifest(organization, day)
            return sealed_day(decode(data, day), sha256(data)) if data else None
        except (ValueError, Damaged):
            return None

    def _manifest(self, organization: str, day: str) -> bytes:
        """Return a day's manifest as it is now; nothing if there is none."""
        name = layout.manifest_name(organization, date.fromisoformat(day))
        held = self._store.read(name) if place_in_archive(name) else None
        return held.data if held else b""

    def _refused(self, why: str) -> ArchiveError:
        return refused(self._number, why)
