"""The shape of an entry: cut out of a page by its bytes, placed in time, and recognized when seen again.

An entry is never decoded as a whole and never encoded again: big integers, number spelling, key order and escapes
reach the archive as they were received.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

import msgspec
from isal import isal_zlib
from msgspec import Raw

from mulesoft_audit.anypoint.response import BadResponse
from mulesoft_audit.anypoint.scan import NotJson, scan

_ABSENT = Raw(b"")
MOST_ENTRIES = 10**12  #: a total beyond is none
LONGEST_TIME = 64  #: bytes of a time, however it is written
END_OF_TIME = 253_402_214_400_000  #: 9999-12-31 in Unix milliseconds: the last day that has one after it
_DIGITS = re.compile(r"[0-9]+")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_SEPARATOR = b"\x1f"  # cannot occur unescaped in JSON, so that no two field lists join to the same bytes


class _Page(msgspec.Struct):
    data: list[Raw]
    total: Raw = _ABSENT


class _Object(msgspec.Struct, gc=False):
    objectType: Raw = _ABSENT  # noqa: N815 - Anypoint's spelling
    objectId: Raw = _ABSENT  # noqa: N815


class _Entry(msgspec.Struct, gc=False):
    timestamp: int
    id: Raw = _ABSENT
    platform: Raw = _ABSENT
    action: Raw = _ABSENT
    userId: Raw = _ABSENT  # noqa: N815
    clientId: Raw = _ABSENT  # noqa: N815
    anypointTransactionId: Raw = _ABSENT  # noqa: N815
    objects: list[_Object] | None = None
    payload: Raw = _ABSENT


_decode_page = msgspec.json.Decoder(_Page).decode
_decode_entry = msgspec.json.Decoder(_Entry).decode


class Page(NamedTuple):
    """One response to an audit query.

    Attributes:
        entries: each entry's own bytes, in the order received.
        total: the total of the whole query, if it was given.
        size: bytes of the response's body.
    """

    entries: list[Raw | bytes]
    total: int | None
    size: int = 0


class Recognized(NamedTuple):
    """Entries with what they are recognized by, three lists of one length.

    Attributes:
        lines: each entry's bytes, without the newlines between its tokens.
        times: Unix milliseconds; None for an entry that names no time, or one that no calendar has.
        keys: 16 bytes of SHA-256 over what cannot change in the entry, and the CRC-32 of all its bytes, which tells
            entries of one identity apart where their bytes differ.
    """

    lines: list[Raw | bytes]
    times: list[int | None]
    keys: list[tuple[bytes, int]]


def read_page(body: bytes) -> Page:
    """Cut a page into its entries.

    Raises:
        BadResponse: it is not a page: not JSON, cut, or without `data`.
    """
    try:
        page = _decode_page(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _read_odd_page(body)
    entries: list[Raw | bytes] = page.data  # type: ignore[assignment]
    if b"\n" in body or b"\r" in body:
        entries = [as_line(raw) for raw in entries]
    return Page(entries, count_of(bytes(page.total)), len(body))


def _read_odd_page(body: bytes) -> Page:
    """Cut a page that a fast reader refuses but JSON allows (lone surrogates, deep nesting), or is near enough."""
    try:
        members = scan(body, listed="data")
    except NotJson as error:
        raise BadResponse("its response is not JSON, or was cut") from error
    if members.elements is None:
        raise BadResponse("its response has no list of entries")
    entries: list[Raw | bytes] = [as_line(element) for element in members.elements]
    return Page(entries, count_of(members.values.get("total", b"")), len(body))


def count_of(text: bytes) -> int | None:
    """Return the number of entries that a JSON value names; None for what cannot be one."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if 0 <= value <= MOST_ENTRIES and value == int(value) else None


def recognize(lines: list[Raw | bytes]) -> Recognized:
    """Return `lines` with what each is recognized by.

    The identity covers what the source never rewrites: `id` (should there be one), timestamp, platform, action,
    actor, transaction, the type and id of each object, and the payload. Names are left out: they follow the object's
    current name unless versioned objects are asked for ("Audit Log Query API", getVersionedObjectsInLogs).
    An entry of another shape than the documented one is recognized by all of its bytes.
    """
    crc32 = isal_zlib.crc32
    try:
        entries = [_decode_entry(line) for line in lines]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        found = [_recognize_one(line) for line in lines]
        return Recognized(lines, [time for time, _ in found], [key for _, key in found])
    keys = [(_identity(entry), crc32(line)) for entry, line in zip(entries, lines, strict=True)]
    times = [entry.timestamp for entry in entries]
    usable = not times or 0 <= min(times) <= max(times) < END_OF_TIME
    return Recognized(lines, list(times) if usable else list(map(usable_time, times)), keys)


def _recognize_one(line: Raw | bytes) -> tuple[int | None, tuple[bytes, int]]:
    checksum = isal_zlib.crc32(line)
    try:
        entry = _decode_entry(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _odd_time(line), (sha256(line).digest()[:16], checksum)
    return usable_time(entry.timestamp), (_identity(entry), checksum)


def _identity(entry: _Entry) -> bytes:
    objects = entry.objects
    if objects and len(objects) == 1:
        first = objects[0]
        kind: Raw | bytes = first.objectType
        named: Raw | bytes = first.objectId
    elif objects:
        kind, named = b"", _SEPARATOR.join(sorted(_SEPARATOR.join((o.objectType, o.objectId)) for o in objects))
    else:
        kind = named = b""
    fields = (
        b"%d" % entry.timestamp,
        entry.id,
        entry.platform,
        entry.action,
        entry.userId,
        entry.clientId,
        entry.anypointTransactionId,
        entry.payload,
        kind,
        named,
    )
    return sha256(_SEPARATOR.join(fields)).digest()[:16]


def _odd_time(raw: Raw | bytes) -> int | None:
    """Return Unix milliseconds of an entry of an unknown shape, if it names a time in any known way."""
    try:
        stamp = scan(bytes(raw)).values.get("timestamp", b"")
    except NotJson:
        return None
    if len(stamp) > LONGEST_TIME:
        return None
    text = stamp.decode("utf-8", "surrogateescape")
    if stamp.startswith(b'"'):
        text = json.loads(text, strict=False)
        time = _time_of_date(text)
        return _time_of_number(text, _DIGITS) if time is None else time
    return _time_of_number(text, _NUMBER)


def _time_of_date(text: str) -> int | None:
    """Return Unix milliseconds of a date and time in ISO 8601, in UTC where it does not say."""
    try:
        moment = datetime.fromisoformat(text)
        return usable_time(int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))
    except (ValueError, OverflowError):
        return None


def _time_of_number(text: str, form: re.Pattern[str]) -> int | None:
    """Return Unix milliseconds written as a number."""
    if not form.fullmatch(text):
        return None
    number = float(text)
    return usable_time(int(number)) if math.isfinite(number) else None


def usable_time(milliseconds: int) -> int | None:
    """Return a Unix time in milliseconds if it has a day, and a day after it, from 1970 on; None if not."""
    return milliseconds if 0 <= milliseconds < END_OF_TIME else None


def as_line(raw: Raw | bytes) -> bytes:
    """Return an entry's bytes without the newlines between its tokens: JSON has none inside a string."""
    return bytes(raw).replace(b"\n", b"").replace(b"\r", b"")
