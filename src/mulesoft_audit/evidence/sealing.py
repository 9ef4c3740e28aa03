"""Making a seal of what is new since the last one. Nothing that is sealed is ever written again.

A number is claimed by creating its `SEAL.json`; the seal is made by creating its `SHA256SUMS`, then signed. So two
sealers at once make one seal each. One that dies leaves an unfinished seal. The next sealer gives it time, then makes
it void if it has no list, or signs the list if it is true, and goes on with the next number.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.archive.store import ObjectExists
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.evidence.begun import SOFTWARE, Begun, refused, sealed_day, sealed_organization
from mulesoft_audit.evidence.seal import (
    DOCUMENT,
    NEXT_KEY,
    SIGNATURE,
    SUMS,
    VOID,
    Seal,
    SealedDay,
    SealedOrganization,
    folder,
    frozen_name,
    read_sums,
    sha256,
    sums_of,
    void_of,
)
from mulesoft_audit.evidence.seal_reader import read_seals

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.evidence.day import Judged, Loaded
    from mulesoft_audit.evidence.judge import Wrong
    from mulesoft_audit.evidence.offline import Result
    from mulesoft_audit.evidence.seals import Seals
    from mulesoft_audit.evidence.signature import PrivateKey, PublicKey

CLAIM_SECONDS = 15.0  #: that another sealer has to finish before it is taken for dead
POLL_SECONDS = 0.25
TRIES = 100  #: numbers that other sealers may take first


@dataclass(slots=True)
class News:
    """What a verification saw that no seal names yet.

    Attributes:
        store: the archive.
        seals: what is sealed.
        objects: digests by path: parts, and entries kept outside the feed.
        days: by organization and day, the manifest and its bytes.
    """

    store: Store
    seals: Seals
    objects: dict[str, str] = field(default_factory=dict)
    days: dict[tuple[str, date], tuple[SealedDay, bytes]] = field(default_factory=dict)

    def see(self, loaded: Loaded, judged: Judged) -> list[Wrong]:
        """Take note of a day that was verified; return what the seals find wrong with it."""
        wrong = self.seals.of_day(self.store, loaded, judged)
        manifest, objects = loaded.manifest, loaded.objects
        if manifest is None:
            return wrong
        for part in manifest.parts:
            path, seen = loaded.names.part(part.number), judged.measured.get(part.number)
            if path not in self.seals.objects and seen and seen.there:
                self.objects[path] = seen.sha256
        for item in manifest.oversize:
            held = None if item.name in self.seals.objects else self.store.read(item.name)
            if held:
                self.objects[item.name] = sha256(held.data)
        frozen = self.seals.days.get((objects.organization, objects.day.isoformat()))
        if frozen is None or frozen.digest != loaded.digest:
            self.days[objects.organization, objects.day] = (sealed_day(manifest, loaded.digest), loaded.data)
        return wrong

    def __bool__(self) -> bool:
        return bool(self.objects or self.days)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A seal that was made.

    Attributes:
        number: of the seal.
        digest: hex SHA-256 of its `SHA256SUMS`, to be kept elsewhere.
        objects: parts and other entries that it names.
        days: manifests that it froze.
    """

    number: int
    digest: str
    objects: int
    days: int


class Sealer:
    """Makes seals with one key."""

    def __init__(
        self,
        store: Store,
        key: PrivateKey,
        *,
        now: int,
        timestamp: Callable[[bytes], bytes] | None = None,
        next_key: PublicKey | None = None,
    ) -> None:
        """Prepare.

        Args:
            store: the archive.
            key: what signs.
            now: Unix ms.
            timestamp: returns a timestamp (RFC 3161) of some bytes; None for none.
            next_key: the public key of all later seals; None to go on with this one.
        """
        self._store = store
        self._key = key
        self._now = now
        self._timestamp = timestamp
        self._next_key = next_key

    def seal(self, news: News, result: Result) -> Sealed:
        """Make a seal of what is new.

        Args:
            news: what a verification of the whole archive saw; it had no findings.
            result: that verification.

        Raises:
            ArchiveError: the archive cannot be written, or others take one number after the other.
        """
        number = len(news.seals.digests) + 1
        for _ in range(TRIES):
            previous = self._finished(number - 1, result)
            document = self._document(number, previous, news, result)
            try:
                self._store.create(folder(number) + DOCUMENT, document)
            except ObjectExists:
                number += 1
                continue
            digests = self._files(number, previous, document, news)
            sums = sums_of(digests | news.objects)
            try:
                self._store.create(folder(number) + SUMS, sums)
            except ObjectExists:  # somebody took this for dead and closed it
                number += 1
                continue
            self._sign(number, sums)
            return Sealed(number, sha256(sums), len(news.objects), len(news.days))
        raise ArchiveError("Other sealers took one number after the other.", "Let one of them seal.")

    def _finished(self, number: int, result: Result) -> bytes:
        """Return the list of a seal; of one that somebody began and does not finish, once it is closed and signed.

        Raises:
            ArchiveError: what was begun says what is not so.
        """
        if not number:
            return b""
        sums = self._wait_for(folder(number) + SUMS)
        signature = self._wait_for(folder(number) + SIGNATURE) if sums else None
        if sums and signature:
            self._check_signature(number, sums, signature)
            return sums
        before = self._store.read(folder(number - 1) + SUMS)
        previous = before.data if before else b""
        if sums is None:
            sums = self._close(number, previous)
        if sums != _void(number, previous):
            Begun(self._store, number, previous, self._key.public.id, result.standing).check(sums)
        self._sign(number, sums)
        return sums

    def _check_signature(self, number: int, sums: bytes, signature: bytes) -> None:
        """See that the seal before is this key's, or named this key.

        Raises:
            ArchiveError: it is somebody else's, and no seal can follow it.
        """
        if not self._key.public.signed(sums, signature) and folder(number) + NEXT_KEY not in (read_sums(sums) or {}):
            raise ArchiveError(
                f"The signature of seal {number} is not this key's, though the seal names no other.",
                "Nothing was sealed. Check all seals with `verify --offline --public-key`, and see who wrote this one.",
            )

    def _wait_for(self, name: str) -> bytes | None:
        """Return an object's bytes; None if nobody writes it within the time that its owner has."""
        began = monotonic()
        while True:
            held = self._store.read(name)
            if held:
                return held.data
            if monotonic() - began > CLAIM_SECONDS or self._store.alone():
                return None
            sleep(POLL_SECONDS)

    def _close(self, number: int, previous: bytes) -> bytes:
        """Return the list of a seal whose sealer died before it made one: of nothing that it left.

        Raises:
            ArchiveError: somebody else said why it is void.
        """
        sums, void = _void(number, previous), folder(number) + VOID
        with suppress(ObjectExists):  # by an earlier try
            self._store.create(void, void_of(number))
        said = self._store.read(void)
        if said is None or said.data != void_of(number):
            raise refused(number, f"{void} is not a sealer's")
        with suppress(ObjectExists):
            self._store.create(folder(number) + SUMS, sums)
        held = self._store.read(folder(number) + SUMS)
        return held.data if held else sums

    def _document(self, number: int, previous: bytes, news: News, result: Result) -> bytes:
        organizations: dict[str, SealedOrganization] = {}
        standing = result.standing
        for (organization, day), (sealed, _) in sorted(news.days.items()):
            made = sealed_organization(standing, organization)
            organizations.setdefault(organization, made).days[day.isoformat()] = sealed
        root = standing.registry.root if standing.registry else ""
        digest = sha256(previous) if previous else ""
        seal = Seal(number, iso(self._now), root, self._key.public.id, digest, SOFTWARE, organizations)
        return msgspec.json.format(msgspec.json.encode(seal), indent=1) + b"\n"

    def _files(self, number: int, previous: bytes, document: bytes, news: News) -> dict[str, str]:
        """Write what lies beside the list; return the digests of that and of the list before."""
        digests = {folder(number) + DOCUMENT: sha256(document)}
        if previous:
            digests[folder(number - 1) + SUMS] = sha256(previous)
        for (organization, day), (_, data) in news.days.items():
            name = frozen_name(number, organization, day)
            self._store.create(name, data)
            digests[name] = sha256(data)
        if self._next_key:
            self._store.create(folder(number) + NEXT_KEY, self._next_key.pem)
            digests[folder(number) + NEXT_KEY] = sha256(self._next_key.pem)
        return digests

    def _sign(self, number: int, sums: bytes) -> None:
        try:
            self._store.create(folder(number) + SIGNATURE, self._key.sign(sums))
        except ObjectExists:  # another sealer did
            return
        if self._timestamp:
            self._store.create(folder(number) + SUMS + ".tsr", self._timestamp(sums))


def _void(number: int, previous: bytes) -> bytes:
    """Return the list of a seal that is void, of the one before it."""
    before = {folder(number - 1) + SUMS: sha256(previous)} if previous else {}
    return sums_of({folder(number) + VOID: sha256(void_of(number)), **before})


def news_of(store: Store, key: PublicKey | None = None, newest: str = "") -> News:
    """Return what is sealed, ready to take note of what is not.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    return News(store, read_seals(store, key, newest))
