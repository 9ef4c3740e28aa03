"""As much of the XML API as simple clients use: put, get, head, delete, list."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.sax.saxutils import escape

from tests.storage_server import api, checksums, listing
from tests.storage_server.conditions import Conditions
from tests.storage_server.objects import Upload, rfc3339
from tests.storage_server.wire import Request, Response

if TYPE_CHECKING:
    from tests.storage_server.errors import ApiError
    from tests.storage_server.objects import StoredObject
    from tests.storage_server.state import State

_CODES = {
    304: "NotModified",
    400: "InvalidArgument",
    403: "AccessDenied",
    404: "NoSuchKey",
    409: "BucketAlreadyExists",
    412: "PreconditionFailed",
    416: "InvalidRange",
    429: "SlowDown",
    503: "ServiceUnavailable",
}
_META = "x-goog-meta-"
_LIST = {
    "max-keys": "maxResults",
    "continuation-token": "pageToken",
    "prefix": "prefix",
    "delimiter": "delimiter",
    "start-after": "startOffset",
}


def locate(request: Request) -> None:
    """Find bucket and object in `/bucket/the/whole/rest`."""
    bucket, _, name = request.target.partition("?")[0].lstrip("/").partition("/")
    request.args |= {"bucket": unquote(bucket), "name": unquote(name)}


def error(refusal: ApiError) -> Response:
    """A refusal as the XML API spells it."""
    code = _CODES.get(refusal.status, "InternalError")
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{escape(refusal.message)}"
    headers = {"Content-Type": "application/xml; charset=UTF-8"}
    return Response(refusal.status, f"{body}</Message></Error>".encode(), headers)


def put(state: State, request: Request) -> Response:
    metadata = {key.removeprefix(_META): value for key, value in request.headers.items() if key.startswith(_META)}
    resource = {
        "contentType": request.headers.get("Content-Type", "application/octet-stream"),
        "contentEncoding": request.headers.get("Content-Encoding") or None,
        "metadata": metadata or None,
    }
    upload = Upload.of(request.name, request.body, resource, checksums.claimed(request.headers))
    made = state.write(request.bucket, upload, Conditions.of_headers(request))
    kept = ("ETag", "X-Goog-Generation", "X-Goog-Metageneration", "X-Goog-Hash")
    headers = api.media_headers(made)
    return Response(200, b"", {key: headers[key] for key in kept})


def get(state: State, request: Request) -> Response:
    """GET or HEAD of an object: the socket side leaves a HEAD's body out."""
    found = state.find(request.bucket, request.name, request.number("generation"))
    state.check(Conditions.of_headers(request), found, reading=True)
    answer = api.media(found, request)
    answer.headers |= {_META + key: value for key, value in found.metadata.items()}
    return answer


def delete(state: State, request: Request) -> Response:
    conditions = Conditions.of_headers(request)
    state.delete(request.bucket, request.name, request.number("generation"), conditions)
    return Response(204)


def list_(state: State, request: Request) -> Response:
    """The list of `list-type=2`."""
    for theirs, ours in _LIST.items():
        if theirs in request.query:
            request.query[ours] = request.query[theirs]
    entries, token = listing.page(state, request)
    body = "".join(_entry(key[0], found) for key, found in entries)
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    head = f"<Name>{request.bucket}</Name><Prefix>{escape(request.param('prefix'))}</Prefix>"
    head += f"<IsTruncated>{'true' if token else 'false'}</IsTruncated>{more}"
    space = "http://doc.s3.amazonaws.com/2006-03-01"
    document = f"<?xml version='1.0' encoding='UTF-8'?><ListBucketResult xmlns='{space}'>{head}{body}"
    return Response(200, f"{document}</ListBucketResult>".encode(), {"Content-Type": "application/xml"})


def _entry(name: str, found: StoredObject | None) -> str:
    if found is None:
        return f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
    return (
        f"<Contents><Key>{escape(name)}</Key><Generation>{found.generation}</Generation>"
        f"<MetaGeneration>{found.metageneration}</MetaGeneration><Size>{len(found.data)}</Size>"
        f'<LastModified>{rfc3339(found.generation)}</LastModified><ETag>"{found.etag}"</ETag></Contents>'
    )
