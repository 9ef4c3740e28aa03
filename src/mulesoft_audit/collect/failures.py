"""What is said of an organization whose archive does not equal its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mulesoft_audit.anypoint.query import Window
    from mulesoft_audit.anypoint.tree import Organization

TIMES_TOLD = 3
WINDOWS_TOLD = 5


def unreadable(organization: Organization, found: Sequence[tuple[int, int, str]]) -> SourceError:
    """Return what to say of entries that cannot be read: between which times (Unix ms) they are, and why."""
    times = ", ".join(f"{iso(first)} to {iso(last)} ({reason})" for first, last, reason in found[:TIMES_TOLD])
    more = f", and {len(found) - TIMES_TOLD} others" if len(found) > TIMES_TOLD else ""
    return SourceError(
        f"{len(found)} entries of {organization} cannot be read: {times}{more}.",
        "All others are collected. The manifests of these days say when and why. Run with --since that day to try "
        "again; if this stays, report it to MuleSoft with the times.",
    )


def contradiction(
    organization: Organization, floor: int, total: int | None, given: int, windows: Sequence[Window]
) -> SourceError:
    """Return what to say of a source that counts `total` entries from `floor` (Unix ms) on, and gives another number.

    Args:
        organization: whose log.
        floor: from when on.
        total: what it counts; None if it does not say.
        given: what it gives.
        windows: where they differ.
    """
    return SourceError(
        f"Anypoint contradicts itself about {organization}: it counts {'nothing' if total is None else total} entries "
        f"from {iso(floor)} on and gives {given}, each time it is asked. They differ in "
        f"{'; '.join(str(one) for one in windows[:WINDOWS_TOLD])}.",
        "What it gave is kept. The next run asks again; if this stays, report it to MuleSoft.",
    )
