"""What a check finds, and what a report of findings means for the exit status."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from mulesoft_audit.errors import FINDINGS, AuditError, Interrupted, SourceError


class State(StrEnum):
    """How a link is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        name: of the link; the check's own if empty.
        state: how it is.
        detail: what was seen.
        hint: what to do about it; empty if nothing needs to be done.
        exit_code: what a run would end with that meets it: `FINDINGS` for what only looking shows, 0 if nothing failed.
    """

    name: str
    state: State
    detail: str
    hint: str = ""
    exit_code: int = 0


Found = Finding | Iterable[Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """One look at one link, or at one link of each organization.

    Attributes:
        name: of the link.
        find: looks; an `AuditError` it raises is a failure, with the error's hint.
        needs: names of checks without which there is nothing to look at.
    """

    name: str
    find: Callable[[], Found]
    needs: tuple[str, ...] = ()


def ok(detail: str, name: str = "") -> Finding:
    """Return that a link is in order."""
    return Finding(name, State.OK, detail)


def warn(detail: str, hint: str, name: str = "") -> Finding:
    """Return that a link works, but something should be done about it."""
    return Finding(name, State.WARN, detail, hint)


def fail(detail: str, hint: str, exit_code: int = FINDINGS, name: str = "") -> Finding:
    """Return that a link is broken."""
    return Finding(name, State.FAIL, detail, hint, exit_code)


def skipped(detail: str, hint: str = "", name: str = "") -> Finding:
    """Return that a link was not looked at, and why."""
    return Finding(name, State.SKIPPED, detail, hint)


def failed(error: AuditError, name: str = "") -> Finding:
    """Return what an error says."""
    if isinstance(error, Interrupted):
        return fail(
            "no response within the time given to it, or only that the limit is exceeded",
            "Run it again in some minutes. If it stays, look whether the service is up, and who else asks it.",
            SourceError.exit_code,
            name,
        )
    return fail(error.message, error.hint, error.exit_code, name)


def examine(checks: Iterable[Check]) -> Iterator[Finding]:
    """Make each check and yield what it finds as it is found; one that fails hides only those that need it."""
    broken: set[str] = set()
    for check in checks:
        lacking = next((name for name in check.needs if name in broken), "")
        for finding in [skipped(f"needs: {lacking}")] if lacking else _look(check):
            if finding.state in (State.FAIL, State.SKIPPED):
                broken.add(check.name)
            yield replace(finding, name=finding.name or check.name)


def _look(check: Check) -> Iterator[Finding]:
    try:
        found = check.find()
        yield from [found] if isinstance(found, Finding) else found
    except AuditError as error:
        yield failed(error)


def exit_code(findings: Iterable[Finding]) -> int:
    """Return the exit status that the findings make: `FINDINGS` if anything failed, else 0."""
    return FINDINGS if any(finding.state is State.FAIL for finding in findings) else 0
