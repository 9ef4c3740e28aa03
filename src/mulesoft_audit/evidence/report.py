"""A verification as one JSON object."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import iso

if TYPE_CHECKING:
    from mulesoft_audit.evidence.finding import Finding
    from mulesoft_audit.evidence.verification import Verification


def as_fields(found: Verification, archive: str, at: int) -> dict[str, object]:
    """Return a verification as an object.

    Args:
        found: what was found.
        archive: where it is.
        at: when, Unix ms.
    """
    result, progress = found.result, found.result.progress
    problems = Counter(one.organization for one in found.problems)
    compared = {one.organization.id: one.as_fields() for one in found.compared or []}
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
            "source": compared.get(held.id),
        }
        for held in sorted(result.held.values(), key=lambda one: one.id)
    ]
    return {
        "event": "verify",
        "archive": archive,
        "at": iso(at),
        "offline": found.compared is None,
        "verified": found.exit_code == 0,
        "exit_code": found.exit_code,
        "checked": {
            "organizations": progress.organizations,
            "days": progress.days,
            "parts": progress.parts,
            "entries": progress.entries,
            "bytes": progress.size,
        },
        "seals": {"number": len(found.news.seals.digests), "newest": found.news.seals.newest},
        "organizations": organizations,
        "findings": [finding_fields(one) for one in found.problems],
        "failures": [one.message for one in found.failures],
        "notes": [finding_fields(one) for one in found.notes],
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
