"""Requests and responses as the handlers see them, without sockets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from tests.storage_server.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Headers(dict[str, str]):
    """Header fields, whose names are found however they are capitalized."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        super().__init__((name.lower(), value) for name, value in fields)

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # no overloads
        """The value, or `default`."""
        return super().get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())


@dataclass
class Request:
    """One request: what was asked, and what the route took out of its path (`args`)."""

    method: str
    target: str
    headers: Headers
    body: bytes
    base: str
    args: dict[str, str] = field(default_factory=dict)

    @property
    def bucket(self) -> str:
        """The bucket's name in the path."""
        return self.args.get("bucket", "")

    @property
    def name(self) -> str:
        """The object's name, from the path, the query or the body."""
        return self.args.get("name", "")

    @cached_property
    def segments(self) -> list[str]:
        """The path's segments, each unquoted by itself: an object's name is one segment."""
        path = self.target.partition("?")[0].strip("/")
        return [unquote(part) for part in path.split("/")]

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """All query parameters."""
        return parse_qs(self.target.partition("?")[2], keep_blank_values=True)

    def param(self, key: str, default: str = "") -> str:
        """A query parameter, the last one if it is repeated."""
        return self.query.get(key, [default])[-1]

    def flag(self, key: str) -> bool:
        """A boolean query parameter."""
        return self.param(key).lower() == "true"

    def number(self, key: str) -> int | None:
        """An int64 query parameter, None if it is not there."""
        return integer(self.query[key][-1], key) if key in self.query else None

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        return decode_json(self.body)


@dataclass
class Response:
    """One answer; `headers` without Content-Length, which the socket side adds."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def integer(text: str, what: str) -> int:
    """Parse an int64 as the service does: anything else is the caller's mistake."""
    try:
        return int(text)
    except ValueError:
        raise ApiError(400, f"Invalid value for {what}: {text!r}") from None


def decode_json(body: bytes) -> dict[str, Any]:
    """Parse a request body that has to be a JSON object; an empty one is an empty object."""
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        raise ApiError(400, "Parse Error", "parseError") from None
    if not isinstance(value, dict):
        raise ApiError(400, "Parse Error", "parseError")
    return value


def json_response(resource: Any, request: Request | None = None, status: int = 200) -> Response:
    """A JSON answer, projected to the request's `fields` if it names some."""
    if request is not None and request.param("fields"):
        resource = project(resource, parse_fields(request.param("fields")))
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    if isinstance(resource, dict) and isinstance(resource.get("etag"), str):
        headers["ETag"] = resource["etag"]
    return Response(status, json.dumps(resource).encode(), headers)


FieldTree = dict[str, Any]


def parse_fields(text: str) -> FieldTree:
    """Parse a partial-response mask: `items(name,metadata/key),nextPageToken`."""
    tree, rest = _fields(text)
    if rest:
        raise ApiError(400, f"Invalid field selection {text}", "invalidParameter", "fields")
    return tree


def _fields(text: str) -> tuple[FieldTree, str]:
    tree: FieldTree = {}
    while text and text[0] != ")":
        key, text = _path(text)
        node = tree
        for part in key[:-1]:
            node = node.setdefault(part, {})
        inner: FieldTree = {}
        if text.startswith("("):
            inner, text = _fields(text[1:])
            if not text.startswith(")"):
                raise ApiError(400, "Invalid field selection", "invalidParameter", "fields")
            text = text[1:]
        node.setdefault(key[-1], {}).update(inner)
        text = text.removeprefix(",")
    return tree, text


def _path(text: str) -> tuple[list[str], str]:
    end = next((i for i, char in enumerate(text) if char in ",()"), len(text))
    key = text[:end].strip()
    if not key:
        raise ApiError(400, f"Invalid field selection {text}", "invalidParameter", "fields")
    return key.split("/"), text[end:]


def project(value: Any, tree: FieldTree) -> Any:
    """Keep of `value` what the mask names; an empty mask keeps everything below it."""
    if not tree or "*" in tree:
        return value
    if isinstance(value, list):
        return [project(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: project(item, tree[key]) for key, item in value.items() if key in tree}
