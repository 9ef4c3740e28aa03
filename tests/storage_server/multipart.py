"""Splitting multipart bodies, with CRLF line ends or (as the gcloud tool sends them) LF ones."""

from __future__ import annotations

import re

from tests.storage_server.errors import ApiError

_BOUNDARY = re.compile(r"""boundary=(?:"([^"]+)"|'([^']+)'|([^;\s]+))""", re.IGNORECASE)

Part = tuple[dict[str, str], bytes]


def split(body: bytes, content_type: str) -> list[Part]:
    """The parts of a multipart body: headers with lower-case names, and bytes."""
    match = _BOUNDARY.search(content_type)
    if not match:
        raise ApiError(400, "Missing boundary in the Content-Type of a multipart body.")
    mark = b"--" + next(group for group in match.groups() if group).encode()
    eol = _line_end(body, mark)
    chunks = (eol + body).split(eol + mark)[1:]
    closed = next((i for i, chunk in enumerate(chunks) if chunk.startswith(b"--")), None)
    if closed is None:
        raise ApiError(400, "Missing end boundary in multipart body.")
    return [_part(chunk, eol) for chunk in chunks[:closed]]


def _line_end(body: bytes, mark: bytes) -> bytes:
    start = body.find(mark)
    if start < 0:
        raise ApiError(400, "Multipart body without its boundary.")
    return b"\r\n" if body[start + len(mark) :].lstrip(b" \t").startswith(b"\r\n") else b"\n"


def _part(chunk: bytes, eol: bytes) -> Part:
    _, _, rest = chunk.partition(eol)
    if rest.startswith(eol):
        return {}, rest[len(eol) :]
    head, _, data = rest.partition(eol + eol)
    return headers(head.decode("latin-1")), data


def headers(text: str) -> dict[str, str]:
    """Header lines as a dictionary with lower-case names."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        found[name.strip().lower()] = value.strip()
    return found
