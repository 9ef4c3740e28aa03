"""The audit endpoints (Audit Log Query API, OAS 1.0.16; Access Management: Audit Logging)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from anypoint_simulator.catalogue import KINDS, PRODUCTS
from anypoint_simulator.paging import page_of
from anypoint_simulator.query import read_body, read_query
from anypoint_simulator.refusal import RefusedError
from anypoint_simulator.rhythm import DAY_MS
from anypoint_simulator.table import as_csv
from anypoint_simulator.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anypoint_simulator.state import State
    from anypoint_simulator.wire import Request

OBJECTS_PAGE = 200
RETENTION_DAYS = range(30, 2191)
NOTICE = timedelta(days=7)


def query(state: State, request: Request, organization_id: str) -> Reply:
    """POST /audit/v2/organizations/{id}/query."""
    allow(state, organization_id)
    asked = read_query(request, state.behaviour)
    log = state.log(organization_id)
    page = page_of(log, asked, state.matches.find(log, asked), state.behaviour, state.now())
    bodies = page.bodies if asked.full else [_without_payload(body) for body in page.bodies]
    if bodies:
        state.counters.pages += 1
        state.counters.entries += len(bodies)
    state.counters.ends += asked.cursor_mode and not bodies
    state.counters.by_offset += not asked.cursor_mode
    tail = f',"total":{page.total}' if page.total is not None else ""
    tail += f',"cursor":"{page.cursor}"' if page.cursor else ""
    return Reply(200, b"".join((b'{"data":[', b",".join(bodies), b"]", tail.encode(), b"}")))


def table(state: State, request: Request, organization_id: str) -> Reply:
    """POST /audit/v2/organizations/{id}/query.csv; it pages by offset only."""
    allow(state, organization_id)
    asked = replace(read_query(request, state.behaviour, state.behaviour.csv_rows), cursor_mode=False)
    log = state.log(organization_id)
    page = page_of(log, asked, state.matches.find(log, asked), state.behaviour, state.now())
    return Reply(200, as_csv(page.bodies), "text/csv; charset=utf-8")


def allow(state: State, organization_id: str) -> None:
    """Refuse organizations that do not exist or whose log may not be read."""
    state.organization(organization_id)
    if organization_id in state.behaviour.forbidden:
        raise RefusedError(403, "You are not authorized to view the audit logs of this organization")


def platforms(state: State, _: Request, organization_id: str) -> Reply:
    """GET …/platforms."""
    allow(state, organization_id)
    return _listed({"name": name, "label": label} for name, (label, _) in PRODUCTS.items())


def object_types(state: State, _: Request, organization_id: str) -> Reply:
    """GET …/objectTypes."""
    allow(state, organization_id)
    pairs = _grouped((name, kind.platform) for kind in KINDS for name in kind.types)
    return _listed({"name": name, "platforms": found, "label": name} for name, found in pairs.items())


def actions(state: State, _: Request, organization_id: str) -> Reply:
    """GET …/actions."""
    allow(state, organization_id)
    pairs = _grouped((kind.action, name) for kind in KINDS for name in kind.types)
    return _listed({"name": name, "objectTypes": found, "label": name} for name, found in pairs.items())


def objects(state: State, request: Request, organization_id: str) -> Reply:
    """GET …/objects: the objects that occur in the log, by type, platform, id and a part of the name."""
    allow(state, organization_id)
    log, found = state.log(organization_id), dict[str, str]()
    wanted = _ObjectSearch(request)
    for position in range(min(len(log), 100_000)):
        facets = log.facets(position)
        if wanted.kind_matches(facets.platforms, facets.object_types):
            found |= {key: log.renamed.get(key, name) for key, name in facets.named if wanted.matches(key, name)}
    limit = min(int(request.first("limit", str(OBJECTS_PAGE))), OBJECTS_PAGE)
    offset = int(request.first("offset", "0"))
    data = [{"objectId": key, "objectName": name} for key, name in found.items()]
    return Reply.json({"data": data[offset : offset + limit], "total": len(data)})


class _ObjectSearch:
    """The parameters of the objects endpoint, comma-separated or repeated."""

    def __init__(self, request: Request) -> None:
        self._types = self._values(request, "objectType") | self._values(request, "object_type")
        self._platforms = self._values(request, "platform")
        self._ids = self._values(request, "objectId")
        self._text = request.first("search").casefold()
        if not (request.first("limit", "1").isdigit() and request.first("offset", "0").isdigit()):
            raise RefusedError(400, "limit and offset are numbers")

    def kind_matches(self, platforms: tuple[str, ...], types: tuple[str, ...]) -> bool:
        """Return whether an entry of that platform and those types is looked for."""
        return self._in(self._platforms, platforms) and self._in(self._types, types)

    def matches(self, object_id: str, name: str) -> bool:
        """Return whether an object is looked for."""
        return self._in(self._ids, (object_id,)) and self._text in name.casefold()

    @staticmethod
    def _values(request: Request, name: str) -> set[str]:
        texts = request.query.get(name, [])
        return {part.casefold() for text in texts for part in text.split(",") if part}

    @staticmethod
    def _in(wanted: set[str], values: tuple[str, ...]) -> bool:
        return not wanted or not wanted.isdisjoint(map(str.casefold, values))


def retention(state: State, request: Request, organization_id: str) -> Reply:
    """GET and PUT …/retentionSettings."""
    allow(state, organization_id)
    if request.method == "PUT":
        _set_retention(state, request, organization_id)
    return Reply.json({"data": state.retention})


def _set_retention(state: State, request: Request, organization_id: str) -> None:
    if organization_id != state.world.root.id:
        raise RefusedError(403, "Only the root organization has retention settings to change")
    period = read_body(request).get("retentionPeriod")
    if type(period) is not int or period not in RETENTION_DAYS:
        raise RefusedError(400, "retentionPeriod is a number of days from 30 to 2190")
    # Changes start at a midnight at least seven days ahead.
    earliest = datetime.fromtimestamp(state.now(), UTC) + NOTICE + timedelta(milliseconds=DAY_MS - 1)
    effective = earliest.replace(hour=0, minute=0, second=0, microsecond=0)
    text = effective.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    state.retention = [state.retention[0], {"retentionPeriod": period, "effectiveFrom": text}]


def _without_payload(body: bytes) -> bytes:
    document = json.loads(body)
    document.pop("payload", None)
    return json.dumps(document, separators=(",", ":")).encode()


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        members = groups.setdefault(name, [])
        if value not in members:
            members.append(value)
    return groups


def _listed(items: Iterable[dict[str, Any]]) -> Reply:
    data = list(items)
    return Reply.json({"data": data, "total": len(data)})
