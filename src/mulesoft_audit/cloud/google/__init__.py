"""Google's REST APIs, spoken plainly: one client, its errors, and where its credentials come from."""

from __future__ import annotations

from mulesoft_audit.cloud.google.auth import connect
from mulesoft_audit.cloud.google.client import Google, Json
from mulesoft_audit.cloud.google.errors import ApiError, Conflict, NotEnabled, NotFound, Rejected, Uncertain

__all__ = ["ApiError", "Conflict", "Google", "Json", "NotEnabled", "NotFound", "Rejected", "Uncertain", "connect"]
