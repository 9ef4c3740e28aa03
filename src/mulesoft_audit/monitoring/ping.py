"""Sending pings: in order, on a thread of their own, so that a run neither waits for them nor fails by them."""

from __future__ import annotations

import logging
import queue
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import urllib3
from urllib3.exceptions import HTTPError

from mulesoft_audit import __version__
from mulesoft_audit.anypoint.bounds import Bounds
from mulesoft_audit.anypoint.connections import connections_to
from mulesoft_audit.anypoint.response import BadResponse
from mulesoft_audit.anypoint.retries import reason
from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from mulesoft_audit.monitoring.address import Address, Kind

log = logging.getLogger(__name__)

SECONDS = 3.0  #: for one try
TRIES = 2
PAUSE = 1.0  #: seconds between two tries
PATIENCE = 10.0  #: seconds that pings may take after the end of a run: a first one under way, then the last one
MOST_WAITING = 8  #: pings; what is more than that is not sent
MOST_BYTES = 10_000  #: of a body, from its end: older installations of Healthchecks keep no more
_HEADERS = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": f"mulesoft-audit-collector/{__version__}"}


def body_of(text: str) -> bytes:
    """Return the end of a text as UTF-8, as much as is kept, from a whole character on."""
    return text.encode("utf-8", "replace")[-MOST_BYTES:].decode("utf-8", "ignore").encode()


class Pinger:
    """Pings to one check."""

    def __init__(self, address: Address, *, seconds: float = SECONDS, pause: float = PAUSE) -> None:
        """Send to `address`, `seconds` for a try, `pause` seconds between two."""
        self._address = address
        self._seconds = seconds
        self._pause = pause
        self._waiting: queue.Queue[tuple[Kind, str] | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._http: urllib3.HTTPConnectionPool | None = None
        self._failing = False

    def send(self, kind: Kind, text: str = "") -> None:
        """Have a ping sent, with the end of `text` as its body; return at once."""
        if not self._thread:
            self._thread = threading.Thread(target=self._work, name="ping", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait((kind, text))
        except queue.Full:  # the service has not responded for a while, which was said
            log.debug("A ping was left out: earlier ones still wait")

    def close(self, seconds: float = PATIENCE) -> None:
        """Wait until every ping is sent or given up, but no longer than `seconds`."""
        if not self._thread:
            return
        until = time.monotonic() + seconds
        with suppress(queue.Full):
            self._waiting.put(None, timeout=seconds)
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            log.warning("The last ping was not delivered within %.0f s.", seconds)

    def _work(self) -> None:
        while (ping := self._waiting.get()) is not None:
            problem = self._deliver(*ping)
            if problem and not self._failing:
                log.warning("A ping was not delivered: %s. The run goes on.", problem)
            elif self._failing and not problem:
                log.info("Pings are delivered again.")
            self._failing = bool(problem)

    def _deliver(self, kind: Kind, text: str) -> str:
        """Send a ping, twice if need be; return what went wrong, in words without the URL, or nothing."""
        problem = ""
        for tried in range(TRIES):
            if tried and any(list(self._waiting.queue)):
                break  # what waits is newer, and says more
            if tried:
                time.sleep(self._pause)
            problem, again = self._send(kind, text)
            if not again:
                break
        return problem

    def _send(self, kind: Kind, text: str) -> tuple[str, bool]:
        """Send a ping once; return what went wrong, and whether another try may help."""
        bounds = Bounds(self._seconds, self._seconds, None, threading.Lock())
        try:
            self._http = self._http or connections_to(self._address.base, 1, self._seconds)
            with bounds.in_force():
                response = self._http.urlopen(
                    "POST",
                    self._address.target(kind),
                    body=body_of(text),
                    headers=_HEADERS,
                    redirect=False,  # it may lead to a host, or to http, that is not to know the URL
                    retries=urllib3.Retry(False, redirect=False),
                    assert_same_host=False,
                    preload_content=False,
                )
                response.close()  # what it says besides its status is not looked at
        except UsageError as error:
            return error.message.rstrip("."), False
        except (BadResponse, HTTPError, OSError) as error:
            return reason(error), True
        if 300 <= response.status < 400:
            return f"it is redirected ({response.status}), which is not followed", False
        return ("" if response.status < 300 else f"the service responded {response.status}"), response.status >= 500
