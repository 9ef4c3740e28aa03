"""Which request is which: its kind, the permission it needs, and who answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.storage_server import api, buckets, listing, uploads, xml
from tests.storage_server.errors import ApiError
from tests.storage_server.wire import Request, Response

if TYPE_CHECKING:
    from tests.storage_server.state import State

Handler = Callable[["State", Request], Response]


@dataclass(frozen=True)
class Route:
    """One line of the API. `kind` empty: the request says it (uploads)."""

    methods: str
    template: str
    kind: str
    handler: Handler
    permission: str = ""

    def matches(self, request: Request) -> bool:
        """Compare method and path, and take the path's variables out of it."""
        wanted = self.template.split("/")
        if request.method not in self.methods.split() or len(wanted) != len(request.segments):
            return False
        pairs = list(zip(wanted, request.segments, strict=True))
        if any(not want.startswith("{") and want != have for want, have in pairs):
            return False
        request.args = {want.strip("{}"): have for want, have in pairs if want.startswith("{")}
        return True


_B = "storage/v1/b/{bucket}"
_O = _B + "/o/{name}"
_FROM = "storage/v1/b/{from}/o/{source}/"
_TO = "/b/{bucket}/o/{name}"
_UP = "upload/storage/v1/b/{bucket}/o"
_S = "storage.objects."

ROUTES = [
    Route("POST", _UP, "", uploads.insert, _S + "create"),
    Route("PUT", _UP, "", uploads.put, _S + "create"),
    Route("DELETE", _UP, "", uploads.cancel, _S + "create"),
    Route("GET", _O, "", api.get, _S + "get"),
    Route("GET", "download/" + _O, "media", api.get, _S + "get"),
    Route("GET", _B + "/o", "list", listing.list_, _S + "list"),
    Route("PATCH", _O, "patch", api.patch, _S + "update"),
    Route("PUT", _O, "update", api.patch, _S + "update"),
    Route("DELETE", _O, "delete", api.delete, _S + "delete"),
    Route("POST", _O + "/compose", "compose", api.compose, _S + "create"),
    Route("POST", _O + "/restore", "restore", api.restore, _S + "restore"),
    Route("POST", _FROM + "copyTo" + _TO, "copy", api.copy, _S + "create"),
    Route("POST", _FROM + "rewriteTo" + _TO, "rewrite", api.rewrite, _S + "create"),
    Route("POST", "storage/v1/b", "bucket-insert", buckets.insert, "storage.buckets.create"),
    Route("GET", "storage/v1/b", "bucket-list", buckets.list_, "storage.buckets.list"),
    Route("GET", _B, "bucket-get", buckets.get, "storage.buckets.get"),
    Route("PATCH PUT", _B, "bucket-patch", buckets.patch, "storage.buckets.update"),
    Route("DELETE", _B, "bucket-delete", buckets.delete, "storage.buckets.delete"),
    Route("GET", _B + "/storageLayout", "storage-layout", buckets.storage_layout),
    Route("GET", _B + "/iam", "iam-get", buckets.get_policy, "storage.buckets.getIamPolicy"),
    Route("PUT", _B + "/iam", "iam-set", buckets.set_policy, "storage.buckets.setIamPolicy"),
    Route("GET", _B + "/iam/testPermissions", "iam-test", buckets.test_permissions),
    Route("POST", _B + "/notificationConfigs", "notification-insert", buckets.insert_notification),
    Route("GET", _B + "/notificationConfigs", "notification-list", buckets.list_notifications),
    Route("GET DELETE", _B + "/notificationConfigs/{name}", "notification", buckets.one_notification),
    Route("GET", "storage/v1/projects/{project}/serviceAccount", "service-account", buckets.service_account),
]

_XML = [
    Route("PUT", "", "insert", xml.put, _S + "create"),
    Route("GET HEAD", "", "media", xml.get, _S + "get"),
    Route("DELETE", "", "delete", xml.delete, _S + "delete"),
]
_XML_LIST = Route("GET", "", "list", xml.list_, _S + "list")


def is_xml(request: Request) -> bool:
    """Everything that does not begin like the JSON API is the XML API."""
    return request.segments[0] not in {"storage", "upload", "download", "batch", "faults", ""}


def find(state: State, request: Request) -> tuple[Route, str]:
    """The route of a request and its kind; `request.args` has the bucket and the object's name after it."""
    if is_xml(request):
        return _find_xml(request)
    route = next((route for route in ROUTES if route.matches(request)), None)
    if route is None:
        raise ApiError(404, "Not Found")
    return route, route.kind or _kind(state, request)


def _kind(state: State, request: Request) -> str:
    if request.segments[0] == "upload":
        return uploads.kind(state, request)
    return "media" if request.param("alt") == "media" else "get"


def _find_xml(request: Request) -> tuple[Route, str]:
    xml.locate(request)
    if not request.name and request.method == "GET":
        return _XML_LIST, _XML_LIST.kind
    for route in _XML:
        if request.name and request.method in route.methods.split():
            return route, route.kind
    raise ApiError(405, "The specified method is not allowed against this resource.")
