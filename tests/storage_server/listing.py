"""Listing objects: prefix, delimiter, offsets, glob, versions, pages."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from tests.storage_server.errors import ApiError
from tests.storage_server.wire import Request, Response, json_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.storage_server.objects import StoredObject
    from tests.storage_server.state import State

_PAGE = 1000

#: What a listing consists of: its sort key, and an object, or None for a common prefix (the key's name).
Entry = tuple[tuple[str, int], "StoredObject | None"]


def list_(state: State, request: Request) -> Response:
    """The JSON API's list; `prefixes` and `items` of a page are at most `maxResults` together."""
    entries, token = page(state, request)
    resource: dict[str, Any] = {"kind": "storage#objects"}
    prefixes = [key[0] for key, found in entries if found is None]
    items = [found.resource(request.base) for _, found in entries if found is not None]
    resource |= {"prefixes": prefixes} if prefixes else {}
    resource |= {"items": items} if items else {}
    resource |= {"nextPageToken": token} if token else {}
    return json_response(resource, request)


def page(state: State, request: Request) -> tuple[list[Entry], str]:
    """One page of entries, and the token of the next (empty: there is none)."""
    limit = request.number("maxResults")
    limit = _PAGE if limit is None else max(1, min(limit, _PAGE))
    start = _decode(request.param("pageToken")) if request.param("pageToken") else ("", -1)
    entries = [entry for entry in _entries(_versions(state, request), request) if entry[0] > start]
    chosen = entries[:limit]
    return chosen, _encode(chosen[-1][0]) if len(entries) > limit else ""


def _versions(state: State, request: Request) -> list[StoredObject]:
    """All versions that the request's filters let through, in order of name and generation."""
    with state.lock:
        bucket = state.bucket(request.bucket)
        found = list(bucket.live.values())
        if request.flag("versions"):
            found += bucket.noncurrent
        if request.flag("softDeleted"):
            found = list(bucket.soft_deleted)
    prefix, start, end = (request.param(key) for key in ("prefix", "startOffset", "endOffset"))
    glob = glob_pattern(request.param("matchGlob")) if request.param("matchGlob") else None
    return sorted(
        (
            version
            for version in found
            if version.name.startswith(prefix)
            and version.name >= start
            and (not end or version.name < end)
            and (glob is None or glob.fullmatch(version.name))
        ),
        key=lambda version: (version.name, version.generation),
    )


def _entries(versions: list[StoredObject], request: Request) -> Iterator[Entry]:
    """Fold names that continue after the delimiter into common prefixes, each once."""
    prefix, delimiter = request.param("prefix"), request.param("delimiter")
    trailing = request.flag("includeTrailingDelimiter")
    last = ""
    for version in versions:
        common = _common(version.name, prefix, delimiter)
        if common and common != last:
            yield (common, -1), None
            last = common
        if not common or (trailing and version.name == common):
            yield (version.name, version.generation), version


def _common(name: str, prefix: str, delimiter: str) -> str:
    if not delimiter:
        return ""
    end = name.find(delimiter, len(prefix))
    return "" if end < 0 else name[: end + len(delimiter)]


def _encode(key: tuple[str, int]) -> str:
    return base64.urlsafe_b64encode(f"{key[1]}/{key[0]}".encode()).decode()


def _decode(token: str) -> tuple[str, int]:
    try:
        generation, _, name = base64.urlsafe_b64decode(token.encode()).decode().partition("/")
        return name, int(generation)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise ApiError(400, "Invalid argument: pageToken") from None


def glob_pattern(glob: str) -> re.Pattern[str]:
    """Translate a matchGlob: `*` and `?` stay within a segment, `**` does not, `{a,b}` is either."""
    out, depth, i = "", 0, 0
    while i < len(glob):
        char = glob[i]
        if glob.startswith("**", i):
            out, i = out + ".*", i + 1
        elif char in "*?":
            out += "[^/]*" if char == "*" else "[^/]"
        elif char == "[" and "]" in glob[i + 2 :]:
            end = glob.index("]", i + 2)
            out, i = out + "[" + glob[i + 1 : end].replace("!", "^", 1) + "]", end
        elif char in "{}":
            out, depth = out + ("(?:" if char == "{" else ")"), depth + (1 if char == "{" else -1)
        else:
            out += "|" if char == "," and depth else re.escape(char)
        i += 1
    return re.compile(out, re.DOTALL)
