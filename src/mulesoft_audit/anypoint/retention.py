"""How long the source keeps entries ("Audit Log Query API", retentionSettings; "Audit Log Retention")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mulesoft_audit.anypoint.transport import Answer, Garbled

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.token import TokenSource
    from mulesoft_audit.anypoint.transport import Transport

LONGEST_DAYS = 2190  #: six years, the most that can be set


def retention_days(transport: Transport, tokens: TokenSource, organization: str) -> int | None:
    """Return for how many days entries may be kept, by the longest period in force; None if it may not be read.

    Raises:
        SourceError, CredentialsError, Interrupted: as `Transport.ask`.
    """
    settings = transport.ask(
        "GET",
        f"/audit/v2/organizations/{organization}/retentionSettings",
        tokens=tokens,
        understand=_settings,
        what=f"the retention of {organization}",
    )
    days = [
        int(item["retentionPeriod"])
        for item in settings
        if isinstance(item, dict) and isinstance(item.get("retentionPeriod"), int | float)
    ]
    return min(max(days), LONGEST_DAYS) if days and max(days) > 0 else None


def _settings(answer: Answer) -> list[Any]:
    if 400 <= answer.status < 500:  # an Audit Log Viewer may be refused; the entries themselves tell then
        return []
    if answer.status != 200:
        raise Garbled(f"it answered {answer.status}")
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Garbled("its answer is not JSON") from error
    data = found.get("data") if isinstance(found, dict) else None
    return data if isinstance(data, list) else []
