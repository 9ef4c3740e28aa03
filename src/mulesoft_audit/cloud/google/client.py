"""One client for every Google API used here: routed, retried within a budget, and explained when it fails."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import google.auth.exceptions
import requests

from mulesoft_audit.cloud.google.errors import LOGIN, ApiError, NotEnabled, NotFound, Uncertain, understood
from mulesoft_audit.errors import CredentialsError, DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mulesoft_audit.clock import Stop

Json = dict[str, Any]
Value = str | int | list[str]

TRIES = 7  #: of a call that may be repeated; with the waits between them a minute, so that a quota a minute passes
SPREAD = 180.0  #: seconds that the enabling of an API is given to spread ("Enabling and disabling services")
AGAIN = frozenset({429, 500, 502, 503, 504})
TIMEOUT = (10.0, 120.0)  #: seconds to connect, seconds without a byte


class Google:
    """Calls to Google's APIs.

    A URL is written without its scheme, `storage.googleapis.com/storage/v1/b/…`; it becomes `https://…`, or a path on
    the control plane of this machine.

    Attributes:
        stop: the wish to stop; its clock is the only one looked at.
        tell: where the progress of waits is shown.
        patient: whether reading, too, waits for an API that is being enabled; writing always does.
    """

    def __init__(
        self, session: requests.Session, stop: Stop, *, endpoint: str = "", tell: Callable[[str], None] = lambda _: None
    ) -> None:
        """Call with `session`; an `endpoint` takes the place of every host."""
        self.stop = stop
        self.tell = tell
        self.patient = False
        self._session = session
        self._endpoint = endpoint

    def get(self, url: str, what: str, **query: Value) -> Json:
        """Return what lies at `url`."""
        return self._call("GET", url, what, query=query)

    def find(self, url: str, what: str, **query: Value) -> Json | None:
        """Return what lies at `url`; None if nothing does, or if its API is not enabled."""
        try:
            return self._call("GET", url, what, query=query)
        except (NotFound, NotEnabled):
            return None

    def pages(self, url: str, items: str, what: str, **query: Value) -> Iterator[Json]:
        """Yield every element of a paged list."""
        token = ""
        while True:
            page = self.get(url, what, **query, **({"pageToken": token} if token else {}))
            yield from page.get(items, [])
            token = page.get("nextPageToken", "")
            if not token:
                return

    def post(self, url: str, what: str, body: Json | None = None, *, once: bool = False, **query: Value) -> Json:
        """Post `body`; `once` for what would happen twice if it were repeated blindly."""
        return self._call("POST", url, what, query=query, body=body or {}, once=once)

    def put(self, url: str, what: str, body: Json, **query: Value) -> Json:
        """Put `body`."""
        return self._call("PUT", url, what, query=query, body=body)

    def patch(self, url: str, what: str, body: Json, **query: Value) -> Json:
        """Patch with `body`."""
        return self._call("PATCH", url, what, query=query, body=body)

    def delete(self, url: str, what: str, **query: Value) -> Json:
        """Delete what lies at `url`; it is no error if nothing does (any more)."""
        try:
            return self._call("DELETE", url, what, query=query)
        except NotFound:
            return {}

    def waiting(self, what: str, seconds: float, every: float = 5.0) -> Iterator[float]:
        """Yield after each pause, for as long as `seconds`; each pause is shown.

        Raises:
            DeploymentError: the time is over.
        """
        start = self.stop.clock.monotonic()
        while (passed := self.stop.clock.monotonic() - start) < seconds:
            self.tell(f"waiting to {what}: {passed:.0f} s of at most {seconds:.0f} s")
            self.stop.sleep(every)
            yield passed
        raise DeploymentError(
            f"Waited {seconds:.0f} s to {what}, in vain.",
            "Nothing that was made is undone; run the command again, it goes on where it stopped.",
        )

    def _call(
        self,
        method: str,
        url: str,
        what: str,
        *,
        query: dict[str, Value],
        body: Json | None = None,
        once: bool = False,
    ) -> Json:
        full = f"{self._endpoint}/{url}" if self._endpoint else f"https://{url}"

        def send() -> Json:
            return self._once(self._session, method, full, what, query=query, body=body)

        if once:
            return send()
        if method == "GET" and not self.patient:
            return self._repeat(send, what)
        return self._until_enabled(lambda: self._repeat(send, what), what)

    def _until_enabled(self, call: Callable[[], Json], what: str) -> Json:
        pauses: Iterator[float] | None = None
        while True:
            try:
                return call()
            except NotEnabled:
                pauses = pauses or self.waiting(f"{what} (the API is being enabled)", SPREAD, every=10.0)
                next(pauses)

    def _repeat(self, call: Callable[[], Json], what: str) -> Json:
        for attempt in range(1, TRIES):
            try:
                return call()
            except ApiError as error:
                if not isinstance(error, Uncertain) and error.status not in AGAIN:
                    raise
                self.tell(f"{what}: {error.status or 'no answer'}, trying again ({attempt} of {TRIES - 1})")
                self.stop.sleep(min(32.0, 2.0 ** (attempt - 1)) * random.uniform(0.75, 1.25))
        return call()

    def _once(
        self,
        session: requests.Session,
        method: str,
        url: str,
        what: str,
        *,
        query: dict[str, Value] | None = None,
        body: Json | None = None,
    ) -> Json:
        self.stop.check()
        try:
            answer = session.request(method, url, params=query, json=body, timeout=TIMEOUT, allow_redirects=False)
        except google.auth.exceptions.RefreshError as error:
            raise CredentialsError(f"Google does not renew the credentials, needed to {what}.", LOGIN) from error
        except (requests.RequestException, google.auth.exceptions.TransportError) as error:
            raise Uncertain(f"Could not {what}: no answer from {url.split('/')[2]}.", "Is the network up?") from error
        if answer.status_code >= 300:
            raise understood(what, answer.status_code, _detail(answer))
        return _decoded(answer, what)


def _decoded(answer: requests.Response, what: str) -> Json:
    if not answer.content:
        return {}
    try:
        found = answer.json()
    except ValueError as error:
        raise Uncertain(f"Could not {what}: the answer is not JSON.", status=answer.status_code) from error
    return found if isinstance(found, dict) else {}


def _detail(answer: requests.Response) -> Json:
    try:
        found = answer.json().get("error", {})
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {"message": str(found)}
