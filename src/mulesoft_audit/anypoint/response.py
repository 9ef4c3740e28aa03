"""An HTTP response of Anypoint's, and what can be wrong with one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping


class BadResponse(Exception):
    """A response that was cut, or is not what was asked for: the request is worth another try."""


class TooLarge(SourceError):
    """A response with more bytes than are read."""


class TooSlow(BadResponse):
    """A response that had not ended when its time was over."""


class NoResponse(SourceError):
    """No response at all, however often it was tried: the source is out of reach, or does not get to the end."""


class RedirectRefused(SourceError):
    """A response that leads elsewhere (3xx). It is not followed: the credentials go to one host alone."""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response, its body inflated."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> object:
        """Return the body as a JSON value, near JSON included (NaN, 1e999, control characters in texts).

        Raises:
            BadResponse: it is neither.
        """
        try:
            return json.loads(self.body.decode("utf-8-sig", "replace"), strict=False)
        except (ValueError, RecursionError) as error:
            raise BadResponse("its response is not JSON") from error
