"""The manifest of an organization's day: what the archive holds of it, and what the source last said."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from itertools import pairwise
from typing import TypeVar

import msgspec

from mulesoft_audit.errors import ArchiveError

T = TypeVar("T", bound=msgspec.Struct)

FORMAT = 1
HOUR_MS = 3_600_000


class PartEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part as the manifest knows it.

    Attributes:
        number: its number in the day, from 1.
        entries: its lines.
        size: bytes of the object.
        inflated: bytes of its lines.
        sha256: hex digest of the object.
        first: millisecond of the day of its earliest entry.
        last: millisecond of the day of its latest entry.
        keys_sha256: hex digest of its keys object.
    """

    number: int
    entries: int
    size: int
    inflated: int
    sha256: str
    first: int
    last: int
    keys_sha256: str


class Oversize(msgspec.Struct, frozen=True):
    """An entry too long for a line of the feed, kept beside it.

    Attributes:
        name: its object.
        size: bytes of the entry.
        key: its record (24 bytes).
    """

    name: str
    size: int
    key: bytes


class Manifest(msgspec.Struct, omit_defaults=True):
    """What is held of a day.

    Attributes:
        organization: whose day.
        day: YYYY-MM-DD, UTC.
        parts: by number.
        oversize: entries that are kept outside the feed.
        hours: entries by hour of the day, 24 numbers.
        covered_until: Unix ms up to which the day was read and agreed with the source; 0 if never.
        source_total: what the source said it has of the covered part of the day; None if it was not asked.
        source_asked_at: Unix ms of that answer.
        closed: the day is older than the look-back, and its count equalled the source's.
        revision: how many times this manifest was written.
        previous: hex SHA-256 of the manifest this one replaced: a chain over its revisions.
        written_by: name and version of the software.
        format: of this document.
    """

    organization: str
    day: str
    parts: list[PartEntry] = []
    oversize: list[Oversize] = []
    hours: list[int] = []
    covered_until: int = 0
    source_total: int | None = None
    source_asked_at: int = 0
    closed: bool = False
    revision: int = 0
    previous: str = ""
    written_by: str = ""
    format: int = FORMAT

    @property
    def entries(self) -> int:
        """How many entries the archive holds of this day."""
        return sum(part.entries for part in self.parts) + len(self.oversize)

    def count_hours(self, times: list[int]) -> None:
        """Count entries by hour; `times` are milliseconds of the day."""
        times = sorted(times)
        bounds = [bisect_left(times, hour * HOUR_MS) for hour in range(24)] + [len(times)]
        counted = [after - before for before, after in pairwise(bounds)]
        self.hours = [a + b for a, b in zip(self.hours or [0] * 24, counted, strict=True)]


class _Format(msgspec.Struct):
    format: int = 0


def encode(manifest: Manifest) -> bytes:
    """Return the manifest as JSON a person can read."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def decode(data: bytes, name: str) -> Manifest:
    """Return the manifest in `data`.

    Raises:
        ArchiveError: a newer version wrote it, or it is damaged.
    """
    return decode_document(data, name, Manifest)


def decode_document(data: bytes, name: str, kind: type[T]) -> T:
    """Return the document of `kind` in `data`, refusing what a newer version of this software wrote.

    Raises:
        ArchiveError: a newer version wrote it, or it is damaged.
    """
    try:
        found = msgspec.json.decode(data, type=_Format).format
        if found <= FORMAT:
            return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ArchiveError(
            f"{name} in the archive is damaged and cannot be read.",
            "It was left as it is. Move it aside and run again: it is made anew from the parts and the source.",
        ) from error
    raise ArchiveError(
        f"{name} was written by a newer version of this software (format {found}, this one knows {FORMAT}).",
        "Upgrade mulesoft-audit-collector. Nothing was written.",
    )


def digest(data: bytes) -> str:
    """Return the hex SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()
