"""From a request to its answer: which endpoint, its limit, its token, its faults."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from email.utils import formatdate
from typing import TYPE_CHECKING

import msgspec

from anypoint_simulator import accounts, audit, control
from anypoint_simulator.query import read_body
from anypoint_simulator.refusal import RefusedError, refusal
from anypoint_simulator.wire import CONTROL, Reply

if TYPE_CHECKING:
    from anypoint_simulator.limiter import Verdict
    from anypoint_simulator.state import State
    from anypoint_simulator.wire import Request

Handler = Callable[..., Reply]
PLACES = re.compile(r"/(accounts/api|audit/v2)/organizations/([^/]+)(?:/([^/]+))?")
OPEN: dict[tuple[str, str], Handler] = {
    ("POST", "/accounts/api/v2/oauth2/token"): accounts.token,
    ("POST", "/accounts/api/v2/oauth2/revoke"): accounts.revoke,
}
OF_ORGANIZATION: dict[tuple[str, str, str | None], Handler] = {
    ("GET", "accounts/api", None): accounts.organization,
    ("GET", "accounts/api", "hierarchy"): accounts.hierarchy,
    ("GET", "accounts/api", "environments"): accounts.environments,
    ("POST", "audit/v2", "query"): audit.query,
    ("POST", "audit/v2", "query.csv"): audit.table,
    ("GET", "audit/v2", "platforms"): audit.platforms,
    ("GET", "audit/v2", "objectTypes"): audit.object_types,
    ("GET", "audit/v2", "actions"): audit.actions,
    ("GET", "audit/v2", "objects"): audit.objects,
    ("GET", "audit/v2", "retentionSettings"): audit.retention,
    ("PUT", "audit/v2", "retentionSettings"): audit.retention,
}
NAMES = {"token", "revoke", "me", *(name for _, _, name in OF_ORGANIZATION if name)}
CONTROLS: dict[tuple[str, str], Handler] = {
    ("GET", "truth"): control.truth,
    ("GET", "organizations"): control.organizations,
    ("GET", "counters"): control.counters,
    ("GET", "behaviour"): control.behaviour,
    ("POST", "behaviour"): control.behaviour,
    ("POST", "entries"): control.entries,
    ("POST", "rename"): control.rename,
    ("POST", "spend"): control.spend,
    ("POST", "revoke"): control.revoke_all,
}


def answer(state: State, request: Request) -> Reply:
    """Return the answer to a request, and count it."""
    if request.path.startswith(CONTROL):
        return _control(state, request)
    endpoint = _endpoint(request.path)
    is_audit = request.path.startswith("/audit/")
    reply = _limited(state, request, is_audit=is_audit)
    if reply is None:
        reply = _attempt(state, request)
        if endpoint in {"query", "query.csv"} or (state.behaviour.fault_accounts and not is_audit):
            reply = _with_fault(state, reply)
    reply.delay += state.behaviour.latency_ms / 1000
    status = 0 if reply.reset == "answer" else reply.status
    state.counters.requests[endpoint, status] += 1
    return reply


def _endpoint(path: str) -> str:
    """Return the name an endpoint is counted under."""
    name = path.rpartition("/")[2]
    if name in NAMES:
        return name
    place = PLACES.fullmatch(path)
    return "organization" if place and place[3] is None else "other"


def _control(state: State, request: Request) -> Reply:
    handler = CONTROLS.get((request.method, request.path.removeprefix(CONTROL)))
    if handler is None:
        return refusal(RefusedError(404, "There is no such control"), "json")
    try:
        return handler(state, request)
    except RefusedError as problem:
        return refusal(problem, "json")
    except (msgspec.ValidationError, ValueError) as problem:
        return refusal(RefusedError(400, str(problem)), "json")


def _attempt(state: State, request: Request) -> Reply:
    try:
        return _dispatch(state, request)
    except RefusedError as problem:
        return refusal(problem, state.behaviour.error_bodies)


def _dispatch(state: State, request: Request) -> Reply:
    handler = OPEN.get((request.method, request.path))
    if handler:
        return handler(state, request)
    place = PLACES.fullmatch(request.path)
    if request.path != "/accounts/api/me" and not place:
        raise RefusedError(404, "Not found")
    _authorize(state, request)
    if not place:
        return accounts.me(state, request)
    handler = OF_ORGANIZATION.get((request.method, place[1], place[3]))
    if handler is None:
        raise RefusedError(404, "Not found")
    return handler(state, request, place[2])


def _authorize(state: State, request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not scheme and "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        token = str(read_body(request).get("accessToken", ""))  # the form variant, made for browsers
    elif scheme.lower() != "bearer":
        token = ""
    if not state.tokens.valid(token, state.now()):
        raise RefusedError(401, "Unauthorized")


def _with_fault(state: State, reply: Reply) -> Reply:
    name = state.faults.choose()
    if not name:
        return reply
    state.counters.faults[name] += 1
    return state.faults.apply(name, reply)


def _limited(state: State, request: Request, *, is_audit: bool) -> Reply | None:
    """Return the answer of the limiter, or None if the request may pass."""
    behaviour, now = state.behaviour, state.now()
    minute, kind = behaviour.minute_seconds, behaviour.limit_kind
    if is_audit:
        state.counters.audit_request(now, minute)
        limit = behaviour.requests_per_minute
        verdict = state.limiter.ask(kind, request.ip, now, limit, minute) if limit else None
        if verdict is None or verdict.allowed:
            return None
        state.counters.over_limit += 1
        return Reply(503, headers=_retry_after(state, verdict, now))
    limit = behaviour.accounts_per_minute
    verdict = state.accounts_limiter.ask(kind, request.ip, now, limit, minute) if limit else None
    if verdict is None or verdict.allowed:
        return None
    headers = {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(verdict.remaining),
        "X-RateLimit-Reset": str(math.ceil(verdict.reset)),
    }
    return Reply(int(behaviour.accounts_limit_status), headers=headers | _retry_after(state, verdict, now))


def _retry_after(state: State, verdict: Verdict, now: float) -> dict[str, str]:
    kind = state.behaviour.retry_after
    if kind == "none":
        return {}
    if kind == "date":
        return {"Retry-After": formatdate(math.ceil(verdict.reset), usegmt=True)}
    return {"Retry-After": str(max(1, math.ceil(verdict.reset - now)))}
