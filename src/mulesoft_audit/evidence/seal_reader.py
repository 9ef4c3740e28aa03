"""All seals of an archive, read in order: their chain, their signatures, and what they list."""

from __future__ import annotations

from base64 import b64decode
from collections import defaultdict
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit.archive import layout
from mulesoft_audit.evidence.finding import Finding, Kind, Remedy
from mulesoft_audit.evidence.seal import (
    DOCUMENT,
    EVIDENCE,
    FORMAT,
    NEXT_KEY,
    SEALS,
    SIGNATURE,
    SUMS,
    VOID,
    Seal,
    folder,
    frozen_day,
    place_of,
    read_sums,
    sha256,
    void_of,
)
from mulesoft_audit.evidence.seals import FrozenDay, Seals
from mulesoft_audit.ledger.manifest import Damaged, decode

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.evidence.signature import PublicKey
    from mulesoft_audit.ledger.manifest import Manifest


def read_seals(store: Store, key: PublicKey | None = None, newest: str = "") -> Seals:
    """Return what the seals say, and what is wrong with them.

    Args:
        store: the archive.
        key: the public key of the first seal; None to check all but signatures.
        newest: hex SHA-256 of a list that was the newest once, kept elsewhere; empty if there is none.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    seals = Seals(key=key)
    files: dict[int, set[str]] = defaultdict(set)
    for item in store.list(EVIDENCE):
        place = place_of(item.name)
        if place:
            files[place.number].add(place.file)
        else:
            seals.findings.append(_stranger(item.name))
    last, before = max(files, default=0), 0
    for number, there in sorted(files.items()):
        if number > before + 1:
            seals.wrong(folder(before + 1) + SUMS, "a seal of each number", "no object")
        before = number
        if number == last and not {SUMS, SIGNATURE} <= there:
            seals.unfinished = number
            text = "a sealer was stopped here; the next one finishes it"
            note = Finding(Kind.UNFINISHED, folder(number), "a list and its signature", text)
            seals.findings.append(note)
        if SUMS in there:
            _Reader(store, seals, number, there).read()
        elif number != last:
            seals.wrong(folder(number) + SUMS, "a list", "no object")
    if key and not seals.signed:
        seals.wrong(SEALS, "seals", "none that this key signed" if seals.digests else "none")
    if newest and newest not in seals.digests:
        found = f"{len(seals.digests)} seals, none of that digest: it was cut off, or the archive was rolled back"
        seals.wrong(SEALS, f"a list with the SHA-256 {newest}", found)
    return seals


def _stranger(name: str) -> Finding:
    text = "an object of a name that does not belong here"
    return Finding(Kind.MISPLACED, name, "no such name", text, Remedy.NOTHING, "see what it is, and remove it")


class _Reader:
    """One seal being read."""

    def __init__(self, store: Store, seals: Seals, number: int, files: set[str]) -> None:
        self._store = store
        self._seals = seals
        self._number = number
        self._files = files
        self._folder = folder(number)

    def read(self) -> None:
        """Add what the seal says, and what is wrong with it."""
        seals = self._seals
        held = self._store.read(self._folder + SUMS)
        data = held.data if held else b""
        before = seals.newest
        seals.digests.append(sha256(data))
        self._signature(data)
        listed = read_sums(data)
        if listed is None:
            seals.wrong(self._folder + SUMS, "lines of sha256sum", "something else")
            return
        self._chain(listed, before)
        own = {name: digest for name, digest in listed.items() if name.startswith(self._folder)}
        for name in sorted({self._folder + (VOID if self._folder + VOID in own else DOCUMENT), *own}):
            self._own(name, own.get(name, ""))
        for name, digest in listed.items():
            if not name.startswith(EVIDENCE) and SIGNATURE in self._files:
                self._object(name, digest)

    def _signature(self, data: bytes) -> None:
        """See whether the list is signed by the key that holds for it."""
        seals, path = self._seals, self._folder + SIGNATURE
        if SIGNATURE not in self._files:
            if seals.unfinished != self._number:
                seals.wrong(path, "a signature", "no object")
        elif seals.key and self._signed(data, seals.key):
            seals.signed += 1
        elif seals.key:
            found = "a signature of another key, or over another list"
            seals.wrong(path, f"a signature of the key {seals.key.id}", found)

    def _chain(self, listed: dict[str, str], before: str) -> None:
        """See whether the list names the one before it, whose SHA-256 is `before`, and no other."""
        previous = {name: digest for name, digest in listed.items() if name.endswith("/" + SUMS)}
        expected = {folder(self._number - 1) + SUMS: before} if self._number > 1 else {}
        if previous != expected:
            text = "another list before it: seals are missing, changed or out of order"
            self._seals.wrong(self._folder + SUMS, f"a line for the list before it, SHA-256 {before}", text)

    def _object(self, name: str, digest: str) -> None:
        """Take note of a sealed object; what was sealed first holds for ever."""
        before = self._seals.objects.setdefault(name, digest)
        if before != digest:
            text = f"SHA-256 {digest}, as {self._folder}{SUMS} has it"
            self._seals.wrong(name, f"SHA-256 {before}, as an earlier seal has it", text)

    def _signed(self, data: bytes, key: PublicKey) -> bool:
        signature = self._store.read(self._folder + SIGNATURE)
        return signature is not None and key.signed(data, signature.data)

    def _own(self, name: str, digest: str) -> None:
        """Read a file of the seal itself."""
        held = self._store.read(name)
        if held is None or sha256(held.data) != digest:
            found = f"SHA-256 {sha256(held.data)}" if held else "no object"
            self._seals.wrong(name, f"SHA-256 {digest}" if digest else "a line in the list", found)
        elif SIGNATURE not in self._files:
            return  # anybody can have written it
        elif name == self._folder + DOCUMENT:
            self._document(held.data)
        elif name == self._folder + VOID and held.data != void_of(self._number):
            self._seals.wrong(name, "that the seal is void", "something else")
        elif name == self._folder + NEXT_KEY:
            self._rotate(name, held.data)
        elif whose := frozen_day(name):
            self._freeze(whose, FrozenDay(name, digest, 0), held.data)

    def _document(self, data: bytes) -> None:
        path = self._folder + DOCUMENT
        try:
            seal = msgspec.json.decode(data, type=Seal)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._seals.wrong(path, "a seal", str(error))
            return
        if (seal.number, seal.format) != (self._number, FORMAT):
            found = f"number {seal.number}, format {seal.format}"
            self._seals.wrong(path, f"number {self._number}, format {FORMAT}", found)
        self._seals.key_id = seal.key

    def _rotate(self, name: str, pem: bytes) -> None:
        """Check all later seals with the key that this one names."""
        self._seals.key_id = _id_of(pem)
        if self._seals.key is None:
            return
        from mulesoft_audit.evidence.signature import public_key

        key = public_key(pem)
        if key is None:
            self._seals.wrong(name, "a public key on the curve P-256", "something else")
        else:
            self._seals.key = key

    def _freeze(self, whose: tuple[str, str], frozen: FrozenDay, data: bytes) -> None:
        """Take note of a frozen manifest, which has to come after the one that was frozen before."""
        seals, before = self._seals, self._seals.days.get(whose)
        try:
            manifest = decode(data, frozen.path)
        except Damaged as error:
            seals.wrong(frozen.path, "a manifest", str(error.__cause__ or error.message))
            seals.days.setdefault(whose, frozen)
            return
        seals.days[whose] = FrozenDay(frozen.path, frozen.digest, manifest.revision)
        if before and before.digest != frozen.digest and not _follows(before, manifest):
            path = layout.manifest_name(whose[0], date.fromisoformat(whose[1]))
            expected = f"revision {before.revision} as {before.path} has it, or what came after it"
            seals.wrong(path, expected, f"revision {manifest.revision} as {frozen.path} has it")
        for part in manifest.parts:
            if part.entries:
                path = layout.part_name(whose[0], date.fromisoformat(whose[1]), part.number)
                self._seals.keys.setdefault(path, part.keys_sha256)


def _follows(before: FrozenDay, manifest: Manifest) -> bool:
    """Return whether a manifest that was sealed later can be what became of one that was sealed before."""
    step = manifest.revision - before.revision
    return step > 1 or (step == 1 and manifest.previous == before.digest)


def _id_of(pem: bytes) -> str:
    """Return the id of a public key in PEM, without looking whether it is one."""
    body = b"".join(line for line in pem.splitlines() if not line.startswith(b"-"))
    with suppress(ValueError):
        return sha256(b64decode(body, validate=True))
    return ""
