"""What an archive needs of a store: objects created once, small ones replaced by generation, listing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mulesoft_audit.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: Bytes of an object. Nothing that a run writes comes near it: what is larger was made to fill the memory.
LARGEST = 256 << 20


class ObjectExists(ArchiveError):
    """`create` found an object of that name that is not this call's own."""


class GenerationMismatch(ArchiveError):
    """`replace` found another generation than the one that was read: somebody else wrote."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One object of a listing.

    Attributes:
        name: its full name below the archive's root.
        size: in bytes.
        generation: as `Held` has it; 0 if the listing does not say: read the object to find out.
    """

    name: str
    size: int
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """An object's bytes and the generation they belong to (opaque, never 0)."""

    data: bytes
    generation: int


class Store(Protocol):
    """A flat name space of objects. Names are relative, with `/` between segments.

    Every method is safe to call from several threads. Failures other than the two above raise
    `ArchiveError` (or `PermissionMissing`) naming the object and what to do.
    """

    url: str  #: what a person would pass as ARCHIVE; no secrets in it

    #: Whether waiting (for a lock, or before a request is repeated) is to end, with `Interrupted`, within half a
    #: second. What can be done without waiting is done all the same. Set it at any time; at first it is never so.
    stopping: Callable[[], bool]

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> int:
        """Write a new object, durably, whole or not at all; return its generation.

        A retry of a write of its own whose response was lost is recognized and succeeds.

        Raises:
            ObjectExists: an object of that name is there and was written by somebody else.
        """
        ...

    def replace(self, name: str, data: bytes, generation: int) -> int:
        """Write `data` if the object still has `generation` (0: if there is none); return the new generation.

        Raises:
            GenerationMismatch: it has another generation by now, and not because of this call.
        """
        ...

    def read(self, name: str) -> Held | None:
        """Return the object's bytes and generation, verified by checksum; None if there is none."""
        ...

    def list(self, prefix: str) -> Iterator[Listed]:
        """List the objects whose names start with `prefix`, in lexicographic order, a page at a time."""
        ...

    def remove(self, name: str, generation: int) -> None:
        """Remove the object if it still has `generation`; it may be gone already. Only `repair` removes anything.

        Raises:
            GenerationMismatch: it has another generation by now.
        """
        ...

    def alone(self) -> bool:
        """Return True only if it is certain that no other process, and no other store of this one, is writing here.

        A store counts as writing from its first `create` or `replace`, or from this call, until it is closed or
        its process ends. True says nothing about who begins to write later.
        """
        ...

    def close(self) -> None:
        """Give back what is held open; a later call opens it again. To close twice does nothing."""
        ...

    def check(self) -> None:
        """Prove that objects can be written, read and conditionally replaced; leave nothing behind.

        Raises:
            ArchiveError: with what is missing and what to do.
        """
        ...


def never() -> bool:
    """Return False: nobody asks to stop."""
    return False
