"""The way to a control plane: its name, a connection, a certificate, and what its clock says."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mulesoft_audit.anypoint.transport import OVER_LIMIT, _pool, _reason
from mulesoft_audit.doctor.finding import Finding, fail, ok, printable, skipped, warn
from mulesoft_audit.errors import AuditError, SourceError

if TYPE_CHECKING:
    from urllib3.exceptions import HTTPError

    from mulesoft_audit.anypoint.planes import Plane
    from mulesoft_audit.clock import Clock

DOOR = "/accounts/api/me"  #: answers 401 to whoever shows no token, which is all that is wanted
PATIENCE = 10.0
SKEW_WARN, SKEW_FAIL = 30.0, 300.0  #: seconds

_MENDS = {
    "NameResolutionError": "Check ANYPOINT_PLANE (or ANYPOINT_BASE_URL) and this machine's DNS.",
    "SSLError": "If a proxy opens TLS here, name its certificate with SSL_CERT_FILE. Verification is never switched "
    "off, because the credentials travel on this connection.",
    "ProxyError": "Check HTTPS_PROXY and NO_PROXY, and that the proxy lets this host through.",
}
_FIREWALL = "Check that a firewall or proxy (HTTPS_PROXY) lets this machine reach that host on port 443."


@dataclass(frozen=True, slots=True)
class Knock:
    """An answer to a request without credentials.

    Attributes:
        status: of the answer.
        date: what the server's clock said, in epoch seconds; None if it did not say.
        location: where a redirect leads; empty for none.
        at: this machine's time when the server's was written, as near as can be told.
        seconds: how long it took.
    """

    status: int
    date: float | None
    location: str
    at: float
    seconds: float


def knock(plane: Plane, clock: Clock, timeout: float = PATIENCE) -> Knock:
    """Ask a plane for something without credentials, the way the collector would.

    Raises:
        HTTPError, OSError: there was no answer.
    """
    pool = _pool(plane.base_url, 1, timeout)
    try:
        sent, began = clock.time(), clock.monotonic()
        answer = pool.urlopen("GET", plane.base_url + DOOR, redirect=False, retries=False)
        seconds = clock.monotonic() - began
    finally:
        pool.clear()
    location = urlsplit(answer.headers.get("Location", "")).netloc
    return Knock(answer.status, _epoch(answer.headers.get("Date", "")), location, sent + seconds / 2, seconds)


def _epoch(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() + 0.5  # it is cut to whole seconds
    except (ValueError, TypeError):
        return None


def unreachable(plane: Plane, error: HTTPError | OSError) -> Finding:
    """Return what kept the plane from answering."""
    mend = _MENDS.get(type(error).__name__, _FIREWALL)
    return fail(f"{plane.name}: {plane.base_url}: {_reason(error)}", mend, SourceError.exit_code)


def reached(plane: Plane, found: Knock) -> Finding:
    """Return whether it is Anypoint that answered."""
    where = f"{plane.name}: {plane.base_url}"
    if found.status in OVER_LIMIT or found.status >= 500:
        return warn(
            f"{where} answers {found.status}: over its limit, or out of order",
            "Wait a minute. If it stays, look at MuleSoft's status page, and who else asks from this IP address.",
        )
    if 300 <= found.status < 400:
        return fail(
            f"{where} sends us on to {printable(found.location)[:80] or 'another page'} ({found.status})",
            "That is not Anypoint's API: check ANYPOINT_BASE_URL, or whether a proxy wants a log-in. "
            "Credentials are never sent to another host.",
            SourceError.exit_code,
        )
    if found.status not in (400, 401, 403, 404):
        return warn(f"{where} answers {found.status} where 401 is expected", "Check that a proxy does not answer.")
    return ok(f"{where} answers in {found.seconds * 1000:.0f} ms")


def skew(found: Knock) -> Finding:
    """Compare this machine's clock with the plane's, and say what a difference does."""
    if found.date is None:
        return skipped("the plane does not say what time it is")
    ahead = found.at - found.date
    size = abs(ahead)
    detail = f"this machine is {size:.0f} s {'ahead of' if ahead > 0 else 'behind'} the plane"
    if size <= SKEW_WARN:
        return ok("agrees with the plane's to within 2 s" if size < 2 else detail)
    effect = (
        "up to when the archive is complete is overstated by as much until the next run looks back"
        if ahead > 0
        else "each run leaves out the newest entries, as many seconds of them"
    )
    mend = "Let this machine's clock be set from the network (NTP; `timedatectl set-ntp true` on Linux)."
    if size <= SKEW_FAIL:
        return warn(f"{detail}: {effect}", mend)
    return fail(f"{detail}: {effect}; Google refuses tokens that are off this far", mend, AuditError.exit_code)
