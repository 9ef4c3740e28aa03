"""The connected app's access token: fetched when needed, renewed before it expires, revoked at the end."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit.anypoint.transport import Answer, Garbled
from mulesoft_audit.errors import CredentialsError
from mulesoft_audit.secret import Secret

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.transport import Transport

TOKEN_PATH = "/accounts/api/v2/oauth2/token"  # noqa: S105 - a path, not a secret
REVOKE_PATH = "/accounts/api/v2/oauth2/revoke"
#: Seconds, where the answer does not say ("Connected Apps: bearer token example" shows such answers).
DEFAULT_LIFETIME = 3600.0
RENEW_AHEAD = 60.0


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float | None = DEFAULT_LIFETIME


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token. `renew_at` is on the monotonic clock."""

    value: Secret
    renew_at: float


@dataclass(slots=True)
class _Held:
    """What every run of a process shares.

    Attributes:
        form: the endpoint wants a form, not JSON.
        issued: how many tokens were asked for.
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

    def under(self, transport: Transport) -> TokenSource:
        """Return a source of the same token that asks for it through `transport`."""
        other = TokenSource(transport, self._client_id, self._client_secret)
        other._held = self._held
        return other

    @property
    def issued(self) -> int:
        """How many tokens were asked for. Each is an entry in the organization's audit log."""
        return self._held.issued

    def current(self) -> Token:
        """Return a token that is good for a while, fetching one if need be.

        Raises:
            CredentialsError: the connected app's credentials are refused.
            SourceError: the token endpoint is out of order.
        """
        with self._held.lock:
            if self._held.token is None or self._transport.stop.clock.monotonic() >= self._held.token.renew_at:
                self._held.token = self._fetch()
            return self._held.token

    def refused(self, token: Token) -> None:
        """Forget `token`, which was answered 401, so that the next `current` fetches another."""
        with self._held.lock:
            if self._held.token is token:
                self._held.token = None

    def _fetch(self) -> Token:
        granted = self._grant()
        if granted is None:  # a 400 to the JSON form of the same request is on record; the form encoding is the other
            self._held.form = True
            granted = self._grant()
        if granted is None:
            raise self._rejected(400)
        self._held.issued += 1
        lifetime = DEFAULT_LIFETIME if granted.expires_in is None else max(0.0, granted.expires_in)
        ahead = min(RENEW_AHEAD, lifetime / 10)
        return Token(Secret(granted.access_token), self._transport.stop.clock.monotonic() + lifetime - ahead)

    def _grant(self) -> _Granted | None:
        fields = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret.reveal(),
        }
        return self._transport.ask(
            "POST",
            TOKEN_PATH,
            json=None if self._held.form else msgspec.json.encode(fields),
            form=fields if self._held.form else None,
            understand=self._understand,
            what="a token",
        )

    def _understand(self, answer: Answer) -> _Granted | None:
        if answer.status == 400:
            return None
        if answer.status in {401, 403}:
            raise self._rejected(answer.status)
        if answer.status != 200:
            raise Garbled(f"it answered {answer.status}")
        try:
            return msgspec.json.decode(answer.body, type=_Granted, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Garbled("its answer is not a token") from error

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
