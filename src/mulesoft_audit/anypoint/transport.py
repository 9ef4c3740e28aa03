"""One HTTP conversation with a control plane: verified, pinned, bounded, paced, and retried within a budget."""

from __future__ import annotations

import logging
import random
import time
import urllib.request
from copy import copy
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

import urllib3
from isal import isal_zlib
from urllib3.exceptions import HTTPError

from mulesoft_audit import __version__
from mulesoft_audit.anypoint.pacer import MINUTE
from mulesoft_audit.errors import CredentialsError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mulesoft_audit.anypoint.pacer import Pacer, Slot
    from mulesoft_audit.anypoint.planes import Plane
    from mulesoft_audit.anypoint.token import TokenSource
    from mulesoft_audit.clock import Stop

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_BODY = 32 << 20  #: bytes of one answer, inflated; a page that is larger is asked for in smaller pages
READ_SIZE = 1 << 18
LAST_ANSWER = 1.0  #: seconds that an answer under way is waited for when it is time to stop
LONGEST_ANSWER = 120.0  #: seconds for one answer, however steadily it drips
TRIES = 9  #: tries of one request that meets faults; with the waits between them about a minute and a half
TRIES_AT_FIRST = 5  #: while it has never answered: a wrong host, or no way to it, is better said soon
MINUTES_PUSHED_BACK = 15  #: this many minutes of nothing but 503 are an outage, not a limit
_USER_AGENT = f"mulesoft-audit-collector/{__version__}"
_NO_RETRIES = urllib3.Retry(False, redirect=False)
OVER_LIMIT = frozenset({429, 503})


class Garbled(Exception):
    """An answer that was cut, is not what was asked for, or cannot be read."""


class TooLarge(SourceError):
    """An answer of more than `MAX_BODY` bytes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, inflated."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Requests to one plane.

    Attributes:
        plane: where requests go, and nowhere else: redirects are not followed.
        pacer: the pace they keep.
        stop: the wish to stop.
        answered: whether the plane has ever answered well.
    """

    def __init__(self, plane: Plane, pacer: Pacer, stop: Stop, *, timeout: float = 60.0, connections: int = 16) -> None:
        """Talk to `plane` at the pace of `pacer`; `timeout` is seconds without a byte."""
        self.plane = plane
        self.pacer = pacer
        self.stop = stop
        self.answered = False
        self._timeout = timeout
        self._http = _pool(plane.base_url, connections, timeout)

    def under(self, stop: Stop, pacer: Pacer) -> Transport:
        """Return a transport that shares this one's connections, keeps to `pacer` and stops when `stop` does."""
        other = copy(self)
        other.stop, other.pacer = stop, pacer
        return other

    def ask(
        self,
        method: str,
        path: str,
        *,
        json: bytes | None = None,
        form: Mapping[str, str] | None = None,
        tokens: TokenSource | None = None,
        understand: Callable[[Answer], T],
        what: str,
    ) -> T:
        """Send a request until `understand` accepts an answer, within the retry budget.

        Args:
            method: GET or POST.
            path: absolute path with its query string.
            json: a JSON body.
            form: a form body, if `json` is not given.
            tokens: where the bearer token comes from; None sends none.
            understand: turns an answer into a value; raises `Garbled` for one that must be asked for again.
            what: what is being asked, for messages: "the audit log of … from … to …".

        Raises:
            SourceError: the budget is used up.
            CredentialsError: a fresh token is refused.
            Interrupted: it is time to stop.
        """
        attempt = _Attempt(self, what)
        while True:
            slot = self.pacer.acquire()
            headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
            token = tokens.current() if tokens else None
            if token:
                self.pacer.sent(slot)  # fetching the token may have taken a while
                headers["Authorization"] = f"Bearer {token.value.reveal()}"
            try:
                answer = self._send(method, path, headers, json, form)
            except (Garbled, HTTPError, OSError) as error:
                attempt.failed(_reason(error))
                continue
            finally:
                self.pacer.answered(slot)
            if answer.status in OVER_LIMIT:
                attempt.pushed_back(slot, answer)
            elif answer.status == 401 and tokens and token:
                tokens.refused(token)
                attempt.unauthorized()
            elif answer.status >= 500 or answer.status == 408:
                attempt.failed(f"it answered {answer.status}")
            elif 300 <= answer.status < 400:
                raise SourceError(
                    f"Anypoint answered {what} with a redirect ({answer.status}), which is not followed: "
                    f"the credentials go to {self.plane.base_url} alone.",
                    "Check ANYPOINT_PLANE or ANYPOINT_BASE_URL, and whether a proxy answers in its place.",
                )
            else:
                self.pacer.succeeded()
                self.answered = True
                try:
                    return understand(answer)
                except Garbled as error:
                    attempt.failed(str(error))

    def once(self, method: str, path: str, form: Mapping[str, str]) -> int | None:
        """Send a request that may as well fail: unpaced, untried twice, with two seconds to go; return its status."""
        try:
            return self._send(method, path, {}, None, form, timeout=2.0).status
        except (Garbled, HTTPError, OSError) as error:
            log.info("A parting request failed: %s", _reason(error))
            return None

    def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        json: bytes | None,
        form: Mapping[str, str] | None,
        timeout: float | None = None,
    ) -> Answer:
        body: bytes | None = json
        if json is not None:
            headers["Content-Type"] = "application/json"
        elif form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
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
        try:
            content = self._read(response, timeout or max(LONGEST_ANSWER, 5 * self._timeout), heed=timeout is None)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Answer(response.status, response.headers, content)

    def _read(self, response: urllib3.BaseHTTPResponse, patience: float, *, heed: bool) -> bytes:
        """Read a body to its end, inflating it, and never more than `MAX_BODY` bytes of it.

        Args:
            response: the answer, of which the head was read.
            patience: seconds for all of it.
            heed: whether to break off when it is time to stop.
        """
        inflater = _inflater(response)
        chunks: list[bytes] = []
        size, began, asked = 0, time.monotonic(), 0.0
        while chunk := response.read1(READ_SIZE, decode_content=False):
            now = time.monotonic()
            if heed and self.stop.asked:  # what is nearly here is still taken
                asked = asked or now
                if now - asked > LAST_ANSWER:
                    self.stop.check()
            if now - began > patience:
                raise Garbled(f"its answer took longer than {patience:.0f} s")
            chunk = _inflated(inflater, chunk, MAX_BODY + 1 - size)
            size += len(chunk)
            if size > MAX_BODY:
                raise TooLarge(f"Anypoint's answer is larger than {MAX_BODY >> 20} MiB.")
            chunks.append(chunk)
        if inflater is not None and chunks and not inflater.eof:
            raise Garbled("its answer was cut")
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()


class _Attempt:
    """The retry budget of one request."""

    def __init__(self, transport: Transport, what: str) -> None:
        self._transport = transport
        self._what = what
        self._failures = 0
        self._unauthorized = 0

    def failed(self, reason: str) -> None:
        """Count a fault and wait before the next try; raise when the budget is used up."""
        self._failures += 1
        if self._failures >= (TRIES if self._transport.answered else TRIES_AT_FIRST):
            raise SourceError(
                f"Anypoint ({self._transport.plane.base_url}) did not give {self._what}: {reason} "
                f"(tried {self._failures} times).",
                "Everything collected before this is kept. Run again later; the run continues where this one stopped.",
            )
        wait = min(15.0, 0.2 * 2**self._failures) * random.uniform(0.5, 1.0)
        log.info("Asking again for %s in %.1f s: %s", self._what, wait, reason)
        self._transport.stop.sleep(wait)

    def pushed_back(self, slot: Slot, answer: Answer) -> None:
        """Hold everybody back as the source wants it; raise when it has wanted that for too long."""
        pacer = self._transport.pacer
        second = _second_of_minute(answer)
        wait = pacer.pushed_back(slot, second, _retry_after(answer))
        if pacer.pushed_back_for > MINUTES_PUSHED_BACK * MINUTE:
            raise SourceError(
                f"Anypoint answered {answer.status} for {MINUTES_PUSHED_BACK} minutes on end, last for {self._what}: "
                "this is an outage, or somebody else behind the same IP address spends the whole allowance.",
                "Everything collected before this is kept. Run again later; the run continues where this one stopped.",
            )
        level = logging.WARNING if pacer.pushed_back_for > 3 * MINUTE else logging.INFO
        log.log(level, "Anypoint answered %d (over its limit, or out of order); waiting %.0f s", answer.status, wait)

    def unauthorized(self) -> None:
        """Count a refused token; raise when fresh ones are refused over and over."""
        self._unauthorized += 1
        if self._unauthorized > 1:  # a token may expire on its way; two in a row are no coincidence
            self._transport.stop.sleep(min(15.0, 0.2 * 2**self._unauthorized) * random.uniform(0.5, 1.0))
        if self._unauthorized > TRIES:
            raise CredentialsError(
                f"Anypoint refuses fresh tokens (401) for {self._what}.",
                "Check that the connected app acts on its own behalf and belongs to this control plane.",
            )


def _pool(base_url: str, connections: int, timeout: float) -> urllib3.HTTPConnectionPool:
    """Return the connections to one host, through the proxy that the environment names for it, if it does."""
    timeouts = urllib3.Timeout(connect=min(10.0, timeout), read=timeout)
    scheme, host = base_url.split("://", 1)
    proxy = urllib.request.getproxies().get(scheme)
    manager = urllib3.PoolManager(maxsize=connections, timeout=timeouts)
    if proxy and scheme == "https" and not urllib.request.proxy_bypass(host):
        manager = urllib3.ProxyManager(proxy, maxsize=connections, timeout=timeouts)
    return manager.connection_from_url(base_url)


def _inflater(response: urllib3.BaseHTTPResponse) -> isal_zlib.Decompress | None:
    """Return what inflates an answer; None if it is not deflated."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise Garbled(f"its answer is encoded as {encoding[:20]!r}, which was not asked for")
    return isal_zlib.decompressobj(31) if encoding.endswith("gzip") else None


def _inflated(inflater: isal_zlib.Decompress | None, chunk: bytes, most: int) -> bytes:
    if inflater is None:
        return chunk
    try:
        inflated: bytes = inflater.decompress(chunk, most)
    except isal_zlib.IsalError as error:  # type: ignore[misc]
        raise Garbled("its answer is not the gzip it says it is") from error
    return inflated


def _reason(error: Exception) -> str:
    """Say what went wrong on the way, without the addresses and objects that urllib3 puts into its messages."""
    if isinstance(error, Garbled):
        return str(error)
    name = type(error).__name__
    texts = {
        "NewConnectionError": "no connection could be made",
        "NameResolutionError": "its name could not be resolved",
        "ConnectTimeoutError": "connecting took too long",
        "ReadTimeoutError": "it stopped answering",
        "ProtocolError": "the connection broke off",
        "IncompleteRead": "its answer was cut",
        "SSLError": "its certificate could not be verified",
        "ProxyError": "the proxy refused",
    }
    return texts.get(name, f"the connection failed ({name})")


def _retry_after(answer: Answer) -> float | None:
    value = answer.headers.get("Retry-After", "").strip()
    return float(value) if value.isascii() and value.isdigit() else None


def _second_of_minute(answer: Answer) -> float:
    try:
        return float(parsedate_to_datetime(answer.headers["Date"]).second)
    except (KeyError, ValueError, TypeError):
        return time.time() % 60.0
