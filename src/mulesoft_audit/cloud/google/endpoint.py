"""A control plane on this machine that takes the place of Google's hosts: for tests."""

from __future__ import annotations

from urllib.parse import urlsplit

from mulesoft_audit.errors import UsageError

ENDPOINT = "MULESOFT_AUDIT_GOOGLE_ENDPOINT"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def local_endpoint(url: str) -> str:
    """Return the checked control plane of this machine, or "" for the real one.

    Raises:
        UsageError: it is not on this machine.
    """
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK or parts.path.strip("/") or parts.query:
        raise UsageError(
            f"{ENDPOINT} is {url!r}; expected http://127.0.0.1:PORT.", "It is for tests on this machine only."
        )
    return f"http://{parts.netloc}"
