"""Google SecOps feeds v1: bodies read by google-cloud-chronicle's own messages, rules as facts about it are known.

A create that comes before the feed's service account may read the bucket is refused; so is an update that sends the
display name back along with the details; a create is never idempotent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from google.cloud import chronicle_v1
from google.protobuf.json_format import ParseError
from tests.control_plane.discovery import Violation
from tests.control_plane.registry import Json, Request
from tests.control_plane.world import NUMBER, Refusal, World

INSTANCE = r"(?P<parent>projects/[^/]+/locations/[^/]+/instances/[^/]+)"
FEED = rf"(?P<name>{INSTANCE}/feeds/[^/:]+)"
HOST = re.compile(r"chronicle\.[a-z0-9-]+\.rep\.googleapis\.com|[a-z0-9-]+-chronicle\.googleapis\.com")
ACCOUNT = "chronicle-42@chronicle-tenant.iam.gserviceaccount.com"
OUTPUT_ONLY = {
    "name",
    "uid",
    "state",
    "failureMsg",
    "failureDetails",
    "readOnly",
    "lastFeedInitiationTime",
    "referenceId",
}
QUERY = {"pageSize", "pageToken", "updateMask", "deleteBacklog", "filter"}
PULLS_TO_SUCCESS = 2
ROUTES: list[tuple[str, str, Callable[[Request], Json]]] = []
Handler = Callable[[Request], Json]


def route(verb: str, pattern: str, *, version: str = "v1") -> Callable[[Handler], Handler]:
    """Answer this path."""

    def register(handler: Handler) -> Handler:
        ROUTES.append((verb, f"{version}/{pattern}", handler))
        return handler

    return register


def serve(world: World, host: str, verb: str, path: str, query: dict[str, list[str]], body: Json | None) -> Json:
    """Answer a request to the Chronicle API.

    Raises:
        Violation: the API has no such method, parameter or field.
    """
    if not HOST.fullmatch(host):
        raise Violation(f"no such host: {host}")
    if unknown := set(query) - QUERY:
        raise Violation(f"unknown query parameters {sorted(unknown)}")
    for known, pattern, handler in ROUTES:
        match = re.fullmatch(pattern, path) if known == verb else None
        if match:
            return handler(Request(world, match.groupdict(), query, body or {}))
    raise Violation(f"no such method: {verb} {path}")


def _parsed(body: Json) -> None:
    if sent := OUTPUT_ONLY & set(body):
        raise Violation(f"output only: {sorted(sent)}")
    if "_" in "".join(_keys(body)):
        raise Violation("field names are camelCase")
    try:
        chronicle_v1.Feed.from_json(json.dumps(body))
    except ParseError as error:
        raise Violation(f"no Feed: {error}") from error


def _keys(body: Json) -> list[str]:
    inner = [value for key, value in body.items() if isinstance(value, dict) and key != "labels"]
    return [*body, *(key for value in inner for key in _keys(value))]


def _checked(world: World, details: Json) -> None:
    settings = details.get("gcsV2Settings", {})
    if details.get("feedSourceType") != "GOOGLE_CLOUD_STORAGE_V2" or not settings.get("bucketUri"):
        raise Refusal(400, "INVALID_ARGUMENT", "Only GOOGLE_CLOUD_STORAGE_V2 feeds are known here.")
    if not re.fullmatch(r"projects/[^/]+/locations/[^/]+/instances/[^/]+/logTypes/\w+", details.get("logType", "")):
        raise Refusal(400, "INVALID_ARGUMENT", "The log type is malformed.")
    if not 0 <= settings.get("maxLookbackDays", 0) <= 180:
        raise Refusal(400, "INVALID_ARGUMENT", "maxLookbackDays is at most 180.")
    match = re.fullmatch(r"gs://([^/]+)/(([^/]+/)*)", settings["bucketUri"])
    if not match:
        raise Refusal(400, "INVALID_ARGUMENT", "The bucket URI is malformed.")
    name = f"b/{match[1]}"
    world.need(name)
    second = "legacyBucketWriter" if settings.get("sourceDeletionOption") == "ON_SUCCESS" else "legacyBucketReader"
    roles = ("roles/storage.objectViewer", f"roles/storage.{second}")
    if not all(world.granted(name, role, ACCOUNT) for role in roles) or world.hidden("grant feed"):
        raise Refusal(400, "FAILED_PRECONDITION", "The feed's service account cannot read the bucket.")


@route("GET", rf"{INSTANCE}/feedServiceAccounts:fetchServiceAccountForCustomer")
def account(request: Request) -> Json:
    """Return the tenant's feed account, as the last part of a name."""
    return {"name": f"{request.path['parent']}/feedServiceAccounts/{ACCOUNT}", "subjectId": "1"}


@route("GET", rf"{INSTANCE}/feedSourceTypeSchemas/GOOGLE_CLOUD_STORAGE_V2/logTypeSchemas")
def log_types(request: Request) -> Json:
    """Return the log types that a feed may have, two a page."""
    parent = request.path["parent"]
    start = int(request.ask("pageToken", "0"))
    known = request.world.log_types[start : start + 2]
    page: Json = {
        "logTypeSchemas": [{"name": f"{parent}/x/{one}", "logType": f"{parent}/logTypes/{one}"} for one in known]
    }
    if start + 2 < len(request.world.log_types):
        page["nextPageToken"] = str(start + 2)
    return page


@route("GET", rf"{INSTANCE}/logTypes/MULESOFT/parsers")
def parsers(request: Request) -> Json:
    """Return the tenant's parsers."""
    return (
        {"parsers": [{"name": "p", "state": "ACTIVE", "creator": {"source": "GOOGLE"}}]} if request.world.parser else {}
    )


@route("GET", rf"{INSTANCE}/feeds")
def list_feeds(request: Request) -> Json:
    """Return every feed, two a page."""
    found = request.world.below(f"{request.path['parent']}/feeds/")
    start = int(request.ask("pageToken", "0"))
    shown = [] if request.world.hidden("feeds") else found[start : start + 2]
    return {"feeds": shown, **({"nextPageToken": str(start + 2)} if start + 2 < len(found) else {})}


@route("POST", rf"{INSTANCE}/feeds")
def create(request: Request) -> Json:
    """Create a feed, every time anew."""
    _parsed(request.body)
    world = request.world
    _checked(world, request.body["details"])
    others = world.below(f"{request.path['parent']}/feeds/")
    if request.body["displayName"] in [one["displayName"] for one in others]:
        raise Refusal(400, "INVALID_ARGUMENT", "A feed with this display name exists.")
    name = f"{request.path['parent']}/feeds/feed-{world.next():04}"
    details = json.loads(
        json.dumps(request.body["details"]).replace(f"projects/{world.project}/", f"projects/{NUMBER}/")
    )
    details["gcsV2Settings"]["chronicleServiceAccount"] = ACCOUNT
    made = {"name": name, "displayName": request.body["displayName"], "details": details, "state": "ACTIVE", "pulls": 0}
    return _shown(world.make(name, made))


@route("GET", FEED)
def get(request: Request) -> Json:
    """Return a feed; each look brings it nearer to having run."""
    thing = request.world.need(request.path["name"], 404)
    if thing["state"] in ("ACTIVE", "RUNNING"):
        thing["pulls"] += 1
        thing["state"] = "RUNNING" if thing["pulls"] < PULLS_TO_SUCCESS else thing.get("outcome", "SUCCEEDED")
    return _shown(request.world.read(request.path["name"]))


@route("PATCH", FEED)
def patch(request: Request) -> Json:
    """Change a feed: the name alone, or the details without the name."""
    _parsed(request.body)
    mask = request.ask("updateMask")
    thing = request.world.need(request.path["name"], 404)
    if thing.get("readOnly"):
        raise Refusal(400, "FAILED_PRECONDITION", "The feed is read-only.")
    if mask == "details":
        if "displayName" in request.body:
            raise Refusal(400, "INVALID_ARGUMENT", "The display name was sent back.")
        _checked(request.world, request.body["details"])
        details = {**request.body["details"]}
        details["gcsV2Settings"] = {**details["gcsV2Settings"], "chronicleServiceAccount": ACCOUNT}
        thing["details"] = details
    elif mask == "displayName" and set(request.body) == {"displayName"}:
        thing["displayName"] = request.body["displayName"]
    else:
        raise Refusal(400, "INVALID_ARGUMENT", f"Unsupported update mask {mask!r}.")
    return _shown(thing)


@route("DELETE", FEED)
def delete(request: Request) -> Json:
    """Delete a feed."""
    request.world.drop(request.path["name"])
    return {}


@route("POST", rf"{FEED}:(?P<verb>enable|disable)")
def switch(request: Request) -> Json:
    """Enable or disable a feed."""
    thing = request.world.need(request.path["name"], 404)
    thing["state"] = "ACTIVE" if request.path["verb"] == "enable" else "INACTIVE"
    return _shown(thing)


def _shown(thing: Json) -> Json:
    return {key: value for key, value in thing.items() if key not in ("pulls", "outcome")}
