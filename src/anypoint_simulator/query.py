"""An audit query as asked: dates, filters, order, paging (Audit Log Query API, OAS 1.0.16)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from anypoint_simulator.refusal import RefusedError

if TYPE_CHECKING:
    from anypoint_simulator.behaviour import Behaviour
    from anypoint_simulator.entry import Facets
    from anypoint_simulator.wire import Request

PAGE = 200
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FILTERS = {
    "platforms": "platforms",
    "actions": "actions",
    "subactions": "subactions",
    "objectTypes": "object_types",
    "objectIds": "object_ids",
    "parentIds": "parent_ids",
    "environmentIds": "environment_ids",
    "userIds": "user_ids",
    "clientIds": "client_ids",
    "anypointTransactionIds": "transaction_ids",
}
FLAGS = ("failed", "ascending", "full")
NUMBERS = ("limit", "offset")


@dataclass(frozen=True, slots=True)
class Filters:
    """What entries must match: every field, each by one of its values.

    Attributes:
        wanted: facet and accepted values (folded unless `case_sensitive`).
        failed: the entry's flag; None for either.
    """

    wanted: tuple[tuple[str, frozenset[str]], ...] = ()
    failed: bool | None = None
    case_sensitive: bool = False

    @property
    def any(self) -> bool:
        """Whether anything is filtered at all."""
        return bool(self.wanted) or self.failed is not None

    def match(self, facets: Facets) -> bool:
        """Return whether an entry with these facets is asked for."""
        if self.failed is not None and facets.failed != self.failed:
            return False
        for facet, accepted in self.wanted:
            values = getattr(facets, facet)
            if accepted.isdisjoint(values if self.case_sensitive else map(str.casefold, values)):
                return False
        return True

    @property
    def identity(self) -> str:
        """The same for the same filters, in every process."""
        return repr(([(facet, sorted(values)) for facet, values in self.wanted], self.failed))


@dataclass(frozen=True, slots=True)
class Query:
    """One query, read and checked."""

    start: int
    end: int | None
    filters: Filters
    ascending: bool
    limit: int
    offset: int
    cursor: str
    cursor_mode: bool
    include_total: bool
    versioned: bool
    full: bool


def read_query(request: Request, behaviour: Behaviour, most: int = PAGE) -> Query:
    """Read a query from a request's body and parameters.

    Raises:
        RefusedError: 400, saying what is wrong with it.
    """
    body = read_body(request)
    start, end = body.get("startDate"), body.get("endDate")
    if start is None:
        raise RefusedError(400, "startDate is required")
    return Query(
        start=read_date("startDate", start),
        end=None if end is None else read_date("endDate", end),
        filters=_filters(body, case_sensitive=behaviour.case_sensitive),
        ascending=_flag(body, "ascending", default=True),
        limit=_limit(body, most, refuse=behaviour.limit_over_200 == "refuse"),
        offset=_number(body, "offset", 0, 0),
        cursor=_text(body, "cursor"),
        cursor_mode=request.flag("cursorPagination"),
        include_total=request.flag("doIncludeTotal"),
        versioned=request.flag("getVersionedObjectsInLogs"),
        full=_flag(body, "full", default=True),
    )


def read_body(request: Request) -> dict[str, Any]:
    """Return the body's fields, JSON or form alike.

    Raises:
        RefusedError: 400, it is neither.
    """
    if "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        return _read_form(request.body)
    try:
        document = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RefusedError(400, "the body is not valid JSON") from None
    if not isinstance(document, dict):
        raise RefusedError(400, "the body is not a JSON object")
    return document


def _read_form(body: bytes) -> dict[str, Any]:
    form: dict[str, Any] = {}
    for name, values in parse_qs(body.decode("utf-8", "replace")).items():
        plain = name.removesuffix("[]")
        if plain in FILTERS:
            form[plain] = [part for value in values for part in value.split(",") if part]
        elif plain in FLAGS and values[-1].lower() in {"true", "false"}:
            form[plain] = values[-1].lower() == "true"
        elif plain in NUMBERS and values[-1].isdigit():
            form[plain] = int(values[-1])
        else:
            form[plain] = values[-1]
    return form


def read_date(name: str, value: object) -> int:
    """Return milliseconds of a Unix time in milliseconds or an ISO 8601 text, zoneless ones taken as UTC.

    Raises:
        RefusedError: 400, it is neither.
    """
    if type(value) is int:
        return value
    text = value.strip() if isinstance(value, str) else ""
    if text.removeprefix("-").isdecimal():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (zoned - EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        shown = json.dumps(value, default=str)[:60]
        raise RefusedError(400, f"{name} is neither a Unix time in milliseconds nor ISO 8601: {shown}") from None


def _filters(body: dict[str, Any], *, case_sensitive: bool) -> Filters:
    wanted = []
    for name, facet in FILTERS.items():
        values = body.get(name)
        if values is None or values == []:
            continue
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise RefusedError(400, f"{name} is not an array of strings")
        wanted.append((facet, frozenset(values if case_sensitive else map(str.casefold, values))))
    failed = body.get("failed")
    if failed is not None and not isinstance(failed, bool):
        raise RefusedError(400, "failed is not a boolean")
    return Filters(tuple(wanted), failed, case_sensitive)


def _flag(body: dict[str, Any], name: str, *, default: bool) -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise RefusedError(400, f"{name} is not a boolean")
    return value


def _number(body: dict[str, Any], name: str, default: int, least: int) -> int:
    value = body.get(name, default)
    if type(value) is not int or value < least:
        raise RefusedError(400, f"{name} is not an integer of at least {least}")
    return value


def _limit(body: dict[str, Any], most: int, *, refuse: bool) -> int:
    limit = _number(body, "limit", most, 1)
    if limit > most and refuse:
        raise RefusedError(400, f"limit is over {most}")
    return min(limit, most)


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise RefusedError(400, f"{name} is not a string")
    return value or ""
