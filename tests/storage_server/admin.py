"""What a test in another process may do to the server: /faults, /faults/counters, /faults/objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.storage_server.errors import ApiError
from tests.storage_server.wire import Request, Response, json_response

if TYPE_CHECKING:
    from tests.storage_server.server import StorageServer

_FAULT = ("how", "method", "name_glob", "times", "after")


def is_admin(request: Request) -> bool:
    return request.segments[0] == "faults"


def answer(server: StorageServer, request: Request) -> Response:
    """Plan, show or drop faults; show or forget counters; show what is stored."""
    handlers = {
        ("POST", "faults"): _plan,
        ("GET", "faults"): _faults,
        ("DELETE", "faults"): _heal,
        ("GET", "faults/counters"): _counters,
        ("DELETE", "faults/counters"): _forget,
        ("GET", "faults/objects"): _objects,
        ("POST", "faults/deny"): _deny,
    }
    handler = handlers.get((request.method, "/".join(request.segments)))
    if handler is None:
        raise ApiError(404, "Not Found")
    return json_response(handler(server, request))


def _plan(server: StorageServer, request: Request) -> Any:
    wanted = {key: value for key, value in request.json.items() if key in _FAULT}
    try:
        return server.fail(**wanted).resource()
    except (TypeError, ValueError) as error:
        raise ApiError(400, str(error)) from None


def _faults(server: StorageServer, _request: Request) -> Any:
    return {"faults": [fault.resource() for fault in server.faults]}


def _heal(server: StorageServer, _request: Request) -> Any:
    server.heal()
    return {}


def _counters(server: StorageServer, _request: Request) -> Any:
    return dict(server.counts)


def _forget(server: StorageServer, _request: Request) -> Any:
    server.forget()
    return {}


def _objects(server: StorageServer, request: Request) -> Any:
    found = server.objects(request.param("prefix"), bucket=request.param("bucket") or None)
    return {"items": [stored.resource(request.base) for stored in found.values()]}


def _deny(server: StorageServer, request: Request) -> Any:
    server.deny(*request.json.get("permissions", []))
    return {}
