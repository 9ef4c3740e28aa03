"""Reading a response's body: inflated, whole, and never more of it than the memory holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isal import isal_zlib

from mulesoft_audit.anypoint.response import BadResponse, TooLarge

if TYPE_CHECKING:
    import urllib3

    from mulesoft_audit.anypoint.bounds import Bounds

MAX_BODY = 32 << 20  #: bytes of one body, inflated; a page that is larger is asked for in smaller pages
READ_SIZE = 1 << 18


def read_body(response: urllib3.BaseHTTPResponse, bounds: Bounds) -> bytes:
    """Return the body of a response whose headers were read, within its request's bounds.

    Raises:
        TooLarge: it has more than `MAX_BODY` bytes.
        BadResponse: it was cut, is not encoded as it says, or took too long.
        Interrupted: it is time to stop.
    """
    inflater = _inflater(response)
    chunks: list[bytes] = []
    size = 0
    while chunk := response.read1(READ_SIZE, decode_content=False):
        chunk = _inflated(inflater, chunk, MAX_BODY + 1 - size)
        size += len(chunk)
        if size > MAX_BODY:
            raise TooLarge(f"Anypoint's response is larger than {MAX_BODY >> 20} MiB.")
        chunks.append(chunk)
        bounds.allow(size)
    if inflater is not None and chunks and not inflater.eof:
        raise BadResponse("its response was cut")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _inflater(response: urllib3.BaseHTTPResponse) -> isal_zlib.Decompress | None:
    """Return what inflates a body; None if it is not deflated."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise BadResponse(f"its response is encoded as {encoding[:20]!r}, which was not asked for")
    return isal_zlib.decompressobj(31) if encoding.endswith("gzip") else None


def _inflated(inflater: isal_zlib.Decompress | None, chunk: bytes, most: int) -> bytes:
    if inflater is None:
        return chunk
    try:
        inflated: bytes = inflater.decompress(chunk, most)
    except isal_zlib.IsalError as error:  # type: ignore[misc]
        raise BadResponse("its response is not the gzip it says it is") from error
    return inflated
