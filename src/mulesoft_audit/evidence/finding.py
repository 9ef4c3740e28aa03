"""What a verification finds, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is the matter with an object, or with a day."""

    MISSING = "missing"  #: an object that a manifest, a head or a seal names is not there
    ALTERED = "altered"  #: its bytes are not those that were recorded
    DAMAGED = "damaged"  #: it cannot be read at all
    UNKNOWN = "unknown"  #: nothing in the archive knows it: a forged part, or a copy of one
    MISPLACED = "misplaced"  #: an object of such a name does not belong there
    ROLLED_BACK = "rolled back"  #: it is older than what others have seen of it
    GAP = "gap"  #: time that the archive promises and does not hold whole
    DIFFERS = "differs"  #: the source counts, or gives, other entries
    NOT_PROVED = "not proved"  #: it could not be compared
    SEAL = "seal"  #: a seal does not hold

    TRANSFERRED = "transferred"  #: the part is gone and its keys are there: a feed removes what it has read
    UNFINISHED = "unfinished"  #: a run was stopped here; the next one goes on
    SET_ASIDE = "set aside"  #: the part is counted for nothing; its entries were to be collected again
    BEYOND_RETENTION = "beyond retention"  #: the source keeps this time no more, so that nothing can be compared
    DELETED = "deleted"  #: the source had an entry and has it no more; the archive keeps it
    RENAMED = "renamed"  #: the source spells a name in the entry otherwise by now


#: What is told, and is nothing wrong.
NOTES = frozenset(
    {
        Kind.TRANSFERRED,
        Kind.UNFINISHED,
        Kind.SET_ASIDE,
        Kind.BEYOND_RETENTION,
        Kind.DELETED,
        Kind.RENAMED,
    }
)


class Remedy(StrEnum):
    """What `repair` does about a finding."""

    NOTHING = ""  #: a person has to decide
    KEYS = "write the keys again from the part"
    MANIFEST = "write the manifest again from the parts and their keys"
    SET_ASIDE = "move it to state/quarantine/, and fetch its entries again"
    FETCH = "fetch the day's missing entries again"
    RECOUNT = "write it again from the manifests"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        kind: what is the matter.
        path: the object's name in the archive; of a day as a whole, its manifest's.
        expected: what should be there.
        found: what is there.
        remedy: what `repair` does about it.
        advice: what a person does about it, where that is something else.
        organization: id; empty if it concerns none.
        name: of the organization; not to be trusted in a terminal.
        day: YYYY-MM-DD, UTC; empty if it concerns none.
        number: of the part that it concerns; 0 if it concerns none.
    """

    kind: Kind
    path: str
    expected: str
    found: str
    remedy: Remedy = Remedy.NOTHING
    advice: str = ""
    organization: str = ""
    name: str = ""
    day: str = ""
    number: int = 0

    @property
    def is_problem(self) -> bool:
        """Whether something is wrong; otherwise it is a note."""
        return self.kind not in NOTES

    @property
    def repair(self) -> str:
        """What repairs it, in words; empty if nothing has to be done."""
        if self.advice or not self.remedy:
            return self.advice
        return f"mulesoft-audit repair: {self.action}"

    @property
    def action(self) -> str:
        """What `repair` does about it, in words."""
        gone = self.kind is Kind.MISSING and self.remedy is Remedy.SET_ASIDE
        return "fetch its entries again, into a new part" if gone else str(self.remedy)
