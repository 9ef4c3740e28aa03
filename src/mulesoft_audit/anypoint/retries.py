"""How often one request is sent again, and how long to wait before."""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.pacer import MINUTE
from mulesoft_audit.anypoint.response import BadResponse, NoResponse
from mulesoft_audit.backoff import backoff
from mulesoft_audit.errors import CredentialsError, SourceError

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.pacer import Pacer, Slot
    from mulesoft_audit.anypoint.response import Response
    from mulesoft_audit.clock import Stop

log = logging.getLogger(__name__)

TRIES = 9  #: tries of one request that meets faults; with the waits between them about a minute
TRIES_AT_FIRST = 5  #: while the plane has never responded: a wrong host, or no way to it, is better said soon
MINUTES_PUSHED_BACK = 15  #: this many minutes of nothing but 503 are an outage, not a limit
_AGAIN = "Everything collected before this is kept. Run again later; the run continues where this one stopped."


class Retries:
    """The retry budget of one request."""

    def __init__(self, what: str, base_url: str, pacer: Pacer, stop: Stop) -> None:
        self._what = what
        self._base_url = base_url
        self._pacer = pacer
        self._stop = stop
        self._failures = 0
        self._unauthorized = 0

    def failed(self, reason: str, *, tries: int, responded: bool = True) -> None:
        """Count a fault and wait before the next try.

        Raises:
            SourceError: these were all the tries it has; NoResponse, if the last one brought none.
            Interrupted: it is time to stop.
        """
        self._failures += 1
        if self._failures >= tries:
            kind = SourceError if responded else NoResponse
            raise kind(
                f"Anypoint ({self._base_url}) did not give {self._what}: {reason} (tried {self._failures} times).",
                _AGAIN,
            )
        wait = backoff(self._failures, random.random())
        log.info("Asking again for %s in %.1f s: %s", self._what, wait, reason)
        self._stop.sleep(wait)

    def pushed_back(self, slot: Slot, response: Response, second_of_minute: float) -> None:
        """Hold every request back as the source wants it.

        Raises:
            SourceError: it has wanted that for too long.
        """
        pacer = self._pacer
        wait = pacer.pushed_back(slot, second_of_minute, _retry_after(response))
        if pacer.pushed_back_for > MINUTES_PUSHED_BACK * MINUTE:
            raise SourceError(
                f"Anypoint responded {response.status} for {MINUTES_PUSHED_BACK} minutes on end, last for "
                f"{self._what}: this is an outage, or somebody else behind the same IP address spends the whole "
                "allowance.",
                _AGAIN,
            )
        level = logging.WARNING if pacer.pushed_back_for > 3 * MINUTE else logging.INFO
        log.log(level, "Anypoint responded %d (over its limit, or out of order); waiting %.0f s", response.status, wait)

    def unauthorized(self) -> None:
        """Count a token that was refused, and wait if it was not the first.

        Raises:
            CredentialsError: fresh tokens are refused over and over.
            Interrupted: it is time to stop.
        """
        self._unauthorized += 1
        if self._unauthorized > TRIES:
            raise CredentialsError(
                f"Anypoint refuses fresh tokens (401) for {self._what}.",
                "Check that the connected app acts on its own behalf and belongs to this control plane.",
            )
        if self._unauthorized > 1:  # a token may expire on its way; two in a row are no coincidence
            self._stop.sleep(backoff(self._unauthorized, random.random()))


def _retry_after(response: Response) -> float | None:
    value = response.headers.get("Retry-After", "").strip()
    return float(value) if value.isascii() and value.isdigit() else None


def reason(error: Exception) -> str:
    """Say what went wrong on the way, without the addresses and objects that urllib3 puts into its messages."""
    if isinstance(error, BadResponse):
        return str(error)
    name = type(error).__name__
    texts = {
        "NewConnectionError": "no connection could be made",
        "NameResolutionError": "its name could not be resolved",
        "ConnectTimeoutError": "connecting took too long",
        "ReadTimeoutError": "it stopped responding",
        "TimeoutError": "it stopped responding",
        "ProtocolError": "the connection broke off",
        "IncompleteRead": "its response was cut",
        "SSLError": "its certificate could not be verified",
        "ProxyError": "the proxy refused",
    }
    return texts.get(name, f"the connection failed ({name})")


def second_of_minute(source_time: float | None) -> float:
    """Return where in its minute the source's clock stands; this machine's, if the source's is not known."""
    return (time.time() if source_time is None else source_time) % MINUTE
