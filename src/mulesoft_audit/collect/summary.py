"""What a run did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.errors import AuditError, Interrupted, worst

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.pacer import Pacer
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.collect.organization import OrganizationRun


@dataclass(slots=True)
class Summary:
    """What a run did.

    Attributes:
        organizations: each organization's run, in the order asked for.
        problems: what failed that concerns no organization, or all of them.
        left_alone: organizations that an earlier round in the same process still reads; this one did not ask them.
        interrupted: why the run ended early; empty if it did not.
        requests: requests sent.
        over_limit: responses that said that the limit was exceeded.
        waited: seconds that requests were held back, summed over workers.
        seconds: how long it took.
        until: Unix ms when it began: entries were asked for up to then, or later.
        ended: Unix ms when it ended.
    """

    organizations: list[OrganizationRun] = field(default_factory=list)
    problems: list[AuditError] = field(default_factory=list)
    left_alone: list[Organization] = field(default_factory=list)
    interrupted: str = ""
    requests: int = 0
    over_limit: int = 0
    waited: float = 0.0
    seconds: float = 0.0
    until: int = 0
    ended: int = 0

    def count(self, pacer: Pacer, seconds: float, ended: int) -> None:
        """Take over what the pacer counted, how long it took and when it ended."""
        self.requests, self.over_limit, self.waited = pacer.requests, pacer.over_limit, pacer.waited
        self.seconds, self.ended = seconds, ended

    @property
    def failures(self) -> list[AuditError]:
        """What failed: of everybody, then of each organization."""
        return [*self.problems, *(error for run in self.organizations for error in run.failures)]

    @property
    def written(self) -> int:
        """Entries that were new to the archive."""
        return sum(run.result.written for run in self.organizations)

    @property
    def parts(self) -> int:
        """Parts that were written."""
        return sum(run.days.created for run in self.organizations)

    @property
    def newest(self) -> int:
        """Unix ms of the newest entry known; 0 for none."""
        return max((run.newest for run in self.organizations), default=0)

    @property
    def complete(self) -> bool:
        """Whether the archive equalled the source, for every organization, with nothing failed or left."""
        whole = not self.failures and not self.interrupted and not self.left_alone
        return whole and bool(self.organizations) and all(run.complete for run in self.organizations)

    @property
    def got_on(self) -> bool:
        """Whether it is of use to go on: the archive holds more than before, or more of it is proved."""
        return any(run.result.written or run.complete for run in self.organizations)

    @property
    def exit_code(self) -> int:
        """The process's exit status: that of the worst failure."""
        if self.failures:
            return worst(self.failures).exit_code
        return Interrupted.exit_code if self.interrupted else 0
