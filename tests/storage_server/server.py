"""The server as a test uses it: start, plan faults, look at what happened."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tests.storage_server import admin, batch, buckets, routes, xml
from tests.storage_server.errors import ApiError
from tests.storage_server.faults import Fault, FaultPlan, How
from tests.storage_server.objects import StoredObject, Upload
from tests.storage_server.sockets import Listener
from tests.storage_server.state import State
from tests.storage_server.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Seen:
    """One request the server has answered, or refused to (status 0: the connection was cut)."""

    kind: str
    method: str
    bucket: str
    name: str
    query: dict[str, list[str]]
    status: int


class Cut(Exception):
    """Cut the connection; after sending `response` only as far as half its body, if there is one."""

    def __init__(self, response: Response | None = None) -> None:
        super().__init__()
        self.response = response


class StorageServer:
    """A Cloud Storage server on 127.0.0.1.

    `with StorageServer() as server:` starts it; `server.url` is what STORAGE_EMULATOR_HOST should be.
    A handler that crashed makes the end of the `with` fail.
    """

    def __init__(
        self, *, port: int = 0, buckets: Sequence[str] = ("audit-archive",), ignore_preconditions: bool = False
    ) -> None:
        self.port = port
        self.crashes: list[Exception] = []
        self._names = tuple(buckets)
        self._state = State(ignore_preconditions=ignore_preconditions)
        self._plan = FaultPlan()
        self._seen: list[Seen] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._listener: Listener | None = None
        self._create_buckets()

    def _create_buckets(self) -> None:
        for name in self._names:
            buckets.make(self._state, name, {})

    @property
    def url(self) -> str:
        """What a client takes for the service."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Bind (port 0: any free one) and serve in threads."""
        self._stopping.clear()
        self._listener = Listener(self, self.port)
        self.port = self._listener.server_port
        self._listener.start()
        return self

    def stop(self) -> None:
        """Stop serving and close every connection; what is stored stays, `start` serves it again."""
        self._stopping.set()
        if self._listener is not None:
            self._listener.stop()
            self._listener = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: object, *_rest: object) -> None:
        self.stop()
        if self.crashes and kind is None:
            raise self.crashes[0]

    # Faults.

    def fail(
        self,
        how: How = "status:503",
        *,
        method: str = "*",
        name_glob: str = "*",
        times: int | None = 1,
        after: int = 0,
    ) -> Fault:
        """Plan a failure; see `Fault` for the arguments and `faults.VERBS` for the ways to fail."""
        return self._plan.add(Fault(how, method, name_glob, times, after))

    def heal(self) -> None:
        """Drop all planned failures and denied permissions."""
        self._plan.clear()
        self._state.denied.clear()
        self._state.confined.clear()

    @property
    def faults(self) -> list[Fault]:
        """The planned failures, with how often they hit."""
        return self._plan.all()

    def deny(self, *permissions: str) -> None:
        """Take IAM permissions such as "storage.objects.delete" from every caller."""
        self._state.denied |= set(permissions)

    def confine(self, permission: str, prefix: str) -> None:
        """Leave callers an IAM permission for objects below `prefix` alone, as a condition of a role does."""
        self._state.confined[permission] = prefix

    # What happened.

    @property
    def seen(self) -> list[Seen]:
        """Every request so far, in the order they were answered."""
        with self._lock:
            return list(self._seen)

    @property
    def counts(self) -> Counter[str]:
        """Requests by kind."""
        return Counter(request.kind for request in self.seen)

    def forget(self) -> None:
        """Start `seen` and `counts` anew."""
        with self._lock:
            self._seen.clear()

    # What is stored: the truth, without HTTP.

    def objects(self, prefix: str = "", *, bucket: str | None = None) -> dict[str, StoredObject]:
        """The live objects whose names start with `prefix`, by name, in order."""
        with self._state.lock:
            live = self._state.bucket(bucket or self._names[0]).live
            return {name: live[name] for name in sorted(live) if name.startswith(prefix)}

    def put(
        self,
        name: str,
        data: bytes,
        metadata: Mapping[str, str] | None = None,
        *,
        bucket: str | None = None,
    ) -> StoredObject:
        """Store an object as somebody else would, whatever is there."""
        resource: dict[str, Any] = {"metadata": dict(metadata)} if metadata else {}
        upload = Upload.of(name, data, resource, {})
        return self._state.write(bucket or self._names[0], upload)

    def remove(self, name: str, *, bucket: str | None = None) -> None:
        """Delete an object as somebody else would."""
        self._state.delete(bucket or self._names[0], name)

    # Answering, for the socket side.

    def refuses(self) -> bool:
        """Whether a fault wants the connection at hand cut before a request is read."""
        return self._plan.refuses()

    def answer(self, request: Request) -> Response:
        """Answer one request; raises `Cut` when a fault wants the connection cut."""
        try:
            if admin.is_admin(request):
                return admin.answer(self, request)
            if batch.is_batch(request):
                return batch.answer(request, self._one)
            return self._one(request)
        except ApiError as error:
            return _refusal(error, request)
        except Cut:
            raise
        except Exception as error:
            self.crashes.append(error)
            return _refusal(ApiError(500, f"The test server crashed: {error!r}"), request)

    def _one(self, request: Request) -> Response:
        kind, status = "unknown", 0
        try:
            route, kind = routes.find(self._state, request)
            response = self._with_fault(route, kind, request)
            status = response.status
        except ApiError as error:
            response = _refusal(error, request)
            status = error.status
        finally:
            seen = Seen(kind, request.method, request.bucket, request.name, request.query, status)
            with self._lock:
                self._seen.append(seen)
        return response

    def _with_fault(self, route: routes.Route, kind: str, request: Request) -> Response:
        name = request.param("prefix") if kind == "list" else request.name
        fault = self._plan.take(kind, name)
        if fault is None:
            return self._carry_out(route, request)
        self._before(fault, name)
        response = self._carry_out(route, request)
        return _after(fault, response)

    def _carry_out(self, route: routes.Route, request: Request) -> Response:
        if route.permission:
            what = "object" if ".objects." in route.permission else "bucket"
            self._state.require(route.permission, what, request.name)
        return route.handler(self._state, request)

    def _before(self, fault: Fault, name: str) -> None:
        """What a fault does instead of, or before, carrying the request out."""
        if callable(fault.how):
            fault.how(name)
        if fault.verb in ("delay", "stall"):
            self._stopping.wait(fault.number)
        if fault.verb in ("stall", "reset-before-commit"):
            raise Cut
        if fault.verb == "status":
            raise _planned(fault)
        if fault.verb == "html":
            raise ApiError(200, "<html><body>Sign in to the network</body></html>", "html")


def _planned(fault: Fault) -> ApiError:
    status = int(fault.number)
    return ApiError(status, f"This {status} was planned by the test.")


def _after(fault: Fault, response: Response) -> Response:
    """What a fault does to the answer of a request that was carried out."""
    if fault.verb == "status-after-commit":
        raise _planned(fault)
    if fault.verb == "reset-after-commit":
        raise Cut
    if fault.verb == "cut-body":
        raise Cut(response)
    if fault.verb == "corrupt-body" and response.body:
        middle = len(response.body) // 2
        flipped = bytes([response.body[middle] ^ 1])
        response.body = response.body[:middle] + flipped + response.body[middle + 1 :]
    return response


def _refusal(error: ApiError, request: Request) -> Response:
    """A refusal in the shape of the API that was asked: JSON, XML, or for media plain text."""
    if error.status == 304:
        return Response(304)
    if error.reason == "html":
        return Response(200, error.message.encode(), {"Content-Type": "text/html"})
    if routes.is_xml(request):
        return xml.error(error)
    if request.param("alt") == "media":
        return Response(error.status, error.message.encode(), {"Content-Type": "text/html; charset=UTF-8"})
    return Response(error.status, error.json(), {"Content-Type": "application/json; charset=UTF-8"})
