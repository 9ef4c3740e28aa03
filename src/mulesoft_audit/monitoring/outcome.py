"""What a ping says of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.collect.report import remarks, sentence
from mulesoft_audit.errors import AuditError, Interrupted
from mulesoft_audit.monitoring.address import Kind
from mulesoft_audit.printable import printable
from mulesoft_audit.secret import without_secrets

if TYPE_CHECKING:
    from mulesoft_audit.collect.summary import Summary


def kind_of(summary: Summary) -> Kind:
    """Return what a run is told as: by its exit status alone, not by whether it is complete.

    A stop is neither a success nor a failure. If no run follows it, the service notices that by itself.
    """
    return {0: Kind.SUCCESS, Interrupted.exit_code: Kind.LOG}.get(summary.exit_code, Kind.FAIL)


def text_of(summary: Summary, archive: str) -> str:
    """Return a run as the body of a ping: what failed comes last, because the end of a long text is what is kept."""
    lines = [f"{sentence(summary)}. Archive: {archive}"] if summary.organizations else []
    lines += remarks(summary)
    for error in summary.failures:
        lines += [error.message, *([f"  {error.hint}"] if error.hint else [])]
    if summary.exit_code:
        lines.append(f"Exit status {summary.exit_code}.")
    return printable(without_secrets("\n".join(lines)), keep="\n")


def broken_off(summary: Summary, error: BaseException, reason: str) -> Summary:
    """Return a run that ended with an exception.

    Args:
        summary: the run so far.
        error: what ended it.
        reason: why it was to stop; empty if nobody asked.
    """
    if isinstance(error, Interrupted | KeyboardInterrupt):
        summary.interrupted = reason or "by a signal"
    elif isinstance(error, AuditError):
        summary.problems.append(error)
    else:
        summary.problems.append(AuditError(f"A mistake of the program: {type(error).__name__}."))
    return summary
