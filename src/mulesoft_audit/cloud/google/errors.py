"""What a refused or lost call to Google means, by what the caller should do about it.

    DeploymentError
    └── ApiError         Google answered with an error, or not at all
        ├── NotFound     404
        ├── Conflict     409 or 412: it exists already, or somebody else was faster
        ├── NotEnabled   403: the API is not switched on in the project (or not yet everywhere)
        ├── Rejected     400: malformed, or something it refers to is missing
        └── Uncertain    no answer, or 5xx: it may have taken effect

A 401 is a `CredentialsError` and any other 403 a `PermissionMissing`, which names the permission.
"""

from __future__ import annotations

import re
from typing import Any

from mulesoft_audit.errors import AuditError, CredentialsError, DeploymentError, PermissionMissing
from mulesoft_audit.printable import printable

LOGIN = "Log in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS."
# Google's wording differs by API: "Permission 'run.services.get' denied on …", "… does not have storage.buckets.get
# access to …", "Required "iam.x.y" permission", "missing permission on …: cloudscheduler.jobs.create".
_PERMISSION = re.compile(r"\b([a-z][a-zA-Z]+\.[a-zA-Z]+\.[a-zA-Z]+)\b(?!\.)")
SAID = 600  #: the most characters of what Google says that are shown
_NOT_ENABLED = ("SERVICE_DISABLED", "accessNotConfigured")


class ApiError(DeploymentError):
    """Google answered with an error, or not at all.

    Attributes:
        status: the HTTP status; 0 if there was no answer.
        reason: Google's own word for it, for example `FAILED_PRECONDITION`.
    """

    def __init__(self, message: str, hint: str = "", *, status: int = 0, reason: str = "") -> None:
        super().__init__(message, hint)
        self.status = status
        self.reason = reason


class NotFound(ApiError):
    """The thing asked for does not exist (or does not show yet)."""


class Conflict(ApiError):
    """It exists already, or somebody else changed it in between."""


class NotEnabled(ApiError):
    """The API is not enabled in the project, or its enabling has not spread yet."""


class Rejected(ApiError):
    """The request is malformed, or refers to something that is missing."""


class Uncertain(ApiError):
    """No answer that says whether the request took effect."""


def named_permissions(detail: dict[str, Any]) -> list[str]:
    """Return the permissions that an error names, in the order it names them."""
    stated = [str(item.get("metadata", {}).get("permission", "")) for item in _details(detail)]
    spoken = _PERMISSION.findall(str(detail.get("message", "")))
    found = [name for name in (*stated, *spoken) if name and not name.endswith((".com", ".html"))]
    return list(dict.fromkeys(found))


def understood(what: str, status: int, detail: dict[str, Any]) -> AuditError:
    """Return the error that an answer of Google's stands for.

    Args:
        what: what was being done, as it should stand after "Could not".
        status: the HTTP status.
        detail: the `error` object of the answer; empty if it had none.
    """
    said = printable(detail.get("message") or f"HTTP {status}", SAID)
    reason = _reason(detail)
    message = f"Could not {what}: {said}"
    if status == 401:
        return CredentialsError(f"Google does not accept the credentials. {message}", LOGIN)
    if status == 403 and reason in _NOT_ENABLED:
        return NotEnabled(message, "`mulesoft-audit deploy` enables it.", status=status, reason=reason)
    if status == 403:
        return PermissionMissing(message, _ask_for(named_permissions(detail)))
    kind = {400: Rejected, 404: NotFound, 409: Conflict, 412: Conflict}.get(status, ApiError)
    if status >= 500:
        kind = Uncertain
    return kind(message, "Nothing that was made is undone; run the command again.", status=status, reason=reason)


def _ask_for(permissions: list[str]) -> str:
    if not permissions:
        return "A role is missing; docs/deploy.md lists what the person who deploys needs."
    return f"Missing: {', '.join(permissions)}. docs/deploy.md lists the roles that hold it."


def _details(detail: dict[str, Any]) -> list[dict[str, Any]]:
    items = [*detail.get("details", []), *detail.get("errors", [])]
    return [item for item in items if isinstance(item, dict)]


def _reason(detail: dict[str, Any]) -> str:
    reasons = [str(item["reason"]) for item in _details(detail) if item.get("reason")]
    disabled = [reason for reason in reasons if reason in _NOT_ENABLED]
    return (disabled or [str(detail.get("status", ""))])[0]
