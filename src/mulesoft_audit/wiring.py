"""Putting the stages together from the settings: the only place that knows them all."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.pacer import Pacer
from mulesoft_audit.anypoint.query import AuditQuery
from mulesoft_audit.anypoint.response import NoResponse, RedirectRefused
from mulesoft_audit.anypoint.retention import retention_days
from mulesoft_audit.anypoint.token import TokenSource
from mulesoft_audit.anypoint.transport import Transport
from mulesoft_audit.anypoint.tree import HierarchyRefused, Organization, Tree, hierarchy, organization_id, root_id
from mulesoft_audit.collect.period import Whose
from mulesoft_audit.collect.pool import workers_for
from mulesoft_audit.errors import SourceError, UsageError
from mulesoft_audit.ledger.names import Names
from mulesoft_audit.memory import spare_memory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mulesoft_audit.clock import Stop
    from mulesoft_audit.secret import Secret
    from mulesoft_audit.settings import Settings


log = logging.getLogger(__name__)

#: What Anypoint's ids are. Of anything else it takes the tree to tell whether it is an id or a name.
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(slots=True)
class Source:
    """Anypoint, ready for requests."""

    transport: Transport
    tokens: TokenSource
    query: AuditQuery
    pacer: Pacer

    def sharing(self, stop: Stop) -> Source:
        """Return the same Anypoint for one run of several, which share token, connections and pace."""
        pacer = self.pacer.sharing(stop)
        transport = self.transport.sharing(stop, pacer)
        tokens = self.tokens.sharing(transport)
        return Source(transport, tokens, AuditQuery(transport, tokens), pacer)

    def clock_ahead(self) -> float | None:
        """Return by how many seconds this machine's clock is ahead of Anypoint's; None if that is not known yet."""
        return self.transport.clock_ahead

    def close(self) -> None:
        """Give the token back and close the connections."""
        self.tokens.revoke()
        self.transport.close()


def open_source(settings: Settings, secret: Secret, stop: Stop) -> Source:
    """Return the source that the settings describe; nothing is sent yet.

    Raises:
        UsageError: the client id or the secret is missing.
    """
    if not settings.client_id:
        raise UsageError("CLIENT_ID is not set; expected the connected app's id.", "See the README on creating one.")
    if not secret:
        raise UsageError("CLIENT_SECRET is not set; expected the connected app's secret, or CLIENT_SECRET_FILE.")
    spare_memory()
    pacer = Pacer(settings.pace, stop)
    transport = Transport(
        settings.plane, pacer, stop, timeout=settings.http_timeout, connections=workers_for(settings.pace)
    )
    tokens = TokenSource(transport, settings.client_id, secret)
    return Source(transport, tokens, AuditQuery(transport, tokens), pacer)


def _kept(source: Source, root: str) -> int | None:
    """Return for how many days the source keeps entries; None if it does not say: then the entries themselves tell."""
    try:
        return retention_days(source.transport, source.tokens, root) if root else None
    except (RedirectRefused, NoResponse):
        raise
    except SourceError as error:
        log.warning("How long Anypoint keeps entries is not known: %s", error.message)
        return None


def find_organizations(source: Source, settings: Settings, named: tuple[str, ...]) -> Whose:
    """Return whose logs to collect, for how long the source keeps them, and what kept others from being found.

    Args:
        source: Anypoint.
        settings: MULE_ORG_ID may name the root.
        named: organizations by id or by name; empty for the root and every business group below it.

    Raises:
        UsageError: there is no such organization, or there are several of a name.
        CredentialsError, SourceError, Interrupted: as `Transport.request`.
    """
    wanted = list(dict.fromkeys(named))
    root = organization_id(settings.mule_org_id) if settings.mule_org_id else ""
    if not root:
        try:
            root = root_id(source.transport, source.tokens)
        except UsageError:
            if not wanted:
                raise
    days = _kept(source, root)
    if len(wanted) == 1 and _UUID.fullmatch(wanted[0]):
        return Whose(root, [Organization(wanted[0])], True, days)
    try:
        tree = hierarchy(source.transport, source.tokens, root)
    except HierarchyRefused as error:
        found = by_ids(wanted, error) if wanted else [Organization(root)]
        return Whose(root, found, bool(wanted), days, [] if wanted else [error])
    if not wanted:
        return Whose(root, tree.organizations, False, days, [*tree.problems])
    return Whose(root, named_in(tree, wanted), True, days)


def named_in(tree: Tree, wanted: Iterable[str]) -> list[Organization]:
    """Return organizations that are given by name or id; an id counts though the tree does not have it.

    Raises:
        UsageError: there is no such organization, or there are several of a name.
    """
    known = {organization.id: organization for organization in tree.organizations}
    names = Names({one.id: one.name for one in tree.organizations})
    ids = [name if _UUID.fullmatch(name) else names.ids([name])[0] for name in wanted]
    return [known.get(one, Organization(one)) for one in dict.fromkeys(ids)]


def by_ids(wanted: Iterable[str], refused: HierarchyRefused) -> list[Organization]:
    """Return organizations that are given by their ids, where the tree that has their names was `refused`.

    Raises:
        UsageError: one of them is a name.
    """
    for name in wanted:
        if not _UUID.fullmatch(name):
            raise UsageError(f"Which organization {name!r} is, cannot be found out: {refused.message}", "Give its id.")
    return [Organization(one) for one in dict.fromkeys(wanted)]
