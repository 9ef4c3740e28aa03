"""HTTP/1.1 on bytes: requests out of a connection's buffer, answers into one."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, unquote

import msgspec

JSON, HTML, TEXT = "application/json; charset=utf-8", "text/html; charset=utf-8", "text/plain; charset=utf-8"
MAX_HEAD = 32 * 1024
MAX_BODY = 1024 * 1024
MAX_CONTROL_BODY = 64 * 1024 * 1024
CONTROL = "/simulator/"


class MalformedError(Exception):
    """What arrived is not a request that can be answered; the connection is closed after this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    ip: str

    def flag(self, name: str) -> bool:
        """Return whether a query parameter is set to true."""
        return self.query.get(name, ["false"])[-1].lower() == "true"

    def first(self, name: str, default: str = "") -> str:
        """Return a query parameter."""
        return self.query.get(name, [default])[0]

    @property
    def keep_alive(self) -> bool:
        """Whether the client wants the connection to stay."""
        return self.headers.get("connection", "").lower() != "close"


@dataclass(slots=True)
class Reply:
    """One answer, and what goes wrong on its way.

    Attributes:
        delay: seconds before it is sent.
        drip: seconds over which its body is sent.
        reset: "answer": the connection is reset instead; "body": it is reset amid the body.
        cut: the body ends after half of its announced length.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    drip: float = 0
    reset: str = ""
    cut: bool = False

    @classmethod
    def json(cls, document: object, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
        """Return an answer with a JSON body."""
        return cls(status, msgspec.json.encode(document), headers=headers or {})

    def head(self, *, close: bool) -> bytes:
        """Return the status line and the headers."""
        lines = [f"HTTP/1.1 {self.status} {reason(self.status)}", f"Content-Length: {len(self.body)}"]
        if self.body:
            lines.append(f"Content-Type: {self.content_type}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if close:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def reason(status: int) -> str:
    """Return the phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def read_request(buffer: bytearray, ip: str) -> Request | None:
    """Take one whole request off the buffer; None if it is not all there yet.

    Raises:
        MalformedError: it never will be a request.
    """
    end = buffer.find(b"\r\n\r\n", 0, MAX_HEAD)
    if end < 0:
        if len(buffer) >= MAX_HEAD:
            raise MalformedError(431)
        return None
    method, target, headers = _read_head(bytes(buffer[:end]))
    path, _, query = target.partition("?")
    start, length = end + 4, _body_length(headers, MAX_CONTROL_BODY if path.startswith(CONTROL) else MAX_BODY)
    if len(buffer) < start + length:
        return None
    body = bytes(buffer[start : start + length])
    del buffer[: start + length]
    parameters = parse_qs(query, keep_blank_values=True) if query else {}
    return Request(method, unquote(path), parameters, headers, body, ip)


def _read_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise MalformedError(400)
    headers = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon:
            raise MalformedError(400)
        headers[name.lower()] = value.strip()
    return words[0], words[1], headers


def _body_length(headers: dict[str, str], most: int) -> int:
    if "transfer-encoding" in headers:
        raise MalformedError(411)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise MalformedError(400)
    if int(length) > most:
        raise MalformedError(413)
    return int(length)
