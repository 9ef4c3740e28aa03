"""Access tokens: issued, expired, revoked, capped."""

from __future__ import annotations

import random

from anypoint_simulator.organizations import make_uuid


class TokenCapError(Exception):
    """There are as many active tokens as one may have."""


class Tokens:
    """The tokens issued so far.

    Attributes:
        issued: how many were issued.
    """

    def __init__(self, seed: int) -> None:
        self.issued = 0
        self._rng = random.Random(f"tokens {seed}")
        self._expiry: dict[str, float] = {}

    def issue(self, now: float, seconds: float, cap: int, *, evict: bool) -> str:
        """Return a new token.

        Raises:
            TokenCapError: `cap` tokens are active, and the oldest is not to be evicted.
        """
        self._forget_expired(now)
        if cap and len(self._expiry) >= cap:
            if not evict:
                raise TokenCapError
            del self._expiry[next(iter(self._expiry))]
        token = make_uuid(self._rng)
        self._expiry[token] = now + seconds
        self.issued += 1
        return token

    def revoke(self, token: str) -> None:
        """Make a token invalid; an unknown one is no error (RFC 7009)."""
        self._expiry.pop(token, None)

    def revoke_all(self) -> None:
        """Make every token invalid."""
        self._expiry.clear()

    def valid(self, token: str, now: float) -> bool:
        """Return whether a token may be used now."""
        return self._expiry.get(token, 0) > now

    def active(self, now: float) -> int:
        """Return how many tokens may be used now."""
        self._forget_expired(now)
        return len(self._expiry)

    def _forget_expired(self, now: float) -> None:
        for token in [token for token, expiry in self._expiry.items() if expiry <= now]:
            del self._expiry[token]
