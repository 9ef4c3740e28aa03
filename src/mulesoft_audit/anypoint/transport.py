"""HTTP to one control plane: verified, to one host alone, bounded, paced, and retried within a budget."""

from __future__ import annotations

import logging
import math
import threading
from copy import copy
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError

from mulesoft_audit import __version__
from mulesoft_audit.anypoint.body import MAX_BODY, read_body
from mulesoft_audit.anypoint.bounds import Bounds
from mulesoft_audit.anypoint.connections import connections_to
from mulesoft_audit.anypoint.response import BadResponse, RedirectRefused, Response, TooLarge, TooSlow
from mulesoft_audit.anypoint.retries import TRIES, TRIES_AT_FIRST, Retries, reason, second_of_minute
from mulesoft_audit.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mulesoft_audit.anypoint.pacer import Pacer
    from mulesoft_audit.anypoint.planes import Plane
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.secret import Secret

__all__ = ["MAX_BODY", "BadResponse", "RedirectRefused", "Response", "Token", "Tokens", "TooLarge", "Transport"]

log = logging.getLogger(__name__)
T = TypeVar("T")

LONGEST_RESPONSE = 120.0  #: seconds for one request, headers and body, however steadily they drip
LAST_WORDS = 2.0  #: seconds for a request that may as well fail
_USER_AGENT = f"mulesoft-audit-collector/{__version__}"
_NO_RETRIES = urllib3.Retry(False, redirect=False)
OVER_LIMIT = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token. `renew_at` is on the monotonic clock."""

    value: Secret
    renew_at: float


class Tokens(Protocol):
    """Where the bearer token of a request comes from."""

    def current(self) -> Token:
        """Return a token that is good for a while."""
        ...

    def refused(self, token: Token) -> None:
        """Forget `token`, which the source refused."""
        ...


@dataclass(slots=True)
class _Shared:
    """What every transport of a process shares.

    Attributes:
        large: held by the one request that reads a large body.
        clock_ahead: seconds this machine's clock is ahead of the source's; None while the source has not said.
    """

    large: threading.Lock = field(default_factory=threading.Lock)
    clock_ahead: float | None = None


class Transport:
    """Requests to one plane.

    Attributes:
        plane: where requests go, and nowhere else: redirects are not followed.
        pacer: the pace they keep.
        stop: breaks off what is under way when it is time to stop.
        responded: whether the plane has ever given a response that is neither a fault nor a limit.
    """

    def __init__(self, plane: Plane, pacer: Pacer, stop: Stop, *, timeout: float = 60.0, connections: int = 16) -> None:
        """Talk to `plane` at the pace of `pacer`; `timeout` is seconds without a byte.

        Raises:
            UsageError: the environment names a proxy whose address is malformed.
        """
        self.plane = plane
        self.pacer = pacer
        self.stop = stop
        self.responded = False
        self._timeout = timeout
        self._shared = _Shared()
        self._http = connections_to(plane.base_url, connections, timeout)

    def sharing(self, stop: Stop, pacer: Pacer) -> Transport:
        """Return a transport that shares this one's connections, keeps to `pacer` and stops when `stop` does."""
        other = copy(self)
        other.stop, other.pacer = stop, pacer
        return other

    @property
    def clock_ahead(self) -> float | None:
        """Seconds this machine's clock is ahead of the source's, to half a second; None if the source did not say.

        By the `Date` header of the latest response that had one. It is cut to whole seconds, so that the middle of
        its second is meant.
        """
        return self._shared.clock_ahead

    def source_time(self) -> float | None:
        """Return Unix seconds now by the source's clock, to half a second; None if the source did not say."""
        ahead = self._shared.clock_ahead
        return None if ahead is None else self.stop.clock.time() - ahead

    def request(
        self,
        method: str,
        path: str,
        *,
        json: bytes | None = None,
        form: Mapping[str, str] | None = None,
        tokens: Tokens | None = None,
        read: Callable[[Response], T],
        what: str,
    ) -> T:
        """Send a request until `read` accepts a response, within the retry budget.

        Args:
            method: GET or POST.
            path: absolute path with its query string.
            json: a JSON body.
            form: a form body, if `json` is not given.
            tokens: where the bearer token comes from; None sends none.
            read: turns a response into a value; raises `BadResponse` for one that must be asked for again.
            what: what is being asked, for messages: "the audit log of … from … to …".

        Raises:
            SourceError: the budget is used up.
            TooLarge: the response is larger than `MAX_BODY`; it is not asked for again.
            RedirectRefused: the response leads elsewhere.
            CredentialsError: a fresh token is refused.
            Interrupted: it is time to stop.
        """
        retries = Retries(what, self.plane.base_url, self.pacer, self.stop)
        while True:
            slot = self.pacer.acquire()
            headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
            token = tokens.current() if tokens else None
            if token:
                self.pacer.sent(slot)  # fetching the token may have taken a while
                headers["Authorization"] = f"Bearer {token.value.reveal()}"
            bounds = self._bounds()
            try:
                try:
                    response = self._send(method, path, headers, json, form, bounds)
                finally:
                    self.pacer.responded(slot)
                if response.status in OVER_LIMIT:
                    retries.pushed_back(slot, response, second_of_minute(self.source_time()))
                elif response.status == 401 and tokens and token:
                    tokens.refused(token)
                    retries.unauthorized()
                elif response.status >= 500 or response.status == 408:
                    raise BadResponse(f"it responded {response.status}")  # noqa: TRY301 - one place counts faults
                elif 300 <= response.status < 400:
                    raise self._redirected(what, response.status)
                else:
                    self.pacer.succeeded()
                    self.responded = True
                    return read(response)
            except (BadResponse, HTTPError, OSError) as error:
                problem = reason(error)
                responded = isinstance(error, BadResponse) and not isinstance(error, TooSlow)
            else:
                continue
            finally:
                bounds.release()
            retries.failed(problem, tries=TRIES if self.responded else TRIES_AT_FIRST, responded=responded)

    def _redirected(self, what: str, status: int) -> RedirectRefused:
        return RedirectRefused(
            f"Anypoint responded with a redirect ({status}) for {what}, which is not followed: "
            f"the credentials go to {self.plane.base_url} alone.",
            "Check ANYPOINT_PLANE or ANYPOINT_BASE_URL, and whether a proxy responds in its place.",
        )

    def once(self, method: str, path: str, form: Mapping[str, str]) -> int | None:
        """Send a request that may as well fail: without pace or second try, in two seconds; return its status."""
        bounds = Bounds(LAST_WORDS, LAST_WORDS, None, threading.Lock())
        try:
            return self._send(method, path, {}, None, form, bounds, timeout=LAST_WORDS).status
        except (BadResponse, SourceError, HTTPError, OSError) as error:
            log.info("A last request failed: %s", reason(error))
            return None

    def _bounds(self) -> Bounds:
        longest = max(LONGEST_RESPONSE, 5 * self._timeout)
        return Bounds(longest, self._timeout, self.stop, self._shared.large)

    def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        json: bytes | None,
        form: Mapping[str, str] | None,
        bounds: Bounds,
        timeout: float | None = None,
    ) -> Response:
        body: bytes | None = json
        if json is not None:
            headers["Content-Type"] = "application/json"
        elif form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
        with bounds.in_force():
            response = self._http.urlopen(
                method,
                path,
                body=body,
                headers={**headers, "User-Agent": _USER_AGENT},
                redirect=False,
                retries=_NO_RETRIES,
                assert_same_host=False,  # it is a path, not a URL
                preload_content=False,
                decode_content=False,
                timeout=timeout or self._http.timeout,
            )
            self._note_clock(response.headers)
            try:
                content = read_body(response, bounds)
            except BaseException:
                response.close()
                raise
        response.release_conn()
        log.debug("%s %s: %d, %d bytes", method, path, response.status, len(content))
        return Response(response.status, response.headers, content)

    def _note_clock(self, headers: Mapping[str, str]) -> None:
        date = unix_time(headers.get("Date", ""))
        if date is not None:
            self._shared.clock_ahead = self.stop.clock.time() - (date + 0.5)

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()


def unix_time(date: str) -> float | None:
    """Return Unix seconds of an HTTP date; None if it is none."""
    try:
        found = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return found if math.isfinite(found) else None
