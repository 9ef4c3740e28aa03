"""Preconditions on generation and metageneration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.storage_server.errors import ApiError, condition_not_met
from tests.storage_server.wire import integer

if TYPE_CHECKING:
    from tests.storage_server.wire import Request

_XML = {
    "generation_match": "x-goog-if-generation-match",
    "metageneration_match": "x-goog-if-metageneration-match",
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request demands of the object (or bucket) as it is. None: nothing."""

    generation_match: int | None = None
    generation_not_match: int | None = None
    metageneration_match: int | None = None
    metageneration_not_match: int | None = None

    @classmethod
    def of(cls, request: Request, prefix: str = "if") -> Conditions:
        """Those of the query; `prefix` "ifSource" reads those on a copy's source."""
        return cls(
            request.number(f"{prefix}GenerationMatch"),
            request.number(f"{prefix}GenerationNotMatch"),
            request.number(f"{prefix}MetagenerationMatch"),
            request.number(f"{prefix}MetagenerationNotMatch"),
        )

    @classmethod
    def of_headers(cls, request: Request) -> Conditions:
        """Those of the XML API's headers."""
        found = {
            key: integer(request.headers[header], header) for key, header in _XML.items() if header in request.headers
        }
        return cls(**found)

    def check(self, generation: int, metageneration: int, *, reading: bool = False) -> None:
        """Hold them against what is there; generation 0 is an object that does not exist.

        A "not match" that fails says 304 to a reader, who has it already, and 412 to a writer.
        """
        if self.generation_match is not None and self.generation_match != generation:
            raise condition_not_met("If-Match")
        if self.metageneration_match is not None and self.metageneration_match != metageneration:
            raise condition_not_met("If-Match")
        unchanged = self.generation_not_match == generation or self.metageneration_not_match == metageneration
        if unchanged:
            raise ApiError(304, "Not Modified") if reading else condition_not_met("If-None-Match")
