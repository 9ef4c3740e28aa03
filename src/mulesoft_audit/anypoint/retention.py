"""How long the source keeps entries ("Audit Log Query API", retentionSettings; "Audit Log Retention")."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.transport import BadResponse

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.transport import Response, Tokens, Transport

LONGEST_DAYS = 2190  #: six years, the most that can be set


def retention_days(transport: Transport, tokens: Tokens, organization: str) -> int | None:
    """Return for how many days entries may be kept, by the longest period in force; None if that cannot be told.

    Raises:
        SourceError, CredentialsError, Interrupted: as `Transport.request`.
    """
    return transport.request(
        "GET",
        f"/audit/v2/organizations/{organization}/retentionSettings",
        tokens=tokens,
        read=_read,
        what=f"the retention of {organization}",
    )


def _read(response: Response) -> int | None:
    if 400 <= response.status < 500:  # an Audit Log Viewer may be refused; the entries themselves tell then
        return None
    if response.status != 200:
        raise BadResponse(f"it responded {response.status}")
    return longest_period(response.json())


def longest_period(settings: object) -> int | None:
    """Return the days of the longest retention period among settings of any shape; None if there is none."""
    items = settings.get("data") if isinstance(settings, dict) else None
    if not isinstance(items, list):
        return None
    days = [_days(item.get("retentionPeriod")) for item in items if isinstance(item, dict)]
    return max((found for found in days if found is not None), default=None)


def _days(period: object) -> int | None:
    """Return a number of whole days, at most `LONGEST_DAYS`; None for what is no number of days."""
    if isinstance(period, bool) or not isinstance(period, int | float) or math.isnan(period) or period < 1:
        return None
    return int(min(period, LONGEST_DAYS))
