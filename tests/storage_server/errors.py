"""What the server answers when it says no, in Google's shape."""

from __future__ import annotations

import json
from typing import Any

REASONS = {
    304: "notModified",
    400: "invalid",
    401: "required",
    403: "forbidden",
    404: "notFound",
    405: "methodNotAllowed",
    408: "requestTimeout",
    409: "conflict",
    410: "uploadGone",
    412: "conditionNotMet",
    413: "uploadTooLarge",
    416: "requestedRangeNotSatisfiable",
    429: "rateLimitExceeded",
    499: "clientClosedRequest",
    500: "backendError",
    502: "backendError",
    503: "backendError",
    504: "gatewayTimeout",
}

PHRASES = {308: "Resume Incomplete", 499: "Client Closed Request"}


class ApiError(Exception):
    """A request that is refused, with the status and reason the real service gives."""

    def __init__(self, status: int, message: str, reason: str = "", location: str = "") -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.reason = reason or REASONS.get(status, "backendError")
        self.location = location

    def resource(self) -> dict[str, Any]:
        """The JSON API's error body."""
        detail = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.location:
            detail |= {"locationType": "header", "location": self.location}
        return {"error": {"code": self.status, "message": self.message, "errors": [detail]}}

    def json(self) -> bytes:
        """The same, encoded."""
        return json.dumps(self.resource(), indent=2).encode()


def no_bucket() -> ApiError:
    return ApiError(404, "The specified bucket does not exist.")


def no_object(bucket: str, name: str) -> ApiError:
    return ApiError(404, f"No such object: {bucket}/{name}")


def condition_not_met(location: str = "If-Match") -> ApiError:
    return ApiError(412, "At least one of the pre-conditions you specified did not hold.", "conditionNotMet", location)


def no_permission(permission: str, resource: str) -> ApiError:
    return ApiError(
        403,
        f"caller@test.iam.gserviceaccount.com does not have {permission} access to the Google Cloud Storage "
        f"{resource}. Permission '{permission}' denied on resource (or it may not exist).",
    )
