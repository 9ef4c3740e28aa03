"""Repeating requests to Cloud Storage, and saying what failed once that is of no use."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

from mulesoft_audit.archive.gcs_failures import foreign, policy_of, repeatable, repeatable_in_session, said, status_of
from mulesoft_audit.backoff import backoff
from mulesoft_audit.errors import ArchiveError, AuditError, CredentialsError, Interrupted, PermissionMissing
from mulesoft_audit.refusal import lift

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.api_core.retry import Retry

T = TypeVar("T")

_LONGEST_PAUSE = 16.0
_LOOK = 0.25  # seconds between two looks whether to stop
_AT_ONCE = 0.001
_PERMISSIONS = {
    "create": "storage.objects.create",
    "replace": "storage.objects.create and storage.objects.delete",
    "read": "storage.objects.get",
    "list": "storage.objects.list",
    "delete": "storage.objects.delete",
}


class Retries:
    """Requests to one bucket, each repeated while its failure may pass and there is time."""

    def __init__(
        self, url: str, bucket: str, stopping: Callable[[], bool], *, seconds: float, first_pause: float
    ) -> None:
        """Repeat requests.

        Args:
            url: of the archive, for messages.
            bucket: its name, for messages.
            stopping: whether to wait no longer.
            seconds: how long one operation is repeated.
            first_pause: seconds before the first repetition, at most; it doubles each time.
        """
        self._url = url
        self._bucket = bucket
        self._stopping = stopping
        self._seconds = seconds
        self._first_pause = first_pause

    def run(self, doing: str, name: str, once: Callable[[float], T]) -> T:
        """Return what `once` returns. It is called with the seconds that are left for the operation.

        Args:
            doing: create, replace, read, list or delete.
            name: of the object.
            once: sends the request.

        Raises:
            PermissionMissing, CredentialsError, ArchiveError: the last failure, in this package's words.
            Interrupted: it failed, and there is no waiting any more.
        """
        foreign_errors = foreign()
        deadline = time.monotonic() + self._seconds
        failures = 0
        while True:
            try:
                return once(deadline - time.monotonic())
            except foreign_errors as error:
                failures += 1
                pause = self._pause(failures)
                if not repeatable(error) or time.monotonic() + pause > deadline:
                    # Not chained: the library's exceptions quote the address of an upload session, which is a secret.
                    raise self._failure(doing, name, error) from None
                reason = said(error)
            self._sleep(pause, f"{doing} {self._url}/{name}", reason)

    def in_session(self, name: str, left: float) -> Retry:
        """Return how a chunk is repeated within its upload session, so that all need not be sent from the start.

        The library can only sleep to the end, so it is given no pause, and the waiting is done between.
        """
        from google.api_core.retry import Retry

        failures = 0
        deadline = time.monotonic() + left

        def wait(error: Exception) -> None:
            nonlocal failures
            failures += 1
            pause = min(self._pause(failures), max(0.0, deadline - time.monotonic()))
            self._sleep(pause, f"create {self._url}/{name}", said(error))

        return Retry(predicate=repeatable_in_session, initial=_AT_ONCE, maximum=_AT_ONCE, timeout=left, on_error=wait)

    def _pause(self, failures: int) -> float:
        chance = random.random()
        return backoff(failures, chance, first=self._first_pause, longest=_LONGEST_PAUSE)

    def _sleep(self, seconds: float, what: str, reason: str) -> None:
        until = time.monotonic() + seconds
        while True:
            if self._stopping():
                raise Interrupted(
                    f"Stopped before it was tried again to {what}: {reason}.",
                    "What was committed is kept; the next run continues.",
                ) from None  # as in `run`
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, _LOOK))

    def _failure(self, doing: str, name: str, error: Exception) -> AuditError:
        """Say what failed in this package's words, at one place."""
        from google.auth.exceptions import GoogleAuthError

        what = f"Could not {doing} {self._url}/{name}: {said(error)}."
        status = status_of(error)
        if status in (400, 403, 412) and (constraint := policy_of(error)):
            return ArchiveError(f"{what[:-1]} (organization policy {constraint}).", lift(constraint))
        if status in (401, 403):
            return PermissionMissing(
                what,
                f"It needs {_PERMISSIONS[doing]} on bucket {self._bucket}; "
                "roles/storage.objectUser on the bucket has all that is needed.",
            )
        if status == 404:
            return ArchiveError(
                f"Could not {doing} {self._url}/{name}: bucket {self._bucket} does not exist.",
                "Create the bucket, or correct the archive's URL.",
            )
        if isinstance(error, GoogleAuthError) and not repeatable(error):
            return CredentialsError(
                what,
                "Run `gcloud auth application-default login`, or attach a service account.",
            )
        return ArchiveError(what, "What was written before is safe, and a repeated run continues with it.")
