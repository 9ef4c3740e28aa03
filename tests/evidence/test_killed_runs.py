"""What a run leaves when it is killed at any write, and what it writes meanwhile, is never taken for tampering."""

from __future__ import annotations

import shutil
import threading
from itertools import count
from typing import TYPE_CHECKING

import pytest
from tests.collect.hourly import assert_exact, hourly
from tests.evidence.archive import DAY, GROUP, NOON, ROOT, START, compared, more, verified
from tests.evidence.runs import Failing, run_on
from tests.plain_source import PlainSource, serving

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.evidence.finding import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def source() -> Iterator[PlainSource]:
    with serving(PlainSource()) as made:
        for organization in (ROOT, GROUP):
            made.logs.setdefault(organization, [])
            hourly(made, organization, NOON - DAY, NOON)
        yield made


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
def test_whatever_a_killed_first_run_leaves_is_unfinished_at_most(
    source: PlainSource, tmp_path: Path, after: bool
) -> None:
    for writes in count(1):
        root = tmp_path / f"{writes}"
        run_on(source, store := Failing(root, writes, after=after), NOON + 1, START)
        found = verified(root)
        assert found.problems == [], (writes, found.problems)
        assert {one.kind for one in found.notes} <= {Kind.UNFINISHED}, writes
        if store.left >= 0:
            break
        finish(source, root)
        shutil.rmtree(root)
    assert writes > 8


def finish(source: PlainSource, root: Path) -> None:
    summary = run_on(source, LocalStore(root), NOON + 2, START)
    assert summary is not None
    assert summary.complete
    assert compared(source, root, deep=True).findings == []
    assert_exact(source, root)


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
def test_whatever_a_later_run_leaves_is_unfinished_at_most(source: PlainSource, tmp_path: Path, after: bool) -> None:
    first = tmp_path / "first"
    run_on(source, LocalStore(first), NOON + 1, START)
    more(source)
    for writes in count(1):
        root = tmp_path / f"{writes}"
        shutil.copytree(first, root)
        run_on(source, store := Failing(root, writes, after=after), NOON + DAY // 24)
        found = verified(root)
        assert found.problems == [], (writes, found.problems)
        assert compared(source, root).result.problems == []
        if store.left >= 0:
            break
        run_on(source, LocalStore(root), NOON + DAY // 24 + 1)
        assert compared(source, root, deep=True).findings == []
        assert_exact(source, root)
        shutil.rmtree(root)


def test_a_verification_beside_runs_finds_nothing(source: PlainSource, tmp_path: Path) -> None:
    root = tmp_path / "archive"
    run_on(source, LocalStore(root), NOON + 1, START)
    over = threading.Event()
    found: list[object] = []
    looks = 0

    def look() -> None:
        nonlocal looks
        while not over.is_set():
            found.extend(verified(root).problems)
            looks += 1

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for minute in range(1, 25):
            stamp = NOON + minute * 60_000
            for organization in (ROOT, GROUP):
                source.add(organization, stamp, b'{"timestamp": %d, "action": "%d"}' % (stamp, minute))
                source.add(organization, stamp - DAY // 2, b'{"timestamp": %d, "action": "late"}' % (stamp - DAY // 2))
            run_on(source, LocalStore(root), stamp + 1)
    finally:
        over.set()
        thread.join()
    assert looks > 5
    assert found == []
    assert_exact(source, root)
