"""Every failure this package reports, by what a caller should do about it.

    AuditError                      anything we report; one message, one exit code
    ├── UsageError            2     a flag, setting or message is missing or malformed; nothing was sent
    ├── CredentialsError      3     Anypoint (or Google) refuses who we are
    ├── PermissionMissing     4     we are known, but may not read (or write) this
    ├── SourceError           5     Anypoint unavailable, or contradicts itself, beyond the retry budget
    ├── ArchiveError          6     the archive cannot be read or written
    ├── DeploymentError       7     Google Cloud refused or did not converge
    ├── OutputError           6     the output cannot be written: it is closed, or its disk is full
    ├── Interrupted         130     stopped by a signal or a deadline; what was committed is kept
    └── ReaderGone          141     whoever reads the output has gone (`| head`); nothing is said of it

Status 8 (`FINDINGS`) is no failure: a command that looks did its work, and found what a person should see to.

Each message says what failed, for which organization and time range, what is safe, and what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


FINDINGS = 8  #: exit status of a command that looked, and found what should not be so


class AuditError(Exception):
    """Base of every error that is reported as one message.

    Attributes:
        message: what failed, for whom, and what is safe.
        hint: what to do next; empty if the message says it all.
        exit_code: the process's exit status when nothing else is reported.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(AuditError):
    """A flag, a setting or a message is missing or malformed. Nothing was sent."""

    exit_code = 2


class CredentialsError(AuditError):
    """The connected app's credentials (or Google's) are refused."""

    exit_code = 3


class PermissionMissing(AuditError):
    """The credentials are good, but a scope or role is missing."""

    exit_code = 4


class SourceError(AuditError):
    """Anypoint is unavailable, or contradicts itself, beyond the retry budget."""

    exit_code = 5


class ArchiveError(AuditError):
    """The archive cannot be read or written."""

    exit_code = 6


class OutputError(AuditError):
    """Standard output is closed, or cannot be written."""

    exit_code = 6


class DeploymentError(AuditError):
    """Google Cloud refused a step, or did not converge in time."""

    exit_code = 7


class Interrupted(AuditError):
    """Stopped by a signal or a deadline. What was committed is kept; the next run continues."""

    exit_code = 130


class ReaderGone(AuditError):
    """Whoever reads the output has gone, as `head` does. The exit status is what a shell shows for a broken pipe."""

    exit_code = 141


def may_pass(error: AuditError) -> bool:
    """Return whether trying again later may help though nobody does anything about it."""
    return not isinstance(error, UsageError | CredentialsError | PermissionMissing)


#: Exit statuses, the worst first: a process that met several failures ends with the first of these.
#: First what keeps everything from being collected, or written: credentials, the archive. Then a mistake of the
#: program, after which nothing that it says is certain. Then a wrong setting, which stays until a person changes it.
#: Then what concerns one organization: an unavailable source, a missing permission. Then the deployment, which collects
#: nothing itself. Then findings. A stop, and output that nobody reads, come last: they hide nothing.
WORST_FIRST = (3, 6, 1, 2, 5, 4, 7, FINDINGS, 130, 141)


def worst_status(statuses: Iterable[int]) -> int:
    """Return the one of these exit statuses that a process ends with; 0 if there is none."""
    return min(statuses, key=WORST_FIRST.index, default=0)


def worst(errors: Iterable[AuditError]) -> AuditError:
    """Return the error whose exit status a process ends with; of several with that status, the first.

    Raises:
        ValueError: there are no errors.
    """
    return min(errors, key=lambda error: WORST_FIRST.index(error.exit_code))
