"""Anypoint's control planes: the host to talk to and the requests a minute it allows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from mulesoft_audit.errors import UsageError


@dataclass(frozen=True, slots=True)
class Plane:
    """A control plane.

    Attributes:
        name: `us`, `eu`, …, or `custom`.
        base_url: scheme and host, without a trailing slash.
        requests_per_minute: what the audit log query allows one IP address in a minute.
    """

    name: str
    base_url: str
    requests_per_minute: int


# Hosts: "Access Management" and hosting release notes of each plane. Limits: "Audit Logging", which names 700 for
# the US and 40 for EU and Gov; the planes it does not name are taken to allow what the strictest named one does.
PLANES = {
    plane.name: plane
    for plane in (
        Plane("us", "https://anypoint.mulesoft.com", 700),
        Plane("eu", "https://eu1.anypoint.mulesoft.com", 40),
        Plane("gov", "https://gov.anypoint.mulesoft.com", 40),
        Plane("ca", "https://ca1.platform.mulesoft.com", 40),
        Plane("jp", "https://jp1.platform.mulesoft.com", 40),
        Plane("in", "https://in1.platform.mulesoft.com", 40),
        Plane("au", "https://au1.platform.mulesoft.com", 40),
    )
}

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|[0-9A-Fa-f:.]+")  # a name or an address, in ASCII
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def plane_named(name: str) -> Plane:
    """Return the plane of that name.

    Raises:
        UsageError: there is none.
    """
    try:
        return PLANES[name.strip().lower()]
    except KeyError:
        known = ", ".join(PLANES)
        raise UsageError(
            f"ANYPOINT_PLANE is {name!r}; expected one of {known}.",
            "For a private cloud edition set ANYPOINT_BASE_URL=https://HOST instead.",
        ) from None


def plane_at(base_url: str) -> Plane:
    """Return the plane at a URL of the user's choice: a known one with its own limit, or a custom one with 40.

    Raises:
        UsageError: not an https URL of a host alone (http is accepted for this machine only).
    """
    base = _base_of(base_url.strip())
    if base is None:
        raise UsageError(
            f"ANYPOINT_BASE_URL is {base_url!r}; expected https://HOST or https://HOST:PORT with nothing after it.",
            "Plain http is accepted for 127.0.0.1 only, because the credentials travel with each request.",
        )
    return next((plane for plane in PLANES.values() if plane.base_url == base), Plane("custom", base, 40))


def _base_of(text: str) -> str | None:
    """Return scheme, host and port of a URL that has nothing else; None for anything else."""
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
    except ValueError:  # brackets without an address between them, a port that is no number
        return None
    allowed = url.scheme == "https" or (url.scheme == "http" and host in LOOPBACK)
    if not allowed or not _HOST.fullmatch(host) or port == 0 or not _nothing_else(url):
        return None
    return f"{url.scheme}://{url.netloc}"


def _nothing_else(url: SplitResult) -> bool:
    return not (url.path.strip("/") or url.query or url.fragment or "@" in url.netloc)
