"""Whose logs a run collects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.errors import AuditError


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose logs are collected.

    Attributes:
        root: id of the root organization; empty if it is not known.
        organizations: in the order of the tree.
        named: whether they were named one by one; otherwise they are all that the tree names.
        retention_days: for how long the source keeps entries; None if it does not say.
        problems: what kept other organizations from being found.
    """

    root: str
    organizations: list[Organization]
    named: bool = False
    retention_days: int | None = None
    problems: list[AuditError] = field(default_factory=list)
