"""The organization tree: which root the connected app belongs to, and the business groups below it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mulesoft_audit.anypoint.transport import Answer, Garbled
from mulesoft_audit.errors import PermissionMissing, SourceError, UsageError

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.token import TokenSource
    from mulesoft_audit.anypoint.transport import Transport

#: An organization id becomes part of URLs and of paths in the archive; anything else than this is refused.
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Organization:
    """The root organization or a business group, each with an audit log of its own.

    Attributes:
        id: what the API knows it by; safe in a URL and in a path.
        name: what people know it by; empty if unknown, and not to be trusted in a terminal.
        depth: 0 for the root.
        parent: id of the organization above; empty for the root, or if unknown.
    """

    id: str
    name: str = ""
    depth: int = 0
    parent: str = ""

    def __str__(self) -> str:
        shown = "".join(c if c.isprintable() else "�" for c in self.name)
        return f"{shown} ({self.id})" if shown else self.id


def organization_id(text: str) -> str:
    """Return `text` if it can be an organization id.

    Raises:
        UsageError: it cannot.
    """
    if not ID.fullmatch(text):
        raise UsageError(
            f"{text[:80]!r} is not an organization id.",
            "It is the UUID that Access Management > Business Groups shows in the organization's settings.",
        )
    return text


def root_id(transport: Transport, tokens: TokenSource) -> str:
    """Ask who we are and return the id of the organization the connected app belongs to.

    `client.org_id` is preferred to `user.organization.id`, as Anypoint's own Terraform provider does; either may be
    missing ("Access Management API", /api/me).

    Raises:
        UsageError: the answer names no organization; MULE_ORG_ID must say it.
    """
    me = transport.ask("GET", "/accounts/api/me", tokens=tokens, understand=_mapping, what="who the connected app is")
    user = me.get("user") if isinstance(me, dict) else None
    client = me.get("client") if isinstance(me, dict) else None
    found = client.get("org_id") if isinstance(client, dict) else None
    if not found and isinstance(user, dict):
        organization = user.get("organization")
        found = organization.get("id") if isinstance(organization, dict) else user.get("organizationId")
    if not isinstance(found, str) or not ID.fullmatch(found):
        raise UsageError(
            "Anypoint does not say which organization the connected app belongs to.",
            "Set MULE_ORG_ID to the root organization's id (Access Management > Business Groups).",
        )
    return found


def _mapping(answer: Answer) -> dict[str, Any] | None:
    """Return the JSON object of an answer; None where the caller may not ask or there is none."""
    if answer.status in {400, 401, 403, 404}:
        return None
    if answer.status != 200:
        raise Garbled(f"it answered {answer.status}")
    try:
        value = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Garbled("its answer is not JSON") from error
    if not isinstance(value, dict):
        raise Garbled("its answer is not a JSON object")
    return value


class HierarchyRefused(PermissionMissing):
    """The organization tree may not be read, so that business groups cannot be found."""


def hierarchy(transport: Transport, tokens: TokenSource, root: str) -> list[Organization]:
    """Return the organization `root` and every business group below it, parents before children.

    Raises:
        HierarchyRefused: 403; the root's own log may still be readable.
        UsageError: there is no such organization.
    """

    def understand(answer: Answer) -> dict[str, Any]:
        if answer.status in {401, 403}:
            raise HierarchyRefused(
                f"The business groups of organization {root} cannot be found: reading the hierarchy is refused "
                f"({answer.status}).",
                "Add the scope View Organization (read:organization) to the connected app, or name each "
                "organization with --org.",
            )
        if answer.status in {400, 404}:
            raise UsageError(
                f"There is no organization {root} on {transport.plane.base_url} ({answer.status}).",
                "Check MULE_ORG_ID (or --org) and ANYPOINT_PLANE. Nothing was read or written.",
            )
        value = _mapping(answer)
        if value is None or not isinstance(value.get("id"), str):
            raise Garbled("its answer is not an organization")
        return value

    tree = transport.ask(
        "GET",
        f"/accounts/api/organizations/{root}/hierarchy",
        tokens=tokens,
        understand=understand,
        what=f"the business groups of {root}",
    )
    found: dict[str, Organization] = {}
    _walk(tree, 0, "", found)
    return list(found.values())


def _walk(node: dict[str, Any], depth: int, parent: str, found: dict[str, Organization]) -> None:
    identity, name = node.get("id"), node.get("name")
    if not isinstance(identity, str) or not ID.fullmatch(identity) or depth > MAX_DEPTH:
        raise SourceError(
            f"Anypoint's organization tree names an organization {str(identity)[:80]!r} that cannot be one.",
            "Name the organizations with --org until this is understood. Nothing was written.",
        )
    found.setdefault(identity, Organization(identity, name if isinstance(name, str) else "", depth, parent))
    children = node.get("subOrganizations") or []
    for child in children if isinstance(children, list) else []:
        if isinstance(child, dict):
            _walk(child, depth + 1, identity, found)
