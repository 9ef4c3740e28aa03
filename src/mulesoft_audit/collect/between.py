"""What a round of `--every` leaves to the next one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.tree import ancestors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.collect.organization import OrganizationRun


@dataclass(slots=True)
class Between:
    """What one round leaves to the next one in the same process. A run by itself begins with an empty one.

    Attributes:
        runs: by id, where each organization stands; its head is not read again.
        busy: organizations that an earlier round is still reading. Theirs, and logs that may repeat theirs or be
            repeated by them, are left to it.
    """

    runs: dict[str, OrganizationRun] = field(default_factory=dict)
    busy: list[OrganizationRun] = field(default_factory=list)

    def left_alone(self, organizations: Sequence[Organization]) -> set[str]:
        """Return the ids of organizations that an earlier round has to come to an end with first."""
        heads = {name: run.head for name, run in self.runs.items()} | {
            one.organization.id: one.head for one in self.busy
        }
        busy = {one.organization.id for one in self.busy}
        found = set(busy)
        for name, all_above in ancestors(organizations).items():
            for above in all_above:
                separate = above in heads and heads[above].rolls_up is False
                if not separate and (name in busy or above in busy):
                    found |= {name, above}
        return found
