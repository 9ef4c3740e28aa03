"""Where pings go, by healthchecks.io's convention.

`URL/start` when a run begins, `URL` when it succeeded, `URL/fail` when it failed, and `URL/log` for what is neither
(healthchecks.io, "Pinging API"). Whoever has the URL can send pings in this collector's name: it is a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

from mulesoft_audit.anypoint.planes import LOOPBACK
from mulesoft_audit.errors import UsageError
from mulesoft_audit.secret import strike_out

_SAFE = re.compile(r"[!-~]+")  # visible ASCII: whatever else is in a URL has to be escaped there
_SHORTEST = 8  #: characters of a path that may be a secret; `/ping` is none


class Kind(Enum):
    """What a ping says; its value is what is added to the path."""

    START = "/start"
    SUCCESS = ""
    FAIL = "/fail"
    LOG = "/log"


@dataclass(frozen=True, slots=True)
class Address:
    """The URL of a check, taken apart.

    Attributes:
        base: scheme, host and port.
        path: below which pings go, without a slash at its end.
        query: sent with each ping; may be empty.
    """

    base: str
    path: str = field(repr=False)
    query: str = field(repr=False)

    def target(self, kind: Kind) -> str:
        """Return path and query of a ping."""
        path = f"{self.path}{kind.value}" or "/"
        return f"{path}?{self.query}" if self.query else path


def address(url: str) -> Address:
    """Return the address of a check. URL and path are from then on struck out of whatever is printed.

    Raises:
        UsageError: it is no https URL (http is accepted for this machine only); the message does not repeat it.
    """
    strike_out(url)
    try:
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        usable = safe and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:  # brackets without an address between them, a port that is no number
        usable = False
    if not usable or not _SAFE.fullmatch(url):
        raise UsageError(
            "PING_URL is not the address of a check; expected https://HOST/PATH, without a user name in it.",
            "It is a secret, so it is not repeated here. Copy it from the check's page again.",
        )
    path = parts.path.rstrip("/")
    if len(path) >= _SHORTEST:
        strike_out(path)
    return Address(f"{parts.scheme}://{parts.netloc}", path, parts.query)
