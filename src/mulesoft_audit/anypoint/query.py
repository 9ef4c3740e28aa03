"""The Audit Log Query API: pages of entries by cursor, and totals ("Audit Log Query API", "Audit Logging")."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mulesoft_audit.anypoint.entry import Page, read_page
from mulesoft_audit.anypoint.transport import Answer, Garbled, TooLarge
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


class CursorRefused(Exception):
    """The source does not accept a cursor it gave: expired, or bound to something that moved."""


class QueryRefused(SourceError):
    """The source does not take the query: an answer of 4xx that nothing else explains."""


class LogRefused(PermissionMissing):
    """This organization's audit log may not be read."""


def iso(milliseconds: int) -> str:
    """Return Unix milliseconds as ISO 8601 in UTC, with milliseconds and Z."""
    return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


class AuditQuery:
    """Audit queries against one plane.

    Attributes:
        queries: how many were answered.
    """

    def __init__(self, transport: Transport, tokens: TokenSource) -> None:
        self.queries = 0
        self._transport = transport
        self._tokens = tokens
        self._limit = PAGE_LIMIT

    def page(self, organization: Organization, window: Window, cursor: str | int | None) -> Page:
        """Return one page in ascending order, with the total of the whole window where the source gives it.

        Raises:
            CursorRefused: start again, without a cursor, from where you are sure of.
            LogRefused: 403 for this organization.
            SourceError, UsageError, CredentialsError, Interrupted: as `Transport.ask`.
        """
        while True:
            body: dict[str, object] = {
                "startDate": iso(window.start),
                "endDate": iso(window.end - 1),  # both bounds are inclusive
                "ascending": True,
                "limit": self._limit,
            }
            if cursor is not None:
                body["cursor"] = cursor
            asked = self._limit
            try:
                page = self._ask(organization, window, body, cursored=True)
            except TooLarge:
                if asked == 1:
                    raise
                self._limit = max(1, asked // 2)
            else:
                if asked < PAGE_LIMIT:  # large entries were met; find back to full pages a little at a time
                    self._limit = min(PAGE_LIMIT, asked + max(1, asked // 8))
                return page

    def total(self, organization: Organization, window: Window) -> int | None:
        """Return how many entries the source says it has in `window`.

        In offset mode the answer always says, by the documentation; None if it does not.

        Raises:
            LogRefused: 403 for this organization.
            SourceError, UsageError, CredentialsError, Interrupted: as `Transport.ask`.
        """
        body: dict[str, object] = {
            "startDate": iso(window.start),
            "endDate": iso(window.end - 1),
            "ascending": True,
            "limit": 1,
            "offset": 0,
        }
        return self._ask(organization, window, body, cursored=False).total

    def count(self, organization: Organization, window: Window, expected: int) -> tuple[int | None, bool]:
        """Return the total of `window`, and whether there are more than `expected` entries whatever it says.

        One request: the entry behind the expected ones is asked for. Where an offset so far is refused, a total that is
        just `expected` may be where the source stops counting.

        Raises:
            AuditError: as `page`.
        """
        body: dict[str, object] = {
            "startDate": iso(window.start),
            "endDate": iso(window.end - 1),
            "ascending": True,
            "limit": 1,
            "offset": expected,
        }
        try:
            page = self._ask(organization, window, body, cursored=False)
        except QueryRefused:
            total = self.total(organization, window)
            return total, total == expected
        return page.total, bool(page.entries)

    def _ask(self, organization: Organization, window: Window, body: dict[str, object], *, cursored: bool) -> Page:
        path = f"/audit/v2/organizations/{organization.id}/query?getVersionedObjectsInLogs=true"
        if cursored:
            path += "&cursorPagination=true&doIncludeTotal=true"
        what = f"the audit log of {organization} from {window}"

        def understand(answer: Answer) -> Page:
            if answer.status == 200:
                return read_page(answer.body)
            if "cursor" in body and answer.status in {400, 404, 410, 422}:
                raise CursorRefused
            raise _refusal(answer, organization, what)

        page = self._transport.ask(
            "POST", path, json=msgspec.json.encode(body), tokens=self._tokens, understand=understand, what=what
        )
        self.queries += 1
        return page


def _refusal(answer: Answer, organization: Organization, what: str) -> Exception:
    if answer.status in {401, 403}:
        return LogRefused(
            f"Reading the audit log of {organization} is refused ({answer.status}).",
            "Add the scope View Audit Logs (read:audit_logs) for this business group to the connected app.",
        )
    if answer.status == 404:
        return UsageError(
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
