"""What all organizations of a run share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.collect.period import Kept
from mulesoft_audit.collect.reading import Memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.clock import Clock
    from mulesoft_audit.collect.period import Period, Whose

AHEAD_SECONDS = 5.0  #: by how much this machine's clock may be ahead before the source's is gone by


@dataclass(slots=True)
class Context:
    """What all organizations of a run share.

    Attributes:
        period: from when to when.
        store: the archive.
        query: the source.
        clock: this machine's.
        ahead: returns by how many seconds that is ahead of the source's; None if that is not known.
        whose: whose logs are collected.
        until: Unix ms up to which entries are asked for first.
        kept: what the source still keeps.
        memory: what the batches of all readers take.
    """

    period: Period
    store: Store
    query: AuditQuery
    clock: Clock
    ahead: Callable[[], float | None]
    whose: Whose
    until: int = field(init=False)
    kept: Kept = field(init=False)
    memory: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        self.until = self.period.until if self.period.until is not None else self.now()
        self.kept = Kept.by(self.whose.retention_days, self.until)

    def now(self) -> int:
        """Return Unix ms: by the source's clock, if this machine's is ahead of it."""
        ahead = self.ahead() or 0.0
        return int((self.clock.time() - (ahead if ahead > AHEAD_SECONDS else 0.0)) * 1000)
