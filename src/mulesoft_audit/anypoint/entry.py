"""The shape of an entry: cut out of a page by its bytes, placed in time, and recognized when seen again.

An entry is never decoded as a whole and never encoded again: big integers, number spelling, key order and escapes
reach the archive as they were received.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

import msgspec
from isal import isal_zlib
from msgspec import Raw

from mulesoft_audit.anypoint.response import BadResponse

_ABSENT = Raw(b"")
_SEPARATOR = b"\x1f"  # cannot occur unescaped in JSON, so that no two field lists join to the same bytes


class _Page(msgspec.Struct):
    data: list[Raw]
    total: int | float | None = None


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
        times: Unix milliseconds; None for an entry that names no time.
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
    total = page.total
    entries: list[Raw | bytes] = page.data  # type: ignore[assignment]
    if b"\n" in body or b"\r" in body:
        entries = [as_line(raw) for raw in entries]
    return Page(entries, int(total) if total is not None else None, len(body))


def _read_odd_page(body: bytes) -> Page:
    """Cut a page that a strict reader refuses but JSON allows (lone surrogates, deep nesting), or is near enough."""
    text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise BadResponse("its response is not JSON, or was cut") from error
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        raise BadResponse("its response has no list of entries")
    total = value.get("total")
    entries: list[Raw | bytes] = [as_line(raw) for raw in _elements_of_data(text)]
    if len(entries) != len(value["data"]):
        raise BadResponse("its response names its entries twice")
    return Page(
        entries,
        int(total) if isinstance(total, int | float) else None,
        len(body),
    )


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]', re.DOTALL)


def _elements_of_data(text: str) -> list[bytes]:
    """Return the bytes of each element of the top level's `data`, by brackets and commas. `text` is valid JSON."""
    elements: list[bytes] = []
    depth, start, key, inside = 0, 0, "", False
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark in "]}" and depth == 2 and inside:
            _append(elements, text[start : token.start()])
            inside = False
        if mark in "[{":
            depth += 1
            if depth == 2 and mark == "[" and key == '"data"':
                elements.clear()  # the last of two members of one name counts, as it does for every JSON reader
                inside, start = True, token.end()
        elif mark in "]}":
            depth -= 1
        elif mark == "," and inside and depth == 2:
            _append(elements, text[start : token.start()])
            start = token.end()
        elif mark[0] == '"' and depth == 1:
            key = mark
    return elements


def _append(elements: list[bytes], text: str) -> None:
    element = text.strip(" \t\r\n")
    if element:
        elements.append(element.encode("utf-8", "surrogateescape"))


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
    return Recognized(lines, [entry.timestamp for entry in entries], keys)


def _recognize_one(line: Raw | bytes) -> tuple[int | None, tuple[bytes, int]]:
    checksum = isal_zlib.crc32(line)
    try:
        entry = _decode_entry(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _odd_timestamp(line), (sha256(line).digest()[:16], checksum)
    return entry.timestamp, (_identity(entry), checksum)


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


def _odd_timestamp(raw: Raw | bytes) -> int | None:
    """Return Unix milliseconds of an entry of an unknown shape, if it names a time in any known way."""
    try:
        value = json.loads(bytes(raw).decode("utf-8", "surrogateescape"), strict=False)
    except (ValueError, RecursionError):
        return None
    stamp = value.get("timestamp") if isinstance(value, dict) else None
    if isinstance(stamp, str):
        try:
            moment = datetime.fromisoformat(stamp)
        except ValueError:
            return int(stamp) if stamp.isdigit() else None
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    if isinstance(stamp, int | float) and not isinstance(stamp, bool) and abs(stamp) < 1e15:
        return int(stamp)
    return None


def as_line(raw: Raw | bytes) -> bytes:
    """Return an entry's bytes without the newlines between its tokens: JSON has none inside a string."""
    return bytes(raw).replace(b"\n", b"").replace(b"\r", b"")
