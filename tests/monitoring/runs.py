"""Runs as they end, made up."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from mulesoft_audit.anypoint.tree import Organization
from mulesoft_audit.collect.organization import Result
from mulesoft_audit.collect.summary import Summary

if TYPE_CHECKING:
    from mulesoft_audit.errors import AuditError

ENDED = 1_800_000_000_000  #: Unix ms


@dataclass
class Run:
    """An organization's run, as far as anybody who is told of it looks."""

    organization: Organization
    result: Result
    failures: list[AuditError] = field(default_factory=list)
    newest: int = ENDED - 90_000
    held: int = 7

    @property
    def complete(self) -> bool:
        return bool(self.result.verified_at) and not self.failures

    @property
    def head(self) -> Any:
        return SimpleNamespace(days={"2027-01-15": SimpleNamespace(held=self.held)})


def run(name: str = "Payments", id_: str = "org-1", *, proved: bool = True, **more: Any) -> Any:
    """Return one organization's run, which brought three entries."""
    return Run(Organization(id_, name), Result(written=3, verified_at=ENDED - 500 if proved else 0), **more)


def summary(*runs: Any, problems: tuple[AuditError, ...] = (), interrupted: str = "", later: int = 0) -> Summary:
    """Return a run that ended `later` ms after `ENDED`, with 5 requests, one of them over the limit."""
    found = Summary(list(runs), list(problems), interrupted=interrupted)
    found.requests, found.over_limit, found.seconds, found.ended = 5, 1, 1.25, ENDED + later
    return found
