"""Seals as they lie in the archive: plain files, in formats that `sha256sum` and `openssl` know.

evidence/seals/000012/SHA256SUMS        every part and frozen manifest since the last seal, and the files below
evidence/seals/000012/SHA256SUMS.sig    ECDSA P-256 with SHA-256, DER
evidence/seals/000012/SHA256SUMS.tsr    optional: a timestamp of SHA256SUMS (RFC 3161)
evidence/seals/000012/SEAL.json         what is sealed, by organization and day
evidence/seals/000012/next-key.pem      optional: the public key of all later seals
evidence/seals/000012/VOID.json         instead of all else that is listed: its sealer was stopped
evidence/seals/000012/manifests/<org>/<YYYY>/<MM>/<DD>.manifest.json

Each list has a line for the list of the seal before: that is the chain.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mulesoft_audit.anypoint.tree import ID

if TYPE_CHECKING:
    from datetime import date

EVIDENCE = "evidence/"
SEALS = "evidence/seals/"
SUMS, SIGNATURE, DOCUMENT, NEXT_KEY = "SHA256SUMS", "SHA256SUMS.sig", "SEAL.json", "next-key.pem"
VOID = "VOID.json"
FORMAT = 1
_PLACE = re.compile(
    r"evidence/seals/(?P<number>[0-9]{6,})/(?P<file>SHA256SUMS|SHA256SUMS\.sig|SHA256SUMS\.tsr|SEAL\.json|VOID\.json"
    rf"|next-key\.pem|manifests/{ID.pattern}/[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}}\.manifest\.json)"
)
_LINE = re.compile(r"([0-9a-f]{64})  ([!-~]+)")
_FROZEN = re.compile(
    rf"evidence/seals/[0-9]+/manifests/(?P<org>{ID.pattern})/(?P<day>[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}})\.manifest\.json"
)


class SealedDay(msgspec.Struct, frozen=True, omit_defaults=True):
    """One day that is sealed.

    Attributes:
        entries: how many the archive holds.
        source: how many Anypoint had.
        revision: of its manifest.
        manifest: hex SHA-256 of it.
    """

    entries: int
    source: int
    revision: int
    manifest: str


class SealedOrganization(msgspec.Struct, frozen=True, omit_defaults=True):
    """One organization of which something is sealed.

    Attributes:
        name: as it was last called.
        since: since when everything is to be held; ISO 8601.
        verified_at: when the last run found that the archive equals Anypoint's count; ISO 8601, empty if never.
        days: by date, those whose manifest is news.
    """

    name: str = ""
    since: str = ""
    verified_at: str = ""
    days: dict[str, SealedDay] = {}


class Seal(msgspec.Struct, frozen=True):
    """`SEAL.json`.

    Attributes:
        number: from 1.
        sealed_at: ISO 8601, by the clock of whoever sealed.
        root: id of the root organization.
        key: id of the key that signed: SHA-256 of the public key's DER.
        previous: hex SHA-256 of the `SHA256SUMS` before; empty for the first.
        software: name and version.
        organizations: by id.
        format: of this document.
    """

    number: int
    sealed_at: str
    root: str
    key: str
    previous: str
    software: str
    organizations: dict[str, SealedOrganization]
    format: int = FORMAT


class Place(NamedTuple):
    """What a name below `evidence/seals/` says."""

    number: int
    file: str


def folder(number: int) -> str:
    """Return the folder of a seal."""
    return f"{SEALS}{number:06d}/"


def place_of(name: str) -> Place | None:
    """Return the seal and the file that a name says; None if it is no such name."""
    match = _PLACE.fullmatch(name)
    if not match or not name.startswith(folder(int(match["number"]))) or not int(match["number"]):
        return None
    return Place(int(match["number"]), match["file"])


def void_of(number: int) -> bytes:
    """Return the document of a seal that is none: nothing in it is for others to choose."""
    return f'{{"number": {number}, "void": true}}\n'.encode()


def frozen_name(number: int, organization: str, day: date) -> str:
    """Return the name of a frozen manifest."""
    return f"{folder(number)}manifests/{organization}/{day.year:04d}/{day.month:02d}/{day.day:02d}.manifest.json"


def frozen_day(name: str) -> tuple[str, str] | None:
    """Return the organization and the day (YYYY-MM-DD) of a frozen manifest; None if it is something else."""
    match = _FROZEN.fullmatch(name)
    return (match["org"], match["day"].replace("/", "-")) if match else None


def sums_of(digests: dict[str, str]) -> bytes:
    """Return a `SHA256SUMS` of these files, by path, each with its hex digest."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode()


def read_sums(data: bytes) -> dict[str, str] | None:
    """Return the digests of a `SHA256SUMS` by path; None if it is none, or names a file twice."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return None
    matches = [_LINE.fullmatch(line) for line in text.split("\n")[:-1]]
    found = {match[2]: match[1] for match in matches if match}
    return found if text.endswith("\n") and len(found) == len(matches) else None


def sha256(data: bytes) -> str:
    """Return the hex SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()
