"""What Terraform does not make, the feed and its access: observe it, compare it, bring it about, take it away."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.printable import printable

if TYPE_CHECKING:
    from mulesoft_audit.cloud.google.client import Google, Json

LABEL = "managed-by"
MADE = "mulesoft-audit"
ADOPTED = "mulesoft-audit-adopted"
_ABSENT = "(none)"


class Owner(Enum):
    """Whose a thing is."""

    OURS = "made by this tool"
    ADOPTED = "adopted: kept up to date, never destroyed"
    FOREIGN = "made by somebody else"
    SHARED = "part of something shared; only our part is touched"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that is not as it should be; never holds a secret."""

    field: str
    before: str
    after: str


class Resource(ABC):
    """One thing in Google Cloud (or one of our entries in a thing that is shared).

    Attributes:
        kind: what it is, in a word or two.
        name: which one, as shown in plans.
    """

    kind: ClassVar[str]
    name: str

    def __init__(self, google: Google) -> None:
        """Look at it through `google`."""
        self.google = google

    @abstractmethod
    def observe(self) -> Json | None:
        """Return what is there; None if nothing is."""

    @abstractmethod
    def diff(self, observed: Json) -> list[Change]:
        """Return what of `observed` is not as wanted, ownership aside."""

    @abstractmethod
    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Bring it about, given what was observed. Harmless to repeat."""

    @abstractmethod
    def destroy(self, observed: Json) -> None:
        """Take it away."""

    @abstractmethod
    def owner(self, observed: Json) -> Owner:
        """Return whose it is."""

    def missing(self) -> list[Change]:
        """Return what a plan shows for something that is not there yet."""
        return []

    def keep(self, observed: Json) -> str:
        """Return why destroying leaves it although it is ours; "" if it does not."""
        return ""

    def check(self, observed: Json | None) -> None:  # noqa: B027 - most have nothing to check
        """Raise before anything at all is changed, if what is wanted cannot be brought about."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def owner_by(labels: dict[str, str] | None) -> Owner:
    """Return whose something with these labels is."""
    return {MADE: Owner.OURS, ADOPTED: Owner.ADOPTED}.get((labels or {}).get(LABEL, ""), Owner.FOREIGN)


def compare(wanted: Json, found: Json, *, exact: tuple[str, ...] = (), at: str = "") -> list[Change]:
    """Return the fields of `wanted` that `found` does not hold.

    Fields that only `found` has are somebody else's business, except below a path in `exact`. What is false, zero or
    empty equals what is absent: Google leaves default values out of its answers.
    """
    keys = list(wanted) + [key for key in found if at in exact and key not in wanted]
    changes: list[Change] = []
    for key in keys:
        path = f"{at}.{key}" if at else key
        here, there = wanted.get(key), found.get(key)
        if isinstance(here, dict) and (here or path not in exact) and isinstance(there, dict | None):
            changes += compare(here, there or {}, exact=exact, at=path)
        elif (here or None) != (there or None):
            changes.append(Change(path, shown(there), shown(here)))
    return changes


def shown(value: object) -> str:
    """Return a value as a plan shows it."""
    return _ABSENT if value in (None, "", [], {}) else printable(value, 120)


def additions(wanted: Json, at: str = "") -> list[Change]:
    """Return every field of `wanted` as a change from nothing."""
    return compare(wanted, {}, at=at)
