"""CRC32C and MD5 as the service spells them, and checking what a client claims."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from tests.storage_server.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.storage_server.wire import Headers

try:
    from google_crc32c import value as _native
except ImportError:  # the server itself needs the standard library only
    _native = None


def _table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _table()


def _pure(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def crc32c(data: bytes) -> str:
    """Big-endian, base64, as in `crc32c` of an object resource."""
    number = _native(data) if _native else _pure(data)
    return base64.b64encode(number.to_bytes(4, "big")).decode()


def md5(data: bytes) -> str:
    """Base64, as in `md5Hash` of an object resource."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def claimed(headers: Headers) -> dict[str, str]:
    """The checksums a request's headers claim for its body: X-Goog-Hash and Content-MD5."""
    found = {}
    for item in headers.get("X-Goog-Hash", "").split(","):
        kind, _, digest = item.strip().partition("=")
        if kind in ("crc32c", "md5"):
            found[kind] = digest
    if "Content-MD5" in headers:
        found["md5"] = headers["Content-MD5"]
    return found


def verify(data: bytes, claims: Mapping[str, str]) -> None:
    """Refuse data that is not what its sender says it is."""
    for kind, function in (("crc32c", crc32c), ("md5", md5)):
        wanted = claims.get(kind)
        if wanted and wanted != (actual := function(data)):
            raise ApiError(
                400,
                f"Provided {kind.upper()} hash {wanted!r} doesn't match calculated {kind.upper()} hash {actual!r}.",
            )
