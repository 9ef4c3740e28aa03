"""The organization tree: which root the connected app belongs to, and the business groups below it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mulesoft_audit.anypoint.transport import BadResponse
from mulesoft_audit.errors import PermissionMissing, SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mulesoft_audit.anypoint.transport import Response, Tokens, Transport

#: An organization id becomes part of URLs and of paths in the archive; anything else than this is refused.
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


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


@dataclass(slots=True)
class Tree:
    """The organizations of a root, as far as they could be understood.

    Attributes:
        organizations: the root and the business groups below it, parents before children.
        problems: for each organization whose children could not all be understood, what is wrong: some of them may be
            missing in `organizations`, so that a run reads these and then fails.
    """

    organizations: list[Organization] = field(default_factory=list)
    problems: list[SourceError] = field(default_factory=list)


def ancestors(organizations: Iterable[Organization]) -> dict[str, list[str]]:
    """Return the ids of all organizations above each, the nearest first, by its id. A tree in a circle ends there."""
    parents = {one.id: one.parent for one in organizations}
    return {name: _above(name, parents) for name in parents}


def _above(name: str, parents: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    while (name := parents.get(name, "")) and name not in found:
        found.append(name)
    return found


class HierarchyRefused(PermissionMissing):
    """The organization tree may not be read, so that business groups cannot be found."""


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


def root_id(transport: Transport, tokens: Tokens) -> str:
    """Ask who we are and return the id of the organization the connected app belongs to.

    Raises:
        UsageError: the response names no organization; MULE_ORG_ID must say it.
        SourceError, CredentialsError, Interrupted: as `Transport.request`.
    """
    me = transport.request("GET", "/accounts/api/me", tokens=tokens, read=_object, what="who the connected app is")
    found = organization_of(me or {})
    if found is None:
        raise UsageError(
            "Anypoint does not say which organization the connected app belongs to.",
            "Set MULE_ORG_ID to the root organization's id (Access Management > Business Groups).",
        )
    return found


def organization_of(me: dict[str, Any]) -> str | None:
    """Return the organization that /api/me names; None if it names none in any known way.

    `client.org_id` is preferred to `user.organization.id`, as Anypoint's own Terraform provider does; either may be
    missing ("Access Management API", /api/me).
    """
    client, user = me.get("client"), me.get("user")
    named = [client.get("org_id")] if isinstance(client, dict) else []
    if isinstance(user, dict):
        organization = user.get("organization")
        named += [organization.get("id")] if isinstance(organization, dict) else []
        named += [user.get("organizationId")]
    return next((found for found in named if _is_id(found)), None)


def _object(response: Response) -> dict[str, Any] | None:
    """Return the JSON object of a response; None where the caller may not ask or there is none."""
    if response.status in {400, 401, 403, 404}:
        return None
    if response.status != 200:
        raise BadResponse(f"it responded {response.status}")
    value = response.json()
    if not isinstance(value, dict):
        raise BadResponse("its response is not a JSON object")
    return value


def hierarchy(transport: Transport, tokens: Tokens, root: str) -> Tree:
    """Return the organization `root` and every business group below it, as far as the source's tree is understood.

    Raises:
        HierarchyRefused: 401 or 403; the root's own log may still be readable.
        UsageError: there is no such organization.
        SourceError, CredentialsError, Interrupted: as `Transport.request`.
    """

    def read(response: Response) -> dict[str, Any]:
        if response.status in {401, 403}:
            raise HierarchyRefused(
                f"The business groups of organization {root} cannot be found: reading the hierarchy is refused "
                f"({response.status}).",
                "Add the scope View Organization (read:organization) to the connected app, or name each "
                "organization with --org.",
            )
        if response.status in {400, 404}:
            raise UsageError(
                f"There is no organization {root} on {transport.plane.base_url} ({response.status}).",
                "Check MULE_ORG_ID (or --org) and ANYPOINT_PLANE. Nothing was read or written.",
            )
        value = _object(response)
        if value is None or not _is_id(value.get("id")):
            raise BadResponse("its response is not an organization")
        return value

    return read_tree(
        transport.request(
            "GET",
            f"/accounts/api/organizations/{root}/hierarchy",
            tokens=tokens,
            read=read,
            what=f"the business groups of {root}",
        )
    )


def read_tree(root: dict[str, Any]) -> Tree:
    """Read a tree of organizations, whatever its shape. `root` has a valid id.

    - `subOrganizations` is a list of organizations, or missing or null. An id in their place is an organization too.
    - What `subOrganizationIds` names without an object anywhere is an organization whose name is not known.
    - Null or nothing in both means that there are no children: no field says otherwise.
    - Anything else may hide children: it is a problem, and everything around it is read.
    - An organization that comes again, below itself or elsewhere, stays where it was first; its children count.
    """
    tree = Tree()
    found: dict[str, Organization] = {}
    named: dict[str, Organization] = {}  # by id without an object: who names it; the last is the deepest
    left: list[tuple[dict[str, Any], Organization | None]] = [(root, None)]
    while left:
        node, above = left.pop()
        organization = found.setdefault(node["id"], _organization(node["id"], node.get("name"), above))
        objects, ids, odd = _children(node)
        named.update(dict.fromkeys(ids, organization))
        left += [(child, organization) for child in reversed(objects)]
        if odd:
            tree.problems.append(_problem(organization, odd))
    for identity, above in named.items():
        found.setdefault(identity, _organization(identity, None, above))
    tree.organizations = list(found.values())
    return tree


def _organization(identity: str, name: object, above: Organization | None) -> Organization:
    shown = name.encode("utf-8", "replace").decode() if isinstance(name, str) else ""  # without half characters
    return Organization(identity, shown, above.depth + 1 if above else 0, above.id if above else "")


def _children(node: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str], str]:
    """Return a node's children that are objects, those that are only named, and what is not understood of them."""
    children, identities = node.get("subOrganizations"), node.get("subOrganizationIds")
    odd = [
        f"{name} is {_kind(value)}"
        for name, value in (("subOrganizations", children), ("subOrganizationIds", identities))
        if value is not None and not isinstance(value, list)
    ]
    children = children if isinstance(children, list) else []
    identities = identities if isinstance(identities, list) else []
    objects = [child for child in children if isinstance(child, dict) and _is_id(child.get("id"))]
    ids = [child for child in (*children, *identities) if _is_id(child)]
    unknown = len(children) + len(identities) - len(objects) - len(ids)
    odd += [f"{unknown} of its children have no id that can be one"] if unknown else []
    return objects, ids, " and ".join(odd)


def _problem(organization: Organization, odd: str) -> SourceError:
    return SourceError(
        f"The business groups below {organization} could not all be found: in Anypoint's organization tree {odd}.",
        "What could be found is read. Name the missing ones with --org until this is understood.",
    )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and ID.fullmatch(value) is not None


def _kind(value: object) -> str:
    """Say what a JSON value is that should have been a list."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, dict):
        return "an object"
    return "a text" if isinstance(value, str) else "a number"
