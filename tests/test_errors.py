"""Which of several failures a process ends with."""

from __future__ import annotations

import pytest

from mulesoft_audit import errors
from mulesoft_audit.errors import ArchiveError, AuditError, Interrupted, PermissionMissing, worst, worst_status


def kinds(kind: type[AuditError] = AuditError) -> list[type[AuditError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in kinds(child))]


def test_every_kind_of_failure_has_its_place() -> None:
    assert {kind.exit_code for kind in kinds()} | {errors.FINDINGS} == set(errors.WORST_FIRST)


@pytest.mark.parametrize("rank", range(len(errors.WORST_FIRST)))
def test_the_worst_status_wins_in_whatever_order_they_came(rank: int) -> None:
    rest = errors.WORST_FIRST[rank:]
    assert worst_status(rest) == worst_status(reversed(rest)) == rest[0]


def test_no_failure_is_status_0() -> None:
    assert worst_status([]) == 0


def test_of_two_alike_the_first_is_told() -> None:
    first = ArchiveError("first")
    assert worst([PermissionMissing("x"), first, Interrupted("y"), ArchiveError("second")]) is first
