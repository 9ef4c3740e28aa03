"""The three ways of the JSON API to send an object: media, multipart, resumable."""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.storage_server import checksums, multipart
from tests.storage_server.conditions import Conditions
from tests.storage_server.errors import ApiError
from tests.storage_server.objects import StoredObject, Upload, check_name
from tests.storage_server.wire import Request, Response, decode_json, json_response

if TYPE_CHECKING:
    from tests.storage_server.state import State

_QUANTUM = 256 * 1024
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass
class Session:
    """One resumable upload. Its lock keeps two requests for it from interleaving."""

    key: str
    bucket: str
    resource: dict[str, Any]
    conditions: Conditions
    received: bytearray = field(default_factory=bytearray)
    made: StoredObject | None = None
    cancelled: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.resource["name"])


def kind(state: State, request: Request) -> str:
    """Name an upload request for faults and counters, and find its object's name.

    `insert` is a request that commits an object, whichever way it was sent.
    """
    how = request.param("uploadType", "media" if request.method == "POST" else "resumable")
    if "upload_id" in request.query:
        return _session_kind(state, request)
    if how == "resumable":
        request.args["name"] = str(_resource(request, request.body)["name"])
        return "upload-start"
    request.args["name"] = request.param("name")
    if how == "multipart":
        request.args["name"] = str(_resource(request, _related(request)[0][1])["name"])
    return "insert"


def _session_kind(state: State, request: Request) -> str:
    session = _session(state, request)
    request.args["name"] = session.name
    if request.method == "DELETE":
        return "upload-cancel"
    first, last, total = content_range(request)
    if first is None and not (total == 0 or last is not None):
        return "upload-status"
    return "insert" if total is not None and (last is None or last + 1 == total) else "upload-chunk"


def _resource(request: Request, body: bytes) -> dict[str, Any]:
    resource = decode_json(body)
    name = resource.get("name") or request.param("name")
    return {**resource, "name": name}


def _related(request: Request) -> list[multipart.Part]:
    parts = multipart.split(request.body, request.headers.get("Content-Type", ""))
    if len(parts) != 2:
        raise ApiError(400, f"A multipart upload has two parts, not {len(parts)}.")
    return parts


def insert(state: State, request: Request) -> Response:
    """POST to the upload address: store a whole object, or begin a resumable upload."""
    how = request.param("uploadType", "media")
    if how == "resumable":
        return start(state, request)
    if how == "multipart":
        (_, head), (part, data) = _related(request)
        resource = _resource(request, head)
        _default_type(resource, part.get("content-type", ""))
    elif how == "media":
        data, resource = request.body, {"name": request.param("name")}
        _default_type(resource, request.headers.get("Content-Type", ""))
    else:
        raise ApiError(400, f"Invalid value for uploadType: {how!r}")
    if request.param("contentEncoding"):
        resource["contentEncoding"] = request.param("contentEncoding")
    upload = Upload.of(str(resource["name"]), data, resource, checksums.claimed(request.headers))
    made = state.write(request.bucket, upload, Conditions.of(request))
    return json_response(made.resource(request.base), request)


def _default_type(resource: dict[str, Any], content_type: str) -> None:
    if not resource.get("contentType") and content_type:
        resource["contentType"] = content_type


def start(state: State, request: Request) -> Response:
    """Begin a resumable upload: its preconditions are held against the object now, and again at the end."""
    resource = _resource(request, request.body)
    check_name(str(resource["name"]))
    _default_type(resource, request.headers.get("X-Upload-Content-Type", ""))
    conditions = Conditions.of(request)
    state.check(conditions, state.live(request.bucket, str(resource["name"])))
    session = Session(secrets.token_urlsafe(24), request.bucket, resource, conditions)
    with state.lock:
        state.sessions[session.key] = session
    path = f"{request.base}/upload/storage/v1/b/{request.bucket}/o"
    location = f"{path}?uploadType=resumable&upload_id={session.key}"
    return Response(200, b"", {"Location": location, "X-GUploader-UploadID": session.key})


def _session(state: State, request: Request) -> Session:
    with state.lock:
        session = state.sessions.get(request.param("upload_id"))
    if session is None or session.bucket != request.bucket:
        raise ApiError(404, "Not Found: no such upload session.")
    return session


def content_range(request: Request) -> tuple[int | None, int | None, int | None]:
    """First byte, last byte and total of a PUT; without Content-Range the body is the whole object."""
    text = request.headers.get("Content-Range")
    size = len(request.body)
    if not text:
        return 0, size - 1, size
    match = _RANGE.fullmatch(text.strip())
    if not match:
        raise ApiError(400, f"Failed to parse Content-Range header: {text}")
    first, last, total = match.groups()
    whole = None if total == "*" else int(total)
    if first is None:
        return None, None, whole
    if int(last) - int(first) + 1 != size or (whole is not None and int(last) >= whole):
        raise ApiError(400, f"Content-Range {text} does not agree with a body of {size} bytes.")
    return int(first), int(last), whole


def put(state: State, request: Request) -> Response:
    """A chunk, the last chunk, or (with `bytes */N`) the question of how far the upload is."""
    session = _session(state, request)
    with session.lock:
        if session.cancelled:
            raise ApiError(410, "The upload session was cancelled.")
        if session.made is not None:
            return json_response(session.made.resource(request.base), request)
        first, _, total = content_range(request)
        if first is not None:
            _append(session, first, request.body, final=total is not None and first + len(request.body) == total)
        if total is None or len(session.received) < total:
            return _incomplete(session)
        return _finish(state, session, request)


def cancel(state: State, request: Request) -> Response:
    """DELETE of a session: nothing of it is kept."""
    _session(state, request).cancelled = True
    return Response(499)


def _append(session: Session, first: int, data: bytes, *, final: bool) -> None:
    """Take the bytes that are new; of a chunk that is not the last, whole 256 KiB only."""
    held = len(session.received)
    if first > held:
        raise ApiError(
            400,
            f"Invalid request. According to the Content-Range header, the upload offset is {first} byte(s), "
            f"which exceeds already uploaded size of {held} byte(s).",
        )
    if not final and len(data) < _QUANTUM:
        raise ApiError(
            400,
            "Invalid request. The number of bytes uploaded is required to be equal or greater than 262144, "
            "except for the final request.",
        )
    new = data[held - first :]
    session.received += new if final else new[: len(new) - (held + len(new)) % _QUANTUM]


def _incomplete(session: Session) -> Response:
    held = len(session.received)
    headers = {"X-GUploader-UploadID": session.key}
    return Response(308, b"", headers | ({"Range": f"bytes=0-{held - 1}"} if held else {}))


def _finish(state: State, session: Session, request: Request) -> Response:
    data = bytes(session.received)
    try:
        upload = Upload.of(session.name, data, session.resource, checksums.claimed(request.headers))
        session.made = state.write(session.bucket, upload, session.conditions)
    except ApiError as error:
        session.cancelled = error.status == 400
        raise
    return json_response(session.made.resource(request.base), request)
