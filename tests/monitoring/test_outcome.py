"""What a run is told as: by its exit status alone, with what a person should read at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.monitoring.runs import run, summary

from mulesoft_audit.collect.summary import Summary
from mulesoft_audit.errors import ArchiveError, CredentialsError, Interrupted, SourceError
from mulesoft_audit.monitoring.address import Kind
from mulesoft_audit.monitoring.outcome import broken_off, kind_of, text_of
from mulesoft_audit.secret import Secret

if TYPE_CHECKING:
    from mulesoft_audit.errors import AuditError

pytestmark = pytest.mark.unit

REFUSED = CredentialsError("Anypoint refuses the credentials.", "Check them.")


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (summary(run()), Kind.SUCCESS),
        (summary(run(proved=False)), Kind.SUCCESS),  # not complete, and nothing failed
        (summary(run(), interrupted="SIGTERM"), Kind.LOG),
        (summary(run(), problems=(REFUSED,)), Kind.FAIL),
        (summary(run(failures=[SourceError("Out of order.")])), Kind.FAIL),
        (summary(run(), problems=(REFUSED,), interrupted="SIGTERM"), Kind.FAIL),
        (summary(problems=(Interrupted("Stopped."),)), Kind.LOG),
    ],
)
def test_a_run_is_told_by_its_exit_status(told: Summary, kind: Kind) -> None:
    assert kind_of(told) is kind


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (REFUSED, 3),
        (ArchiveError("The disk is full."), 6),
        (Interrupted("Stopped."), 130),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("1/0"), 1),
    ],
)
def test_a_run_that_ends_with_an_exception_has_the_status_that_the_process_ends_with(
    error: BaseException, status: int
) -> None:
    assert broken_off(Summary(), error, "").exit_code == status


def test_what_failed_and_what_to_do_come_last() -> None:
    text = text_of(summary(run(), problems=(REFUSED,)), "gs://logs")
    assert text.endswith("Anypoint refuses the credentials.\n  Check them.\nExit status 3.")
    assert "Archive: gs://logs" in text.splitlines()[0]


def test_a_run_that_proved_nothing_says_so() -> None:
    one = run(proved=False)
    one.result.not_proved.append("totals prove nothing")
    assert "Payments (org-1): totals prove nothing." in text_of(summary(one), "./archive")


def test_no_secret_and_no_control_character_is_in_the_text() -> None:
    secret = Secret("a-client-secret-of-ours")
    failed: AuditError = SourceError(f"It said {secret.reveal()} \x1b[31m.")
    text = text_of(summary(problems=(failed,)), "./archive")
    assert secret.reveal() not in text
    assert "\x1b" not in text
