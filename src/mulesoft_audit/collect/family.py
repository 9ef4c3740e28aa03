"""Organizations above and below one another, should one's log repeat another's.

Whether a query of an organization gives the entries of the business groups below it too is not documented ("Audit
Logging" speaks of business-group awareness only). So it is found out, once: a few entries that are held of groups below
are looked for in the log above. Where all are found, an entry is kept under the group it comes from, and counted above.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.entry import recognize
from mulesoft_audit.anypoint.query import PAGE_LIMIT, Window
from mulesoft_audit.collect.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.collect.days import Days
    from mulesoft_audit.collect.organization import OrganizationRun

SAMPLES = 3  #: entries of the groups below that are looked for above


@dataclass(slots=True)
class Family:
    """An organization's relatives in this run.

    Attributes:
        above: from the parent up.
        children: directly below.
        days: what the archive holds of the organization itself.
        rolls_up: whether its log repeats those below it; None if unknown.
        remembered: what is held of groups below that this run was not told of.
    """

    above: list[Family] = field(default_factory=list)
    children: list[Family] = field(default_factory=list)
    days: Days | None = None
    rolls_up: bool | None = None
    remembered: list[Days] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: int = 0
    _resume: Callable[[], None] | None = None

    def below(self) -> list[Family]:
        """Return every relative below."""
        return [relative for child in self.children for relative in (child, *child.below())]

    def repeated(self) -> list[Days]:
        """Return what is held of the organizations that this one's log is known to repeat."""
        if not self.rolls_up:
            return []
        return [relative.days for relative in self.below() if relative.days] + self.remembered

    def relatives(self) -> list[Days]:
        """Return what is held of organizations whose log may share entries with this one's."""
        above = [relative.days for relative in self.above if relative.days and relative.rolls_up is not False]
        return self.repeated() + above

    def must_wait(self) -> bool:
        """Return whether the groups below have to be collected first."""
        return bool(self.children) and self.rolls_up is not False

    def when_below_is_done(self, resume: Callable[[], None]) -> None:
        """Call `resume` once every child is done; at once if they are."""
        with self._lock:
            self._resume = resume
        self._check()

    def done(self) -> None:
        """Tell the parent that this organization is through, well or not."""
        for parent in self.above[:1]:
            with parent._lock:  # noqa: SLF001 - of its own kind
                parent._open -= 1  # noqa: SLF001
            parent._check()  # noqa: SLF001

    def _check(self) -> None:
        with self._lock:
            resume = None if self._open else self._resume
            self._resume = None if resume else self._resume
        if resume:
            resume()

    def learn(self, query: AuditQuery, organization: Organization) -> bool | None:
        """Find out, if it is not known, whether the organization's log repeats those below it.

        Raises:
            AuditError: as `AuditQuery.page`.
        """
        if self.rolls_up is None:
            found: set[bool] = set()
            for sample in self._samples():
                found.add(self._has(query, organization, *sample))
                if len(found) > 1:  # neither: nothing is dropped
                    return None
            self.rolls_up = found.pop() if found else None
        return self.rolls_up

    def _samples(self) -> list[tuple[int, bytes]]:
        """Return Unix ms and identity of a few entries held below, from as many groups as there are."""
        each = [relative.days.samples(SAMPLES) for relative in self.below() if relative.days]
        return [sample for turn in zip_longest(*each) for sample in turn if sample][:SAMPLES]

    def _has(self, query: AuditQuery, organization: Organization, time: int, identity: bytes) -> bool:
        """Return whether the organization's log has that entry."""
        loop = Loop(query, organization, Window(time, time + 1), rewind=lambda start: start, too_many=lambda _: False)
        for page in loop.pages():
            if any(found == identity for found, _ in recognize(page.entries).keys):
                return True
            if len(page.entries) < PAGE_LIMIT:  # that was all of the millisecond
                return False
        return False


def relate(runs: list[OrganizationRun]) -> None:
    """Tell each run of its relatives."""
    by_id = {run.organization.id: run for run in runs}
    for run in runs:
        run.family.days = run.days
        parent = by_id.get(run.organization.parent)
        if parent:
            parent.family.children.append(run.family)
            parent.family._open += 1  # noqa: SLF001 - before anything runs
        while parent:
            run.family.above.append(parent.family)
            parent = by_id.get(parent.organization.parent)
