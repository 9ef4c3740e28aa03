"""The Audit Log Query API: pages of entries, each with the total ("Audit Log Query API", "Audit Logging")."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mulesoft_audit.anypoint.entry import Page, read_page
from mulesoft_audit.anypoint.transport import Answer, Garbled
from mulesoft_audit.errors import PermissionMissing, SourceError, UsageError

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.token import TokenSource
    from mulesoft_audit.anypoint.transport import Transport
    from mulesoft_audit.anypoint.tree import Organization

PAGE_LIMIT = 200  #: entries, the documented maximum of a JSON page
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Window(NamedTuple):
    """A stretch of time, Unix milliseconds, from `start` up to but not including `end`."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{iso(self.start)} to {iso(self.end)}"


class QueryRefused(SourceError):
    """The source does not take the query: an answer of 4xx that nothing else explains."""


class LogRefused(PermissionMissing):
    """This organization's audit log may not be read."""


def iso(milliseconds: int) -> str:
    """Return Unix milliseconds as ISO 8601 in UTC, with milliseconds and Z."""
    return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


class UnknownOrganization(UsageError):
    """There is no such organization, or not any more."""


class AuditQuery:
    """Audit queries against one plane, each of its own: no cursor is followed, because no page says what one means.

    Attributes:
        queries: how many were answered.
        fullest: the largest number of entries that a page had so far: a source may give fewer than it is asked for.
    """

    def __init__(self, transport: Transport, tokens: TokenSource) -> None:
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
        """Return one page, with the total of the whole window if the source gives it.

        Raises:
            TooLarge: the page is larger than can be read; ask for fewer entries.
            LogRefused: 401 or 403 for this organization.
            QueryRefused: another 4xx.
            UnknownOrganization: 404.
            SourceError, CredentialsError, Interrupted: as `Transport.ask`.
        """
        path = f"/audit/v2/organizations/{organization.id}/query?getVersionedObjectsInLogs=true"
        body = {
            "startDate": iso(window.start),
            "endDate": iso(window.end - 1),  # both bounds are inclusive
            "ascending": not newest_first,
            "limit": limit,
            "offset": offset,
        }
        what = f"the audit log of {organization} from {window}"

        def understand(answer: Answer) -> Page:
            if answer.status == 200:
                return read_page(answer.body)
            raise _refusal(answer, organization, what)

        page = self._transport.ask(
            "POST", path, json=msgspec.json.encode(body), tokens=self._tokens, understand=understand, what=what
        )
        self.queries += 1
        self.fullest = max(self.fullest, len(page.entries))
        return page

    def total(self, organization: Organization, window: Window) -> int | None:
        """Return how many entries the source says it has in `window`; None if it does not say.

        Raises:
            AuditError: as `page`.
        """
        return self.page(organization, window, limit=1).total


def _refusal(answer: Answer, organization: Organization, what: str) -> Exception:
    if answer.status in {401, 403}:
        return LogRefused(
            f"Reading the audit log of {organization} is refused ({answer.status}).",
            "Add the scope View Audit Logs (read:audit_logs) for this business group to the connected app.",
        )
    if answer.status == 404:
        return UnknownOrganization(
            f"There is no organization {organization} ({answer.status}).",
            "Check MULE_ORG_ID (or --org) and ANYPOINT_PLANE.",
        )
    if 300 <= answer.status < 500:
        said = answer.body[:200].decode("utf-8", "replace")
        said = "".join(c if c.isprintable() else " " for c in said)
        return QueryRefused(
            f"Anypoint refused to give {what} ({answer.status}): {said}",
            "Nothing of this stretch was written. Please report this: it is not documented.",
        )
    return Garbled(f"it answered {answer.status}")
