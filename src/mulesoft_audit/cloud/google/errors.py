"""What a refused or lost call to Google means, by what the caller should do about it.

    DeploymentError
    └── ApiError         Google responded with an error, or not at all
        ├── NotFound     404
        ├── Conflict     409 or 412: it exists already, or somebody else was faster
        ├── NotEnabled   403: the API is not switched on in the project (or not yet everywhere)
        ├── PolicyRefused  400, 403 or 412: an organization policy forbids it, until somebody lifts that
        ├── Rejected     400: malformed, or something it refers to is missing
        └── Uncertain    no response, or 5xx: it may have taken effect

A 401 is a `CredentialsError` and any other 403 a `PermissionMissing`, which names the permission.
"""

from __future__ import annotations

from typing import Any

from mulesoft_audit import refusal
from mulesoft_audit.errors import AuditError, CredentialsError, DeploymentError, PermissionMissing
from mulesoft_audit.printable import printable

LOGIN = "Log in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS."
AGAIN = "Nothing that was made is undone; run the command again."
ROLE_MISSING = "A role is missing; docs/deploy.md lists what the person who deploys needs."
SAID = 600  #: the most characters of what Google says that are shown


class ApiError(DeploymentError):
    """Google responded with an error, or not at all.

    Attributes:
        status: the HTTP status; 0 if there was no response.
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


class PolicyRefused(ApiError):
    """An organization policy forbids it; neither a lost race nor something to wait for."""


class Rejected(ApiError):
    """The request is malformed, or refers to something that is missing."""


class Uncertain(ApiError):
    """No response that says whether the request took effect."""


def understood(what: str, status: int, detail: dict[str, Any]) -> AuditError:
    """Return the error that a response of Google's stands for.

    Args:
        what: what was being done, as it should stand after "Could not".
        status: the HTTP status.
        detail: the `error` object of the response; empty if it had none.
    """
    said = printable(detail.get("message") or f"HTTP {status}", SAID)
    reason = _reason(detail)
    message = f"Could not {what}: {said}"
    if status == 401:
        return CredentialsError(f"Google does not accept the credentials. {message}", LOGIN)
    if status == 403 and (off := refusal.disabled(detail)):
        api, project = off
        where = f"{message} (API {api or 'not named'}, project {project or 'not named'})"
        return NotEnabled(where, refusal.enable(api, project), status=status, reason="SERVICE_DISABLED")
    if status in (400, 403, 412) and (constraint := refusal.constraint(detail)):
        return PolicyRefused(
            f"{message} (organization policy {constraint})", refusal.lift(constraint), status=status, reason=reason
        )
    if status == 403:
        return PermissionMissing(message, refusal.remedy(detail) or ROLE_MISSING)
    kind = {400: Rejected, 404: NotFound, 409: Conflict, 412: Conflict}.get(status, ApiError)
    if status >= 500:
        kind = Uncertain
    return kind(message, refusal.remedy(detail) or AGAIN, status=status, reason=reason)


def _reason(detail: dict[str, Any]) -> str:
    reasons = [str(item["reason"]) for item in refusal.details(detail) if item.get("reason")]
    stated = str(detail.get("status", ""))
    return stated or (reasons or [""])[0]
