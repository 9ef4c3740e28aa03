"""What a part and its keys really are: measured from their bytes, in any process, knowing nothing of the archive."""

from __future__ import annotations

import hashlib
import sys
from array import array
from dataclasses import dataclass, field

from isal import isal_zlib

from mulesoft_audit.archive.layout import DAY_MS
from mulesoft_audit.archive.part import read_lines
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.ledger.keys import SIZE, Keys
from mulesoft_audit.ledger.manifest import HOUR_MS
from mulesoft_audit.ledger.parts import derive_keys

_WORD = "I" if array("I").itemsize == 4 else "L"
_WORDS = SIZE // 4
EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Measured:
    """A part with its keys.

    Attributes:
        there: whether there is a part.
        size: bytes of its object.
        sha256: hex digest of its object.
        damaged: why its lines cannot be read; empty if they can.
        entries: its lines.
        inflated: bytes of its lines.
        agree: whether its lines are those that the keys were made of.
        derived: hex digest of the keys that its lines make; only where that was asked for or they do not agree.
        keys: hex digest of its keys object; empty if there is none.
        keys_entries: how many entries the keys are of; -1 if they are cut.
        first: millisecond of the day of the earliest of the keys; -1 if there is none.
        last: millisecond of the day of the latest of them.
        hours: keys by hour of the day.
    """

    there: bool = False
    size: int = 0
    sha256: str = ""
    damaged: str = ""
    entries: int = 0
    inflated: int = 0
    agree: bool = False
    derived: str = ""
    keys: str = ""
    keys_entries: int = 0
    first: int = -1
    last: int = -1
    hours: list[int] = field(default_factory=list)


def measure(part: bytes | None, keys: bytes | None, start: int, *, deep: bool = False) -> Measured:
    """Return what a part and its keys are.

    Each line is compared with its key by its checksum, or, `deep`, by all of its key: identity and time too.

    Args:
        part: the object; None if there is none.
        keys: the keys object; None if there is none.
        start: 00:00 UTC of the day, Unix ms.
        deep: whether to make the keys of every line again.
    """
    known = _of_keys(keys)
    digest = "" if keys is None else hashlib.sha256(keys).hexdigest()
    records = keys if keys is not None and len(keys) % SIZE == 0 else b""
    shared = {
        "keys": digest,
        "keys_entries": -1 if keys and not records else len(records) // SIZE,
        "first": min(known, default=-1),
        "last": max(known, default=-1),
        "hours": by_hour(known),
    }
    if part is None:
        return Measured(**shared)  # type: ignore[arg-type]
    sha256 = hashlib.sha256(part).hexdigest()
    sums = array(_WORD)
    inflated, damaged = 0, ""
    try:
        for line in read_lines(part, "the part"):
            sums.append(isal_zlib.crc32(line))
            inflated += len(line) + 1
    except ArchiveError as error:
        damaged = error.message.removeprefix("The part the part is damaged: ").rstrip(".")
    agree = not damaged and keys is not None and sums == _checksums(records)
    derived = ""
    if not damaged and (deep or not agree):
        made = derive_keys(part, "the part", start).keys
        derived = hashlib.sha256(made.data).hexdigest()
        agree = keys is not None and _same(made.data, records)
    return Measured(True, len(part), sha256, damaged, len(sums), inflated, agree, derived, **shared)  # type: ignore[arg-type]


def _of_keys(keys: bytes | None) -> list[int]:
    return Keys(keys).times() if keys and len(keys) % SIZE == 0 else []


def _checksums(records: bytes) -> array[int]:
    sums = array(_WORD, records)[_WORDS - 1 :: _WORDS]
    if sys.byteorder == "little":
        sums.byteswap()
    return sums


def _same(made: bytes, kept: bytes) -> bool:
    """Return whether two runs of keys are equal, but for the times of entries that name none.

    A run places such an entry beside the one before it in the log, which may be in another part.
    """
    if made == kept:
        return True
    if len(made) != len(kept):
        return False
    pairs = zip(Keys(made), Keys(kept), strict=True)
    return all(a[1:] == b[1:] and 0 <= b[0] < DAY_MS for a, b in pairs)


def by_hour(times: list[int]) -> list[int]:
    """Return how many of these milliseconds of a day lie in each hour."""
    hours = [0] * 24
    for time in times:
        hours[min(time // HOUR_MS, 23)] += 1
    return hours
