"""What the Cloud Storage client library raises: which failures may pass, and what to tell of them."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

from mulesoft_audit.refusal import constraint

if TYPE_CHECKING:
    from requests import Response

_TRANSIENT = frozenset({408, 410, 429, 500, 502, 503, 504})  # 410: an upload session is gone, begin another


class Damaged(ValueError):
    """A response that contradicts itself; the next one may not."""


def foreign() -> tuple[type[Exception], ...]:
    """What a request may raise that is not ours."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    # ValueError is what the library makes of a response that is not JSON, or that contradicts its session.
    return (
        *(GoogleAPIError, GoogleAuthError, DataCorruption, InvalidResponse, RequestException),
        *(HTTPError, http.client.HTTPException, OSError, ValueError),
    )


def repeatable(error: BaseException) -> bool:
    """Whether the same request may succeed a little later."""
    from google.auth.exceptions import GoogleAuthError, TransportError

    status = status_of(error)
    if status is not None:
        return status in _TRANSIENT or status < 400  # a response below 400 that was not understood is a proxy's
    if isinstance(error, GoogleAuthError):
        return isinstance(error, TransportError) or error.retryable
    return isinstance(error, foreign())


def repeatable_in_session(error: BaseException) -> bool:
    """The same within an upload session; a session that is gone stays so, and the whole upload begins again."""
    return repeatable(error) and status_of(error) != http.client.GONE


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind an exception; None if there was no response."""
    from google.api_core.exceptions import GoogleAPICallError, RetryError
    from google.cloud.storage.exceptions import InvalidResponse

    if isinstance(error, RetryError):
        return status_of(error.cause)
    if isinstance(error, InvalidResponse):  # inside an upload session; outside it is made the next kind
        return int(error.response.status_code)
    if isinstance(error, GoogleAPICallError) and error.code is not None:
        return int(error.code)
    return None


def said(error: BaseException) -> str:
    """What the service said, or what happened instead; never an address, which may hold a secret."""
    from google.api_core.exceptions import RetryError

    if isinstance(error, RetryError):
        return said(error.cause)
    if (status := status_of(error)) is not None:
        return f"{status} {_message(getattr(error, 'response', None))}".strip().rstrip(".")
    if isinstance(error, Damaged):
        return str(error)
    return _innermost(error)


def _message(response: Response | None) -> str:
    """The message of an error body: JSON, or plain text for a download."""
    if response is None:
        return ""
    try:
        return str(response.json()["error"]["message"])
    except (KeyError, TypeError, ValueError):
        text = response.text.strip()
        return "" if text.startswith("<") else text[:200]


def policy_of(error: BaseException) -> str:
    """The constraint of the organization policy that refused a request; "" if none did."""
    return constraint({"message": _message(getattr(error, "response", None))})


def _innermost(error: BaseException) -> str:
    """The kind of an exception, and what the operating system said at its root."""
    root: BaseException | None = error
    while root is not None:
        if isinstance(root, OSError) and root.strerror:
            return f"{type(error).__name__}, {root.strerror}"
        inner = [arg for arg in root.args if isinstance(arg, BaseException)]
        root = root.__cause__ or root.__context__ or (inner[0] if inner else None)
    return type(error).__name__


def of_bucket(error: BaseException) -> bool:
    """Whether a 404 is about the bucket rather than the object."""
    return "bucket does not exist" in _message(getattr(error, "response", None))
