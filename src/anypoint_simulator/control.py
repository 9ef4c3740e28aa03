"""The control surface under /simulator/: the truth, and switches, for programs that test a collector.

It belongs to the simulator and not to Anypoint: no token, no limit, no faults, no entries.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from anypoint_simulator.query import read_date
from anypoint_simulator.refusal import RefusedError
from anypoint_simulator.wire import Reply, Request

if TYPE_CHECKING:
    from anypoint_simulator.state import State

T = TypeVar("T")
NEWLINES = re.compile(rb"[\r\n]+")  # raw ones are white space between tokens, strings cannot have them
NDJSON = "application/x-ndjson"
BEGINNING, END = -(1 << 53), 1 << 53


class Added(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What POST /simulator/entries takes."""

    organizationId: str  # noqa: N815 - as the API spells it
    entries: list[msgspec.Raw]
    visibleAfterSeconds: float | None = None  # noqa: N815


class Renamed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What POST /simulator/rename takes."""

    organizationId: str  # noqa: N815
    objectId: str  # noqa: N815
    objectName: str  # noqa: N815


class Spent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What POST /simulator/spend takes."""

    requests: int


def truth(state: State, request: Request) -> Reply:
    """GET /simulator/truth: the exact bytes of what exists, an entry a line.

    An entry with newlines of its own spans several lines, but for `compact=true`, which takes them out.
    """
    organization = state.organization(request.first("organizationId"))
    start = read_date("startDate", request.first("startDate", str(BEGINNING)))
    end = read_date("endDate", request.first("endDate", str(END)))
    log = state.world.logs[organization.id]
    bodies = log.truth(start, end, state.now(), visible=request.flag("visible"))
    if request.flag("compact"):
        bodies = (NEWLINES.sub(b"", body) for body in bodies)
    return Reply(200, b"".join(body + b"\n" for body in bodies), NDJSON)


def organizations(state: State, _: Request) -> Reply:
    """GET /simulator/organizations: the tree, and how many entries each log shows."""
    return Reply.json(
        [
            {
                "id": item.id,
                "name": item.name,
                "parentOrganizationIds": list(item.parents),
                "entries": len(state.world.logs[item.id]),
            }
            for item in state.world.organizations
        ]
    )


def counters(state: State, _: Request) -> Reply:
    """GET /simulator/counters."""
    return Reply.json(state.counted().as_dict())


def behaviour(state: State, request: Request) -> Reply:
    """GET and POST /simulator/behaviour: the switches; POST changes those that are named."""
    if request.method == "POST":
        state.change(_read(request, dict[str, Any]))
    return Reply.json(state.behaviour)


def entries(state: State, request: Request) -> Reply:
    """POST /simulator/entries: more entries, byte for byte, visible at once or later."""
    added = _read(request, Added)
    state.organization(added.organizationId)
    bodies = [bytes(entry) for entry in added.entries]
    state.add_entries(added.organizationId, bodies, added.visibleAfterSeconds)
    return Reply.json({"added": len(bodies)})


def rename(state: State, request: Request) -> Reply:
    """POST /simulator/rename: give an object another present name."""
    renamed = _read(request, Renamed)
    state.organization(renamed.organizationId)
    state.world.logs[renamed.organizationId].rename(renamed.objectId, renamed.objectName)
    return Reply.json({})


def spend(state: State, request: Request) -> Reply:
    """POST /simulator/spend: somebody else behind the same address spends requests of this minute."""
    requests = _read(request, Spent).requests
    state.limiter.spend(requests, state.now(), state.behaviour.minute_seconds)
    return Reply.json({})


def revoke_all(state: State, _: Request) -> Reply:
    """POST /simulator/revoke: every token stops working."""
    state.tokens.revoke_all()
    return Reply.json({})


def _read(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(request.body, type=kind)
    except (msgspec.DecodeError, ValueError) as problem:
        raise RefusedError(400, str(problem)) from None
