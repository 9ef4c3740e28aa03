"""Google's REST APIs, spoken plainly: one client, its errors, and where its credentials come from.

`connect` and the errors are here; the client itself is imported by `connect`, because it needs the extra `gcp`.
"""

from __future__ import annotations

from mulesoft_audit.cloud.google.auth import connect
from mulesoft_audit.cloud.google.errors import (
    ApiError,
    Conflict,
    NotEnabled,
    NotFound,
    PolicyRefused,
    Rejected,
    Uncertain,
)

__all__ = ["ApiError", "Conflict", "NotEnabled", "NotFound", "PolicyRefused", "Rejected", "Uncertain", "connect"]
