"""The accounts endpoints: tokens, who am I, organizations (Access Management API; Connected Apps for Developers)."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, Any

from anypoint_simulator.query import read_body
from anypoint_simulator.refusal import RefusedError
from anypoint_simulator.tokens import TokenCapError
from anypoint_simulator.wire import Reply

if TYPE_CHECKING:
    from anypoint_simulator.organizations import Organization
    from anypoint_simulator.state import State
    from anypoint_simulator.wire import Request


def token(state: State, request: Request) -> Reply:
    """POST /accounts/api/v2/oauth2/token, with JSON, a form, or HTTP Basic."""
    form = read_body(request) if request.body else {}
    client_id, secret = _credentials(request, form)
    if form.get("grant_type", "client_credentials") != "client_credentials":
        raise RefusedError(400, "only client_credentials is supported", "unsupported_grant_type")
    known = hmac.compare_digest(secret.encode(), state.client_secret.encode())
    if client_id != state.client_id or not known:
        raise RefusedError(401, "Client authentication failed", "invalid_client")
    try:
        issued = state.issue_token()
    except TokenCapError:
        status = int(state.behaviour.over_cap)
        raise RefusedError(status, "Too many active tokens", "too_many_tokens") from None
    answer: dict[str, Any] = {"access_token": issued, "token_type": "bearer"}
    if state.behaviour.expires_in:
        answer["expires_in"] = int(state.behaviour.token_seconds)
    return Reply.json(answer)


def _credentials(request: Request, form: dict[str, Any]) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return str(form.get("client_id", "")), str(form.get("client_secret", ""))
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client_id, secret


def revoke(state: State, request: Request) -> Reply:
    """POST /accounts/api/v2/oauth2/revoke."""
    state.tokens.revoke(str(read_body(request).get("token", "")))
    return Reply()


def me(state: State, _: Request) -> Reply:
    """GET /accounts/api/me."""
    behaviour = state.behaviour
    if behaviour.me == "refused":
        raise RefusedError(401, "No user attached to the token")
    root, creator = state.world.root, state.world.cast.people[0]
    client: dict[str, Any] = {"client_id": state.client_id, "name": "audit-collector"}
    client["grant_types"] = ["client_credentials"]
    if behaviour.me_client_org_id:
        client["org_id"] = root.id
    if behaviour.me == "no-user":
        return Reply.json({"client": client})
    organizations = [{"id": item.id, "name": item.name} for item in state.world.organizations]
    user = {
        "id": creator.user_id,
        "username": creator.user_name,
        "organizationId": root.id,
        "organization": {"id": root.id, "name": root.name, "subOrganizationIds": _children(state, root)},
        "memberOfOrganizations": organizations,
        "contributorOfOrganizations": organizations,
    }
    return Reply.json({"client": client, "user": user})


def organization(state: State, _: Request, organization_id: str) -> Reply:
    """GET /accounts/api/organizations/{id}."""
    found = state.organization(organization_id)
    environments = _environments(found)
    return Reply.json(_described(state, found) | {"environments": environments, "isRoot": True})


def hierarchy(state: State, _: Request, organization_id: str) -> Reply:
    """GET /accounts/api/organizations/{id}/hierarchy."""
    found = state.organization(organization_id)
    if state.behaviour.hierarchy_forbidden:
        raise RefusedError(403, "You do not have access to this resource")
    return Reply.json(_nested(state, found))


def environments(state: State, _: Request, organization_id: str) -> Reply:
    """GET /accounts/api/organizations/{id}/environments."""
    found = _environments(state.organization(organization_id))
    return Reply.json({"data": found, "total": len(found)})


def _nested(state: State, found: Organization) -> dict[str, Any]:
    children = [item for item in state.world.organizations if item.parents[-1:] == (found.id,)]
    return _described(state, found) | {"subOrganizations": [_nested(state, child) for child in children]}


def _described(state: State, found: Organization) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "parentOrganizationIds": list(found.parents),
        "subOrganizationIds": _children(state, found),
        "isMaster": not found.parents,
        "entitlements": {"telemetryExporter": {"enabled": False}, "createSubOrgs": True},
    }


def _children(state: State, found: Organization) -> list[str]:
    """Return the ids of everything below; the platform's list is not only of the next level."""
    return [item.id for item in state.world.below(found.id) if item.id != found.id]


def _environments(found: Organization) -> list[dict[str, Any]]:
    return [
        {
            "id": item.id,
            "name": item.name,
            "type": item.type,
            "isProduction": item.type == "production",
            "organizationId": found.id,
        }
        for item in found.environments
    ]
