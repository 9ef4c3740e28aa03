"""The connected app's access token: fetched when needed, renewed before it expires, revoked at the end."""

from __future__ import annotations

import math
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mulesoft_audit.anypoint.transport import BadResponse, Response, Token
from mulesoft_audit.errors import CredentialsError, SourceError
from mulesoft_audit.secret import Secret

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.transport import Transport

TOKEN_PATH = "/accounts/api/v2/oauth2/token"  # noqa: S105 - a path, not a secret
REVOKE_PATH = "/accounts/api/v2/oauth2/revoke"
#: Seconds, where the response does not say ("Connected Apps: bearer token example" shows such responses).
DEFAULT_LIFETIME = 3600.0
LONGEST_LIFETIME = 86_400.0  #: seconds; eight times what can be set, and a token that lasts longer costs nothing anew
RENEW_AHEAD = 60.0
LOOK = 0.25  #: seconds after which who waits for another's token looks whether it is time to stop
_SENDABLE = re.compile(r"[\x21-\x7e]+")  # what a header can carry, and no more


class _Granted(NamedTuple):
    token: Secret
    lifetime: float


@dataclass(slots=True)
class _Held:
    """What every run of a process shares.

    Attributes:
        form: the endpoint wants a form, not JSON.
        issued: how many tokens were given.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: Token | None = None
    form: bool = False
    issued: int = 0


class TokenSource:
    """One token for every worker of a process."""

    def __init__(self, transport: Transport, client_id: str, client_secret: Secret) -> None:
        self._transport = transport
        self._client_id = client_id
        self._client_secret = client_secret
        self._held = _Held()

    def sharing(self, transport: Transport) -> TokenSource:
        """Return a source of the same token that asks for it through `transport`."""
        other = TokenSource(transport, self._client_id, self._client_secret)
        other._held = self._held
        return other

    @property
    def issued(self) -> int:
        """How many tokens were given. Each is an entry in the organization's audit log."""
        return self._held.issued

    def current(self) -> Token:
        """Return a token that is good for a while, fetching one if need be.

        Raises:
            CredentialsError: the connected app's credentials are refused.
            SourceError: the token endpoint is out of order, or its token cannot be sent.
            Interrupted: it is time to stop.
        """
        stop, held = self._transport.stop, self._held
        while not held.lock.acquire(timeout=LOOK):  # another worker, perhaps of another run, is fetching it
            stop.check()
        try:
            if held.token is None or stop.clock.monotonic() >= held.token.renew_at:
                held.token = self._fetch()
            return held.token
        finally:
            held.lock.release()

    def refused(self, token: Token) -> None:
        """Forget `token`, which was refused (401), so that the next `current` fetches another."""
        with self._held.lock:
            if self._held.token is token:
                self._held.token = None

    def _fetch(self) -> Token:
        granted = self._request()
        if granted is None:  # a 400 to the JSON form of the same request is on record; the form encoding is the other
            self._held.form = True
            granted = self._request()
        if granted is None:
            raise self._rejected(400)
        self._held.issued += 1
        ahead = min(RENEW_AHEAD, granted.lifetime / 10)
        return Token(granted.token, self._transport.stop.clock.monotonic() + granted.lifetime - ahead)

    def _request(self) -> _Granted | None:
        """Ask for a token; return None if the endpoint does not take this encoding of the request."""
        fields = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret.reveal(),
        }
        return self._transport.request(
            "POST",
            TOKEN_PATH,
            json=None if self._held.form else msgspec.json.encode(fields),
            form=fields if self._held.form else None,
            read=self._read,
            what="a token",
        )

    def _read(self, response: Response) -> _Granted | None:
        if response.status == 400:
            return None
        if response.status in {401, 403}:
            raise self._rejected(response.status)
        if response.status != 200:
            raise BadResponse(f"it responded {response.status}")
        found = response.json()
        text = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(text, str) or not isinstance(found, dict):
            raise BadResponse("its response is not a token")
        token = Secret(text)  # first of all, so that it is struck out of whatever is printed
        if not _SENDABLE.fullmatch(text):
            raise SourceError(
                f"Anypoint ({self._transport.plane.base_url}) gave a token that no header can carry "
                f"({len(text)} characters).",
                "Check ANYPOINT_PLANE or ANYPOINT_BASE_URL, and whether a proxy responds in its place.",
            )
        return _Granted(token, lifetime(found.get("expires_in")))

    def _rejected(self, status: int) -> CredentialsError:
        return CredentialsError(
            f"Anypoint ({self._transport.plane.base_url}) refuses the connected app {self._client_id!r} ({status}).",
            "Check CLIENT_ID, CLIENT_SECRET and ANYPOINT_PLANE: an app lives on one control plane, and must be one "
            "that acts on its own behalf (client credentials). Nothing was read or written.",
        )

    def revoke(self) -> None:
        """Give the token back, so that it does not count against the cap on active tokens. Failing is harmless."""
        if not self._held.lock.acquire(timeout=0.5):
            return  # somebody waits for a token this moment; it will expire by itself
        try:
            token, self._held.token = self._held.token, None
        finally:
            self._held.lock.release()
        if token:
            self._transport.once(
                "POST", REVOKE_PATH, {"token": token.value.reveal(), "token_type_hint": "access_token"}
            )


def lifetime(expires_in: object) -> float:
    """Return the seconds for which a token is good, by what its response says; the default if that is no such number.

    A token that is said to be over already is used all the same: were it not, each request would fetch another. Should
    it be over, the source says so (401), and it is renewed.
    """
    try:
        seconds = float(expires_in)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return DEFAULT_LIFETIME
    if isinstance(expires_in, bool) or not math.isfinite(seconds) or seconds <= 0:
        return DEFAULT_LIFETIME
    return min(seconds, LONGEST_LIFETIME)
