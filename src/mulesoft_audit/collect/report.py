"""A run in words and in fields: the one summary that a log, a script and a person are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.times import iso
from mulesoft_audit.words import number_of

if TYPE_CHECKING:
    from mulesoft_audit.collect.organization import OrganizationRun
    from mulesoft_audit.collect.summary import Summary
    from mulesoft_audit.errors import AuditError


def as_fields(summary: Summary, archive: str) -> dict[str, object]:
    """Return the run as fields of one log line; times are ISO 8601, lag and duration seconds."""
    return {
        "event": "run",
        "archive": archive,
        "complete": summary.complete,
        "exit_code": summary.exit_code,
        "interrupted": summary.interrupted,
        "until": iso(summary.until),
        "organizations": [organization_fields(run, summary.ended) for run in summary.organizations],
        "left_to_an_earlier_round": [{"id": one.id, "name": one.name} for one in summary.left_alone],
        "new_entries": summary.written,
        "new_parts": summary.parts,
        **_lag(summary.newest, summary.ended),
        "requests": summary.requests,
        "over_limit_answers": summary.over_limit,
        "seconds_held_back": round(summary.waited, 1),
        "duration_seconds": round(summary.seconds, 3),
        "failures": [_told(error) for error in summary.failures],
    }


def _told(error: AuditError) -> dict[str, str]:
    return {"message": error.message, **({"hint": error.hint} if error.hint else {})}


def organization_fields(run: OrganizationRun, ended: int) -> dict[str, object]:
    """Return what a run did for one organization."""
    result = run.result
    return {
        "id": run.organization.id,
        "name": run.organization.name,
        "complete": run.complete,
        "new_entries": result.written,
        "entries_read": result.read,
        "left_to_the_next_run": result.left,
        "not_proved": result.not_proved,
        "since": iso(run.head.since) if run.head.since else None,
        "compared_since": iso(result.floor) if result.floor else None,
        "source_total": result.total,
        "verified_at": iso(result.verified_at) if result.verified_at else None,
        "failures": [error.message for error in run.failures],
        **_lag(run.newest, ended),
    }


def _lag(newest: int, ended: int) -> dict[str, object]:
    """Return the newest entry's time and how old it was when the run ended; nulls if there is none."""
    if not newest:
        return {"newest_entry": None, "lag_seconds": None}
    return {"newest_entry": iso(newest), "lag_seconds": round((ended - newest) / 1000, 3)}


def sentence(summary: Summary) -> str:
    """Return the run in one sentence."""
    groups = len(summary.organizations) + len(summary.left_alone)
    proved = sum(run.complete for run in summary.organizations)
    new = number_of(summary.written, "new entry", "new entries")
    text = f"{new}; {proved} of {number_of(groups, 'organization')} complete, in {summary.seconds:.1f} s"
    return text if summary.exit_code == 0 else f"Incomplete: {text}"


def remarks(summary: Summary) -> list[str]:
    """Return what a person should know besides what failed, a sentence each: what is not proved, left, or stopped."""
    found = [f"{run.organization}: {text}." for run in summary.organizations for text in run.result.not_proved]
    found += [f"{one}: an earlier round still reads it." for one in summary.left_alone]
    if summary.interrupted:
        found.append(f"Stopped: {summary.interrupted}. What was collected is kept; run the same command to go on.")
    return found
