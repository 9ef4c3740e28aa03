"""The Audit Log Query API: one page of entries, or a total, of a window ("Audit Log Query API", "Audit Logging").

Always in offset mode, where every response carries the total of the whole window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mulesoft_audit.anypoint.entry import Page, read_page
from mulesoft_audit.anypoint.response import BadResponse, NoResponse, RedirectRefused
from mulesoft_audit.errors import PermissionMissing, SourceError, UsageError
from mulesoft_audit.times import iso as iso  # also for those who send it

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.transport import Response, Tokens, Transport
    from mulesoft_audit.anypoint.tree import Organization

BEHIND_ALL = 1_000_000_000  #: an offset that no log reaches
PAGE_LIMIT = 200  #: entries, the documented maximum of a JSON page


class Window(NamedTuple):
    """A stretch of time, Unix milliseconds, from `start` up to but not including `end`."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{iso(self.start)} to {iso(self.end)}"


class QueryRefused(SourceError):
    """The source does not take the query: a response of 4xx that nothing else explains."""


class LogRefused(PermissionMissing):
    """This organization's audit log may not be read."""


class UnknownOrganization(UsageError):
    """The source has no such organization (any more)."""


class AuditQuery:
    """Audit queries against one plane.

    Attributes:
        queries: how many brought a page.
        fullest: the largest number of entries that a page had so far; a source may allow fewer than `PAGE_LIMIT`.
    """

    def __init__(self, transport: Transport, tokens: Tokens) -> None:
        self.queries = 0
        self.fullest = 0
        self._transport = transport
        self._tokens = tokens

    def page(
        self,
        organization: Organization,
        window: Window,
        *,
        offset: int = 0,
        limit: int = PAGE_LIMIT,
        newest_first: bool = False,
    ) -> Page:
        """Return one page of `window`, with the total of the whole window where the source gives it.

        Args:
            organization: whose log.
            window: from when to when.
            offset: how many entries of the window are left out before the page.
            limit: how many entries the page has at most, from 1 to `PAGE_LIMIT`.
            newest_first: whether the newest entry comes first rather than the oldest.

        Raises:
            TooLarge: the page is larger than what is read of a response; smaller ones may be had.
            LogRefused: 401 or 403 for this organization.
            UnknownOrganization: 404.
            QueryRefused: any other 4xx.
            SourceError, CredentialsError, Interrupted: as `Transport.request`.
        """
        body = {
            "startDate": iso(window.start),
            "endDate": iso(window.end - 1),  # both bounds are inclusive
            "ascending": not newest_first,
            "limit": limit,
            "offset": offset,
        }
        what = f"the audit log of {organization} from {window}"

        def read(response: Response) -> Page:
            if response.status == 200:
                return read_page(response.body)
            raise _refusal(response, organization, what)

        page = self._transport.request(
            "POST",
            f"/audit/v2/organizations/{organization.id}/query?getVersionedObjectsInLogs=true",
            json=msgspec.json.encode(body),
            tokens=self._tokens,
            read=read,
            what=what,
        )
        self.queries += 1
        self.fullest = max(self.fullest, len(page.entries))
        return page

    def total(self, organization: Organization, window: Window) -> int | None:
        """Return how many entries the source says it has in `window`; None if it does not say.

        An entry that cannot be read does not keep its window from being counted: an offset behind all gives no entry.

        Raises:
            AuditError: as `page`, but `TooLarge`.
        """
        try:
            return self.page(organization, window, limit=1).total
        except (RedirectRefused, NoResponse):
            raise
        except (SourceError, LogRefused) as error:
            try:
                return self.page(organization, window, limit=1, offset=BEHIND_ALL).total
            except QueryRefused:
                raise error from None


def _refusal(response: Response, organization: Organization, what: str) -> Exception:
    status = response.status
    if status in {401, 403}:
        return LogRefused(
            f"Reading the audit log of {organization} is refused ({status}).",
            "Add the scope View Audit Logs (read:audit_logs) for this business group to the connected app.",
        )
    if status == 404:
        return UnknownOrganization(
            f"There is no organization {organization} ({status}).",
            "Check MULE_ORG_ID (or --org) and ANYPOINT_PLANE.",
        )
    if 400 <= status < 500:
        said = response.body[:200].decode("utf-8", "replace")
        said = "".join(c if c.isprintable() else " " for c in said)
        return QueryRefused(
            f"Anypoint refused to give {what} ({status}): {said}",
            "Nothing of this stretch was written. Please report this: it is not documented.",
        )
    return BadResponse(f"it responded {status}")
