"""One client for every Google API used here: routed, retried within a budget, and explained when it fails."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import google.auth.exceptions
import requests

from mulesoft_audit.backoff import backoff
from mulesoft_audit.cloud.google.errors import LOGIN, ApiError, NotEnabled, NotFound, Uncertain, understood
from mulesoft_audit.errors import CredentialsError, DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mulesoft_audit.clock import Stop

Json = dict[str, Any]
Value = str | int | list[str]

TRIES = 7  #: of a call that may be repeated; with the waits between them a minute, so that a quota a minute passes
FIRST, LONGEST = 2.0, 32.0  #: seconds before the second try, and before any, at most
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
        billed: by the name that a host holds, the project whose quota its calls use and which must have its API on
            (`x-goog-user-project`); other calls use the credentials' own.
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
        self.billed: dict[str, str] = {}

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
        token, before = "", set[str]()
        while True:
            page = self.get(url, what, **query, **({"pageToken": token} if token else {}))
            found, token = page.get(items, []), page.get("nextPageToken", "")
            sound = isinstance(found, list) and all(isinstance(one, dict) for one in found) and isinstance(token, str)
            if not sound or token in before:  # the same page again would never end
                raise DeploymentError(
                    f"Could not {what}: Google's response is not what its reference says.",
                    "Update mulesoft-audit, or report this.",
                )
            yield from found
            if not token:
                return
            before.add(token)

    def post(self, url: str, what: str, body: Json | None = None, *, once: bool = False, **query: Value) -> Json:
        """Post `body`; `once` for what would happen twice if it were repeated blindly."""
        return self._call("POST", url, what, query=query, body=body or {}, once=once)

    def ask(self, url: str, what: str, body: Json) -> Json:
        """Post `body` to a method that changes nothing: like `get`, it does not wait for an API to be enabled."""
        return self._call("POST", url, what, query={}, body=body, reads=True)

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
        reads: bool = False,
    ) -> Json:
        full = f"{self._endpoint}/{url}" if self._endpoint else f"https://{url}"

        def send() -> Json:
            return self._once(method, full, what, query=query, body=body)

        if once:
            return send()
        if (reads or method == "GET") and not self.patient:
            return self._repeat(send, what)
        return self._until_enabled(lambda: self._repeat(send, what), what)

    def _until_enabled(self, call: Callable[[], Json], what: str) -> Json:
        pauses: Iterator[float] | None = None
        while True:
            try:
                return call()
            except NotEnabled as error:
                pauses = pauses or self.waiting(f"{what} (the API is being enabled)", SPREAD, every=10.0)
                try:
                    next(pauses)
                except DeploymentError:
                    raise error from None  # it names the API and the project

    def _repeat(self, call: Callable[[], Json], what: str) -> Json:
        for attempt in range(1, TRIES):
            try:
                return call()
            except ApiError as error:
                if not isinstance(error, Uncertain) and error.status not in AGAIN:
                    raise
                self.tell(f"{what}: {error.status or 'no response'}, trying again ({attempt} of {TRIES - 1})")
                self.stop.sleep(backoff(attempt, random.random(), first=FIRST, longest=LONGEST))
        return call()

    def _once(self, method: str, url: str, what: str, *, query: dict[str, Value], body: Json | None) -> Json:
        self.stop.check()
        try:
            response = self._session.request(
                method,
                url,
                params=query,
                json=body,
                timeout=TIMEOUT,
                allow_redirects=False,
                auth=self._billing(url),
            )
        except google.auth.exceptions.RefreshError as error:
            raise CredentialsError(f"Google does not renew the credentials, needed to {what}.", LOGIN) from error
        except (requests.RequestException, google.auth.exceptions.TransportError) as error:
            raise Uncertain(f"Could not {what}: no response from {url.split('/')[2]}.", "Is the network up?") from error
        if response.status_code >= 300:
            raise understood(what, response.status_code, _detail(response))
        return _decoded(response, what)

    def _billing(self, url: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest] | None:
        """Return what names the project that pays; set last, because the credentials write their own over headers."""
        host = url.removeprefix(f"{self._endpoint}/" if self._endpoint else "https://").split("/")[0]
        project = next((project for name, project in self.billed.items() if name in host), "")

        def bill(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["x-goog-user-project"] = project
            return request

        return bill if project else None


def _decoded(response: requests.Response, what: str) -> Json:
    if not response.content:
        return {}
    try:
        found = response.json()
    except ValueError as error:
        hint = "Something else responds in Google's place: a proxy, or a page to log in at?"
        raise Uncertain(f"Could not {what}: the response is not JSON.", hint, status=response.status_code) from error
    return found if isinstance(found, dict) else {}


def _detail(response: requests.Response) -> Json:
    try:
        found = response.json().get("error", {})
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {"message": str(found)}
