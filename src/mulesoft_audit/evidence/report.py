"""A verification as one JSON object."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mulesoft_audit.evidence.finding import Finding
    from mulesoft_audit.evidence.offline import Result

FINDINGS = 8  #: the exit status that says that there are some


def exit_code(result: Result) -> int:
    """Return the exit status that a verification ends with."""
    return FINDINGS if result.problems else 0


def as_fields(result: Result, archive: str, at: int, compared: Mapping[str, object] | None = None) -> dict[str, object]:
    """Return a verification as an object.

    Args:
        result: what was found.
        archive: where it is.
        at: when, Unix ms.
        compared: by organization, what was compared with the source; None if nothing was.
    """
    progress = result.progress
    problems = Counter(one.organization for one in result.problems)
    organizations = [
        {
            "id": held.id,
            "name": held.name,
            "since": iso(held.since) if held.since else "",
            "days": len(held.counted),
            "entries": held.entries,
            "parts": held.parts,
            "transferred": held.transferred,
            "findings": problems[held.id],
            "source": (compared or {}).get(held.id),
        }
        for held in sorted(result.held.values(), key=lambda one: one.id)
    ]
    return {
        "event": "verify",
        "archive": archive,
        "at": iso(at),
        "offline": compared is None,
        "verified": not result.problems,
        "exit_code": exit_code(result),
        "checked": {
            "organizations": progress.organizations,
            "days": progress.days,
            "parts": progress.parts,
            "entries": progress.entries,
            "bytes": progress.size,
        },
        "organizations": organizations,
        "findings": [finding_fields(one) for one in result.problems],
        "notes": [finding_fields(one) for one in result.notes],
    }


def finding_fields(finding: Finding) -> dict[str, object]:
    """Return a finding as an object."""
    return {
        "kind": finding.kind.value,
        "path": finding.path,
        "organization": {"id": finding.organization, "name": finding.name} if finding.organization else None,
        "day": finding.day or None,
        "expected": finding.expected,
        "found": finding.found,
        "repair": finding.repair,
    }
