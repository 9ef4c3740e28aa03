"""The JSON API of objects: get, media, list, patch, delete, compose, copy, restore."""

from __future__ import annotations

import gzip
import re
import zlib
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from tests.storage_server import checksums
from tests.storage_server.conditions import Conditions
from tests.storage_server.errors import ApiError
from tests.storage_server.objects import StoredObject, Upload, check_name, merged, writable
from tests.storage_server.wire import Request, Response, integer, json_response

if TYPE_CHECKING:
    from tests.storage_server.state import State

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def get(state: State, request: Request) -> Response:
    """An object's resource, or with alt=media its bytes."""
    conditions = Conditions.of(request)
    found = state.find(request.bucket, request.name, request.number("generation"))
    state.check(conditions, found, reading=True)
    if request.param("alt") == "media" or request.segments[0] == "download":
        return media(found, request)
    return json_response(found.resource(request.base), request)


def media(found: StoredObject, request: Request) -> Response:
    """An object's bytes: all of them, a range, or unzipped for a client that does not take gzip."""
    headers = media_headers(found)
    encoding = found.settings.get("contentEncoding", "")
    takes_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
    no_transform = "no-transform" in found.settings.get("cacheControl", "")
    if encoding == "gzip" and not takes_gzip and not no_transform:
        return Response(200, _unzipped(found.data), headers | {"Warning": "214 UploadServer gunzipped"})
    if encoding:
        headers["Content-Encoding"] = encoding
    return ranged(found.data, request.headers.get("Range", ""), headers)


def _unzipped(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        raise ApiError(503, "Stored with Content-Encoding gzip, but it is not gzip.") from None


def media_headers(found: StoredObject) -> dict[str, str]:
    """The headers that go with an object's bytes."""
    hashes = [f"crc32c={found.crc32c}"] + ([f"md5={found.md5}"] if found.md5 else [])
    headers = {
        "Content-Type": found.content_type,
        "ETag": found.etag,
        "Last-Modified": formatdate(found.generation / 1e6, usegmt=True),
        "X-Goog-Generation": str(found.generation),
        "X-Goog-Metageneration": str(found.metageneration),
        "X-Goog-Hash": ",".join(hashes),
        "X-Goog-Storage-Class": "STANDARD",
        "X-Goog-Stored-Content-Encoding": found.settings.get("contentEncoding", "identity"),
        "X-Goog-Stored-Content-Length": str(len(found.data)),
    }
    named = {"cacheControl": "Cache-Control", "contentDisposition": "Content-Disposition"}
    return headers | {header: found.settings[key] for key, header in named.items() if key in found.settings}


def ranged(data: bytes, wanted: str, headers: dict[str, str]) -> Response:
    """Apply a Range header; one that cannot be read, or names several ranges, is ignored."""
    match = _RANGE.fullmatch(wanted.strip())
    if not match or match.groups() == ("", ""):
        return Response(200, data, headers)
    first, last = match.groups()
    start = int(first) if first else max(len(data) - int(last), 0)
    end = min(int(last), len(data) - 1) if first and last else len(data) - 1
    if start > end or (not first and int(last) == 0):
        raise ApiError(416, "The requested range cannot be satisfied.")
    content_range = {"Content-Range": f"bytes {start}-{end}/{len(data)}"}
    return Response(206, data[start : end + 1], headers | content_range)


def patch(state: State, request: Request) -> Response:
    """PATCH merges metadata; PUT replaces it."""
    new = state.set_settings(
        request.bucket,
        request.name,
        request.json,
        Conditions.of(request),
        generation=request.number("generation"),
        whole=request.method == "PUT",
    )
    return json_response(new.resource(request.base), request)


def delete(state: State, request: Request) -> Response:
    state.delete(request.bucket, request.name, request.number("generation"), Conditions.of(request))
    return Response(204)


def restore(state: State, request: Request) -> Response:
    generation = request.number("generation")
    if generation is None:
        raise ApiError(400, "Required parameter: generation", "required")
    made = state.restore(request.bucket, request.name, generation, Conditions.of(request))
    return json_response(made.resource(request.base), request)


def compose(state: State, request: Request) -> Response:
    """Concatenate up to 32 objects of the bucket; the result has no MD5."""
    sources = request.json.get("sourceObjects", [])
    if not 1 <= len(sources) <= 32:
        raise ApiError(400, "The number of source components provided must be between 1 and 32.")
    check_name(request.name)
    with state.lock:
        parts = [_source(state, request.bucket, source) for source in sources]
        data = b"".join(part.data for part in parts)
        settings = writable(request.json.get("destination", {}))
        components = sum(part.components or 1 for part in parts)
        upload = Upload(request.name, data, settings, checksums.crc32c(data), None, components)
        made = state.write(request.bucket, upload, Conditions.of(request))
    return json_response(made.resource(request.base), request)


def _source(state: State, bucket: str, source: dict[str, Any]) -> StoredObject:
    generation = source.get("generation")
    wanted = integer(str(generation), "generation") if generation is not None else None
    found = state.find(bucket, str(source.get("name", "")), wanted)
    demanded = source.get("objectPreconditions", {}).get("ifGenerationMatch")
    if demanded is not None:
        state.check(Conditions(integer(str(demanded), "ifGenerationMatch")), found)
    return found


def copy(state: State, request: Request) -> Response:
    """Copy whole, within one lock; `source` and `from` in the route are where it comes from."""
    return json_response(_copied(state, request).resource(request.base), request)


def rewrite(state: State, request: Request) -> Response:
    """The same as a rewrite that is done at the first call."""
    made = _copied(state, request)
    size = str(len(made.data))
    done = {"kind": "storage#rewriteResponse", "totalBytesRewritten": size, "objectSize": size, "done": True}
    return json_response({**done, "resource": made.resource(request.base)}, request)


def _copied(state: State, request: Request) -> StoredObject:
    check_name(request.name)
    with state.lock:
        source = state.find(request.args["from"], request.args["source"], request.number("sourceGeneration"))
        state.check(Conditions.of(request, "ifSource"), source)
        settings = writable(request.json) if request.json else source.settings
        settings = merged({"contentType": source.content_type}, settings)
        upload = Upload(request.name, source.data, settings, source.crc32c, source.md5, source.components)
        return state.write(request.bucket, upload, Conditions.of(request))
