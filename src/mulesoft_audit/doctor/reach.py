"""The way to a control plane: its name, a connection, a certificate, and what its clock says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.pacer import Pacer
from mulesoft_audit.anypoint.transport import RedirectRefused, Transport, unix_time
from mulesoft_audit.clock import Stop
from mulesoft_audit.doctor.finding import Finding, fail, ok, skipped, warn
from mulesoft_audit.errors import Interrupted, SourceError

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.planes import Plane
    from mulesoft_audit.anypoint.transport import Response
    from mulesoft_audit.clock import Clock

DOOR = "/accounts/api/me"  #: responds 401 to whoever shows no token, which is all that is wanted
PATIENCE = 15.0  #: seconds after which it is not tried again
SKEW_WARN, SKEW_FAIL = 30.0, 300.0  #: seconds


@dataclass(frozen=True, slots=True)
class Knock:
    """A response to a request without credentials.

    Attributes:
        status: of the response.
        date: what the server's clock said, in epoch seconds; None if it did not say.
        at: this machine's time when the response was here.
        seconds: how long it took, with what had to be tried again.
    """

    status: int
    date: float | None
    at: float
    seconds: float


def knock(plane: Plane, clock: Clock, patience: float = PATIENCE) -> Knock:
    """Ask a plane for something without credentials, the way the collector would.

    Raises:
        SourceError: there was no response, or one that leads elsewhere.
        Interrupted: it only put us off.
    """
    began = clock.monotonic()
    stop = Stop(clock, began + patience)
    transport = Transport(plane, Pacer(plane.requests_per_minute, stop), stop, timeout=patience / 2, connections=1)

    def read(response: Response) -> Knock:
        return Knock(response.status, _epoch(response), clock.time(), clock.monotonic() - began)

    try:
        return transport.request("GET", DOOR, read=read, what="a response of any kind")
    except Interrupted:
        if transport.pacer.over_limit:
            raise
        raise SourceError(f"Anypoint ({plane.base_url}) was asked for {patience:.0f} s without a response.") from None
    finally:
        transport.close()


def _epoch(response: Response) -> float | None:
    date = unix_time(response.headers.get("Date", ""))
    return None if date is None else date + 0.5  # it is cut to whole seconds


def unreachable(plane: Plane, error: SourceError) -> Finding:
    """Return what kept the plane from responding."""
    if isinstance(error, RedirectRefused):
        return fail(f"{plane.name}: {error.message}", error.hint, SourceError.exit_code)
    hint = (
        "Check ANYPOINT_PLANE (or ANYPOINT_BASE_URL), DNS, and that a firewall or proxy (HTTPS_PROXY) lets that host "
        "through. If a proxy opens TLS, name its certificate with SSL_CERT_FILE; verification is never switched off."
    )
    return fail(f"{plane.name}: {error.message}", hint, SourceError.exit_code)


def reach(plane: Plane, clock: Clock, patience: float = PATIENCE) -> tuple[Finding, Knock | None]:
    """Return whether it is Anypoint that responds, and its response."""
    where = f"{plane.name}: {plane.base_url}"
    try:
        found = knock(plane, clock, patience)
    except SourceError as error:
        return unreachable(plane, error), None
    except Interrupted:
        hint = "Wait a minute. If it stays, look at MuleSoft's status page, and who else asks from this IP address."
        return warn(f"{where} only says that its limit is exceeded, or it is out of order (503)", hint), None
    if found.status not in (400, 401, 403, 404):
        return warn(f"{where} responds with {found.status}, not 401", "Check that no proxy is in its place."), found
    return ok(f"{where} responds in {found.seconds * 1000:.0f} ms"), found


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
        "runs look back less far by as much, and overstate up to when the archive is complete"
        if ahead > 0
        else "each run leaves out the newest entries, as many seconds of them"
    )
    hint = "Let this machine's clock be set from the network (NTP; `timedatectl set-ntp true` on Linux)."
    if size <= SKEW_FAIL:
        return warn(f"{detail}: {effect}", hint)
    return fail(f"{detail}: {effect}; Google refuses tokens that are off this far", hint)
