"""A day in an archive: each entry once, whatever others do at the same time and whatever is lost."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

import pytest

from mulesoft_audit.anypoint.entry import recognize
from mulesoft_audit.archive import layout
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.archive.part import read_lines
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.ledger.batch import Batch
from mulesoft_audit.ledger.commit import Committed, Respelled, commit
from mulesoft_audit.ledger.day import Day
from mulesoft_audit.ledger.manifest import Damaged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ORG = "0a000000-0000-4000-8000-000000000000"
TODAY = date(2026, 10, 1)
START = layout.day_start(TODAY)


def entries(*serials: int, spelled: str = "") -> list[bytes]:
    return [json.dumps({"timestamp": START + n * 10, "action": f"a{n}{spelled}"}).encode() for n in serials]


def batch(lines: list[bytes]) -> Batch:
    found = Batch(TODAY)
    _, times, keys = recognize(list(lines))
    found.add(lines, [(time or START) - START for time in times], keys)
    return found


class Own(LocalStore):
    """A store of which nobody else is said to write there, and that fails at the names it is told."""

    fails_at = ""

    def alone(self) -> bool:
        return True

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> int:
        if self.fails_at and self.fails_at in name:
            raise ArchiveError(f"{name} cannot be written.")
        return super().create(name, data, metadata)


def day(store: LocalStore) -> Day:
    return Day(store, ORG, TODAY)


def held(root: Path) -> Counter[bytes]:
    found: Counter[bytes] = Counter()
    for path in sorted((root / "audit").rglob("*.json.gz")):
        found.update(bytes(line) for line in read_lines(path.read_bytes(), path.name))
    return found


def numbers(root: Path) -> list[int]:
    return sorted(layout.part_number(path.name) or 0 for path in (root / "audit").rglob("*.json.gz"))


def part(root: Path, number: int = 1) -> Path:
    return root / layout.part_name(ORG, TODAY, number)


def keys(root: Path, number: int = 1) -> Path:
    return root / layout.keys_name(ORG, TODAY, number)


def test_a_batch_is_written_once(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert commit(day(store), batch(entries(1, 2, 3))) == Committed(3)
    assert commit(day(store), batch(entries(1, 2, 3))) == Committed(0)
    assert held(tmp_path) == Counter(entries(1, 2, 3))


def test_of_a_batch_only_what_is_new_is_written(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    commit(day(store), batch(entries(1, 3)))
    assert commit(day(store), batch(entries(1, 2, 3, 3))) == Committed(2)
    assert held(tmp_path) == Counter(entries(1, 2, 3, 3))
    assert day(store).load().manifest.held == 4


def test_an_empty_batch_writes_nothing(tmp_path: Path) -> None:
    assert commit(day(LocalStore(tmp_path)), Batch(TODAY)) == Committed()
    assert not list(tmp_path.iterdir())


def test_two_that_write_one_day_write_each_entry_once(tmp_path: Path) -> None:
    one, other = day(LocalStore(tmp_path)), day(LocalStore(tmp_path))
    one.load()
    other.load()
    assert commit(one, batch(entries(1, 2))) == Committed(2)
    assert commit(other, batch(entries(2, 3))) == Committed(1)
    assert commit(one, batch(entries(3, 4))) == Committed(1)
    assert held(tmp_path) == Counter(entries(1, 2, 3, 4))
    assert day(LocalStore(tmp_path)).load().manifest.held == 4


@pytest.mark.parametrize(("count_repeated", "source"), [(True, 3), (False, 1)])
def test_what_a_relative_holds_is_not_written_and_counted_only_if_that_is_told(
    tmp_path: Path, count_repeated: bool, source: int
) -> None:
    relative = Day(LocalStore(tmp_path), "0b000000-0000-4000-8000-000000000000", TODAY)
    commit(relative, batch(entries(1, 2)))
    one = day(LocalStore(tmp_path))
    found = commit(one, batch(entries(1, 2, 3)), [relative], count_repeated=count_repeated)
    assert found == Committed(1, 2)
    assert (one.manifest.held, one.manifest.source) == (1, source)


@pytest.mark.parametrize("lost", [".json.gz", ".manifest.json"])
def test_what_a_killed_run_had_begun_is_written_once(tmp_path: Path, lost: str) -> None:
    store = Own(tmp_path)
    if lost == ".json.gz":
        store.fails_at = lost
        with pytest.raises(ArchiveError):
            commit(day(store), batch(entries(1, 2)))
        assert keys(tmp_path).exists()
    else:
        commit(day(store), batch(entries(1, 2)))
        (tmp_path / layout.manifest_name(ORG, TODAY)).unlink()
    again = day(Own(tmp_path))
    commit(again, batch(entries(1, 2, 3)))
    assert held(tmp_path) == Counter(entries(1, 2, 3))
    assert day(store).load().manifest.held == 3
    assert numbers(tmp_path)[0] == 1


def test_a_claim_on_other_entries_is_in_nobodys_way(tmp_path: Path) -> None:
    store = Own(tmp_path)
    store.fails_at = ".json.gz"
    with pytest.raises(ArchiveError):
        commit(day(store), batch(entries(8, 9)))
    commit(day(Own(tmp_path)), batch(entries(1, 2)))
    assert held(tmp_path) == Counter(entries(1, 2))
    assert numbers(tmp_path) == [2]
    commit(day(Own(tmp_path)), batch(entries(8, 9)))
    assert held(tmp_path) == Counter(entries(1, 2, 8, 9))
    assert numbers(tmp_path) == [1, 2]


def test_a_number_is_not_used_again_though_a_feed_deletes_the_part(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for serial in (1, 2, 3):
        commit(day(store), batch(entries(serial)))
        part(tmp_path, serial).unlink()
    assert commit(day(store), batch(entries(1, 2, 3))) == Committed(0)
    commit(day(store), batch(entries(4)))
    assert numbers(tmp_path) == [4]


def test_keys_that_are_lost_are_made_again_from_the_part(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    commit(day(store), batch(entries(1, 2)))
    before = keys(tmp_path).read_bytes()
    keys(tmp_path).unlink()
    assert commit(day(store), batch(entries(1, 2, 3))) == Committed(1)
    assert keys(tmp_path).read_bytes() == before


def test_keys_that_are_lost_with_the_part_are_made_again_from_the_source(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    commit(day(store), batch(entries(1, 2, 3)))
    keys(tmp_path).unlink()
    part(tmp_path).unlink()
    assert commit(day(store), batch(entries(1, 2, 3))) == Committed(0)
    assert held(tmp_path) == Counter()


def test_nothing_is_guessed_from_less_than_the_time_of_what_is_lost(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    commit(day(store), batch(entries(1, 2, 3)))
    keys(tmp_path).unlink()
    part(tmp_path).unlink()
    with pytest.raises(Damaged):
        commit(day(store), batch(entries(1, 2)))
    assert held(tmp_path) == Counter()


def test_what_is_lost_is_delivered_again_where_the_source_gives_something_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = LocalStore(tmp_path)
    commit(day(store), batch(entries(1, 2, 3)))
    keys(tmp_path).unlink()
    part(tmp_path).unlink()
    assert commit(day(store), batch(entries(1, 3))) == Committed(2)
    assert held(tmp_path) == Counter(entries(1, 3))
    assert "3 entries may be delivered twice" in caplog.text


def test_an_entry_in_another_spelling_is_delivered(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    commit(day(store), batch(entries(*range(40))))
    seen = [*entries(0, spelled="x"), *entries(*range(1, 40))]
    assert commit(day(store), batch(seen)) == Committed(1)


def test_most_of_what_is_held_in_another_spelling_writes_nothing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    commit(day(store), batch(entries(*range(40))))
    with pytest.raises(Respelled):
        commit(day(store), batch(entries(*range(40), spelled="x")))
    assert held(tmp_path) == Counter(entries(*range(40)))


def test_what_relatives_hold_is_counted_and_not_written(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    relative = Day(store, "0b000000-0000-4000-8000-000000000000", TODAY)
    commit(relative, batch(entries(1, 2)))
    above = day(store)
    assert commit(above, batch(entries(1, 2, 3)), [relative]) == Committed(1, 2)
    assert (above.manifest.held, above.manifest.source) == (1, 3)


def test_what_the_source_had_is_entered_once(tmp_path: Path) -> None:
    one = day(LocalStore(tmp_path))
    commit(one, batch(entries(1, 2, 3)))
    assert not one.settle(0, layout.DAY_MS, 3, [], whole=True)
    assert one.settle(0, layout.DAY_MS, 2, [], whole=True)
    assert not one.settle(0, layout.DAY_MS, 2, [], whole=True)
    assert day(LocalStore(tmp_path)).load().manifest.difference == -1


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, layout.DAY_MS, 4), (10, 21, 2), (0, 3_600_000, 4), (41, 99, 0)]
)
def test_what_is_held_is_counted(tmp_path: Path, start: int, end: int, expected: int) -> None:
    one = day(LocalStore(tmp_path))
    commit(one, batch(entries(1, 2, 3)))
    commit(one, batch(entries(4)))
    assert one.count_between(start, end) == expected


def test_the_manifests_are_a_chain(tmp_path: Path) -> None:
    from mulesoft_audit.ledger.manifest import digest

    one = day(LocalStore(tmp_path))
    commit(one, batch(entries(1)))
    first = (tmp_path / layout.manifest_name(ORG, TODAY)).read_bytes()
    commit(one, batch(entries(2)))
    assert one.manifest.previous == digest(first)
    assert one.manifest.revision == 2
