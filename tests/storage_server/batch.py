"""Batch requests: many calls in one multipart body, answered in the same order."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.storage_server import multipart
from tests.storage_server.errors import ApiError
from tests.storage_server.wire import Headers, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

_BOUNDARY = "batch_storage_test_server"
_LIMIT = 100


def is_batch(request: Request) -> bool:
    return request.method == "POST" and request.segments[0] == "batch"


def answer(request: Request, one: Callable[[Request], Response]) -> Response:
    """Carry out each call with `one` and put the answers together."""
    parts = multipart.split(request.body, request.headers.get("Content-Type", ""))
    if len(parts) > _LIMIT:
        raise ApiError(413, f"The maximum number of calls in a single batch request is {_LIMIT}.")
    answers = [_wrapped(headers.get("content-id", ""), one(_inner(data, request))) for headers, data in parts]
    body = b"".join(f"--{_BOUNDARY}\r\n".encode() + text for text in answers) + f"--{_BOUNDARY}--\r\n".encode()
    return Response(200, body, {"Content-Type": f'multipart/mixed; boundary="{_BOUNDARY}"'})


def _inner(data: bytes, outer: Request) -> Request:
    head, _, body = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    first, _, rest = head.decode().lstrip().partition("\n")
    method, url, *_ = first.split(" ")
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return Request(method, target, Headers(multipart.headers(rest).items()), body.strip(), outer.base)


def _wrapped(content_id: str, response: Response) -> bytes:
    phrase = HTTPStatus(response.status).phrase if response.status in set(HTTPStatus) else ""
    inner = "".join(f"{key}: {value}\r\n" for key, value in response.headers.items())
    number = content_id.strip("<>")
    head = f"Content-Type: application/http\r\nContent-ID: <response-{number}>\r\n\r\n"
    head += f"HTTP/1.1 {response.status} {phrase}\r\n{inner}Content-Length: {len(response.body)}\r\n\r\n"
    return head.encode() + response.body + b"\r\n"
