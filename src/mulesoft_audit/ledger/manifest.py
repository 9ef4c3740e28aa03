"""The manifest of an organization's day: what the archive holds of it, and what the source last said."""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_left
from functools import cache
from itertools import pairwise
from typing import TypeVar

import msgspec

from mulesoft_audit.errors import ArchiveError

T = TypeVar("T", bound=msgspec.Struct)


class Damaged(ArchiveError):
    """One object of the archive is damaged or lost; the others are as good as before."""


FORMAT = 2  #: 1 had no `since`, and other ideas of what was covered; it is read as well
HOUR_MS = 3_600_000
TRIES = 200  #: rounds of a race for an object of a day; each lost one means that somebody else got on


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


class Unreadable(msgspec.Struct, frozen=True):
    """An entry that the source counts and cannot be made to give.

    Attributes:
        first: millisecond of the day from which on it may be.
        last: millisecond of the day up to which it may be.
        reason: why it could not be read.
    """

    first: int
    last: int
    reason: str


class Manifest(msgspec.Struct, omit_defaults=True):
    """What is held of a day.

    Attributes:
        organization: whose day.
        day: YYYY-MM-DD, UTC.
        since: Unix ms since when the organization's archive is to hold everything; 0 if nobody said.
        parts: by number.
        oversize: entries that are kept outside the feed.
        hours: entries held by hour of the day, 24 numbers.
        source: how many entries the source had when the day was last read to its end: what is held, less what the
            source deleted since, more what it repeats of other organizations, more what could not be read. None: as
            many as are held.
        unreadable: entries that could not be read.
        revision: how many times this manifest was written.
        previous: hex SHA-256 of the manifest this one replaced: a chain over its revisions.
        written_by: name and version of the software.
        format: of this document.
    """

    organization: str
    day: str
    since: int = 0
    parts: list[PartEntry] = []
    oversize: list[Oversize] = []
    hours: list[int] = []
    source: int | None = None
    unreadable: list[Unreadable] = []
    revision: int = 0
    previous: str = ""
    written_by: str = ""
    format: int = 0

    @property
    def held(self) -> int:
        """How many entries the archive holds of this day."""
        return sum(part.entries for part in self.parts) + len(self.oversize)

    @property
    def difference(self) -> int:
        """How many more entries the source had than are held; fewer if negative."""
        return 0 if self.source is None else self.source - self.held

    def numbers(self) -> set[int]:
        """Return the numbers of the parts."""
        return {part.number for part in self.parts}

    def exchange(self, part: PartEntry) -> None:
        """Take this for what is known of the part of that number."""
        self.parts = [part if one.number == part.number else one for one in self.parts]

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
        Damaged: it is damaged.
        ArchiveError: a newer version wrote it.
    """
    return decode_document(data, name, Manifest)


_building = threading.Lock()  # msgspec crashes (seen with 0.22) where two threads are the first to decode a type


@cache
def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(kind)


def decode_document(data: bytes, name: str, kind: type[T]) -> T:
    """Return the document of `kind` in `data`, refusing what a newer version of this software wrote.

    Raises:
        Damaged: it is damaged.
        ArchiveError: a newer version wrote it.
    """
    with _building:
        formats = _decoder(_Format)
        decoder: msgspec.json.Decoder[T] = _decoder(kind)
    try:
        found = formats.decode(data).format
        if found <= FORMAT:
            return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged(
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
