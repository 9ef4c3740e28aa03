"""A head survives what is lost, old, newer, and written by somebody else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mulesoft_audit.archive.layout import head_name
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.ledger.head import Counted, Head, load, save

if TYPE_CHECKING:
    from pathlib import Path

    from mulesoft_audit.ledger.keys import Key

ORG = "0a000000-0000-4000-8000-000000000000"


def full() -> Head:
    head = Head(ORG, 86_400_000, {"2026-10-01": Counted(3, 7, 5, 6, 1)}, unread=[(1, 2)], totals=-1, rolls_up=True)
    head.below = ["x"]
    head.keep_newest([(9, b"a" * 16, 1), (8, b"b" * 16, 2)], 8)
    return head


def test_a_head_is_read_as_it_was_saved(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    generation = save(store, full(), 0)
    found, now = load(store, ORG)
    assert now == generation
    assert found.newest_keys() == [(8, b"b" * 16, 2), (9, b"a" * 16, 1)]
    found.format = 0
    assert found == full()


@pytest.mark.parametrize(
    ("known_from", "given", "read", "expected"),
    [
        pytest.param(8, [(9, b"c" * 16, 3)], [(9, 10)], [(8, b"b" * 16, 2), (9, b"c" * 16, 3)], id="of what was read"),
        pytest.param(8, [], [(1, 8)], [(8, b"b" * 16, 2), (9, b"a" * 16, 1)], id="of earlier time tells nothing"),
        pytest.param(0, [(9, b"c" * 16, 3)], [(1, 10)], [(8, b"b" * 16, 2), (9, b"a" * 16, 1)], id="if it is known"),
        pytest.param(8, [(9, b"c" * 16, n) for n in range(2_001)], [(8, 10)], [], id="more are given up"),
    ],
)
def test_what_reading_gave_of_the_newest_entries_is_known_from_then_on(
    known_from: int, given: list[Key], read: list[tuple[int, int]], expected: list[Key]
) -> None:
    head = full()
    head.known_from = known_from
    head.learn_newest(given, read)
    assert (head.newest_keys(), head.known_from) == (expected, known_from if expected else 0)


def test_no_head_is_an_empty_one(tmp_path: Path) -> None:
    assert load(LocalStore(tmp_path), ORG) == (Head(ORG), 0)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"organization":3}'])
def test_a_damaged_head_is_taken_for_a_lost_one(tmp_path: Path, data: bytes) -> None:
    store = LocalStore(tmp_path)
    store.replace(head_name(ORG), data, 0)
    found, generation = load(store, ORG)
    assert found == Head(ORG)
    assert save(store, full(), generation)


def test_a_head_of_the_first_format_keeps_what_was_asked_for(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    old = {"format": 1, "organization": ORG, "wanted": [[500, 900], [100, 300]], "rolls_up": True, "below": ["x"]}
    store.replace(head_name(ORG), json.dumps(old).encode(), 0)
    found, generation = load(store, ORG)
    assert found == Head(ORG, 100, rolls_up=True, below=["x"])
    assert generation


def test_a_head_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.replace(head_name(ORG), b'{"format":99}', 0)
    with pytest.raises(ArchiveError, match="newer"):
        load(store, ORG)


def test_keys_that_are_cut_are_no_keys() -> None:
    assert Head(ORG, newest=b"x" * 29).newest_keys() == []


def test_a_lost_race_keeps_what_both_can_say(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    save(store, full(), 0)
    days = {"2026-10-01": Counted(2, 5, 4, 4), "2026-10-02": Counted(1, 8, 2, 2)}
    mine = Head(ORG, 172_800_000, days, unread=[(5, 6)], below=["y"])
    mine.keep_newest([(7, b"c" * 16, 3)], 7)
    save(store, mine, 0)
    found, _ = load(store, ORG)
    assert found.since == 86_400_000
    assert found.days == {"2026-10-01": Counted(3, 7, 5, 6, 1), "2026-10-02": Counted(1, 8, 2, 2)}
    assert sorted(found.unread) == [(1, 2), (5, 6)]
    assert (found.rolls_up, found.below) == (True, ["x", "y"])
    assert (found.newest_keys(), found.known_from) == ([], 0)
