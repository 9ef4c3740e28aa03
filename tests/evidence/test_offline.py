"""`verify --offline`: each kind of tampering is found, and nothing else is."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest
from tests.evidence.archive import (
    GROUP,
    LAST_DAY,
    NOON,
    ROOT,
    SECOND_DAY,
    edit,
    head,
    keys,
    manifest,
    notes,
    only,
    part,
    problems,
    rewrite_lines,
    verified,
)

from mulesoft_audit.archive import layout
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.archive.store import Held
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.evidence.finding import Kind
from mulesoft_audit.evidence.offline import Offline

FIRST_FORMAT = Path(__file__).parent.parent / "fixtures" / "archive-format-1" / "archive"


def test_an_intact_archive_has_no_findings_and_is_not_written_to(root: Path) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    result = verified(root, deep=True, require_parts=True)
    assert result.findings == []
    assert result.progress.parts == len(list(root.rglob("*.json.gz")))
    assert result.progress.entries == sum(held.entries for held in result.held.values()) == 2 * (3 * 24 + 3)
    assert before == {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_an_archive_of_the_first_format_has_no_findings() -> None:
    assert verified(FIRST_FORMAT, deep=True).findings == []


def test_a_place_without_an_archive_is_an_error_and_not_fine(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="no archive"):
        verified(tmp_path / "nothing")


def test_a_changed_byte_is_found_wherever_it_is(root: Path) -> None:
    path = root / part()
    data = path.read_bytes()
    for index in range(0, len(data), 7):
        path.write_bytes(data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :])
        assert [name for _, name in problems(root)] == [part()], index


def test_a_cut_part_is_found(root: Path) -> None:
    path = root / part()
    path.write_bytes(path.read_bytes()[:-30])
    assert problems(root) == [("damaged", part())]


def test_an_entry_changed_is_found(root: Path) -> None:
    rewrite_lines(root / part(), lambda lines: [lines[0].replace(b'"CoreServices"', b'"Forged"'), *lines[1:]])
    assert problems(root) == [("altered", part())]


def test_an_entry_removed_is_found(root: Path) -> None:
    rewrite_lines(root / part(), lambda lines: lines[1:])
    assert problems(root) == [("altered", part())]


def test_a_part_replaced_by_a_valid_other_one_is_found(root: Path) -> None:
    shutil.copy(root / part(organization=GROUP), root / part())
    assert problems(root) == [("altered", part())]


def test_parts_swapped_are_found(root: Path) -> None:
    first, second = (root / part(1)).read_bytes(), (root / part(2)).read_bytes()
    (root / part(1)).write_bytes(second)
    (root / part(2)).write_bytes(first)
    assert problems(root) == [("altered", part(1)), ("altered", part(2))]


def test_a_part_removed_is_taken_for_transferred_unless_parts_are_required(root: Path) -> None:
    (root / part()).unlink()
    assert problems(root) == []
    assert notes(root) == [("transferred", part())]
    assert problems(root, require_parts=True) == [("missing", part())]


def test_a_part_removed_with_its_keys_is_missing(root: Path) -> None:
    (root / part()).unlink()
    (root / keys()).unlink()
    assert problems(root) == [("missing", part()), ("missing", keys())]


def test_keys_removed_or_altered_are_found(root: Path) -> None:
    path = root / keys()
    data = path.read_bytes()
    path.unlink()
    assert problems(root) == [("missing", keys())]
    path.write_bytes(data[:5] + b"x" + data[6:])
    assert problems(root) == [("altered", keys())]
    path.write_bytes(data[:-1])
    assert problems(root) == [("altered", keys())]


def test_a_manifest_removed_is_found_by_its_path(root: Path) -> None:
    (root / manifest()).unlink()
    found = only(verified(root).problems)
    assert (found.kind, found.path) == (Kind.MISSING, manifest())
    assert (found.organization, found.name, found.day) == (ROOT, "Root", LAST_DAY.isoformat())
    assert found.repair


def test_a_day_removed_is_found_as_long_as_the_head_knows_it(root: Path) -> None:
    name = layout.manifest_name(ROOT, SECOND_DAY)
    shutil.rmtree(root / layout.parts_of(ROOT, SECOND_DAY))
    shutil.rmtree(root / name.replace(".manifest.json", ".keys"))
    (root / name).unlink()
    assert problems(root) == [("missing", name)]


@pytest.mark.parametrize("field", ["hours", "source", "since", "revision", "day", "organization", "oversize"])
def test_a_manifest_edited_is_found_whatever_is_edited(root: Path, field: str) -> None:
    document = json.loads((root / manifest()).read_bytes())
    values = {
        "hours": [1] * 24,
        "source": 4711,
        "since": NOON - 100 * 86_400_000,
        "revision": document["revision"] - 1,
        "day": "2020-01-01",
        "organization": GROUP,
        "oversize": [{"name": "state/oversize/x", "size": 1, "key": ""}],
    }
    edit(root / manifest(), **{field: values[field]})
    assert problems(root)


@pytest.mark.parametrize("field", ["sha256", "size", "entries", "inflated", "first", "last", "keys_sha256", "number"])
def test_a_part_described_otherwise_in_its_manifest_is_found(root: Path, field: str) -> None:
    document = json.loads((root / manifest()).read_bytes())
    value = document["parts"][0].get(field)
    document["parts"][0][field] = "0" * 64 if isinstance(value, str) else value + 7
    edit(root / manifest(), parts=document["parts"])
    assert problems(root)


def test_a_part_taken_out_of_its_manifest_is_found(root: Path) -> None:
    edit(root / manifest(), parts=json.loads((root / manifest()).read_bytes())["parts"][1:])
    assert ("altered", manifest()) in problems(root)


def test_a_manifest_of_an_earlier_revision_is_found(root: Path) -> None:
    document = json.loads((root / manifest()).read_bytes())
    edit(root / manifest(), revision=document["revision"] - 1, parts=document["parts"][:1], hours=[], source=12)
    assert ("rolled back", manifest()) in problems(root)


def test_a_promise_that_was_shortened_is_found(root: Path) -> None:
    edit(root / head(), since=NOON)
    registry = json.loads((root / layout.ORGANIZATIONS).read_bytes())
    registry["organizations"][ROOT]["since"] = NOON
    edit(root / layout.ORGANIZATIONS, **registry)
    assert problems(root) == [("rolled back", layout.ORGANIZATIONS)]


def test_a_forged_part_is_found(root: Path) -> None:
    (root / part(3)).write_bytes(gzip.compress(b'{"timestamp": 1, "action": "Forged"}\n'))
    assert problems(root) == [("unknown", part(3))]


def test_a_copy_of_a_part_is_found_with_and_without_a_copy_of_its_keys(root: Path) -> None:
    shutil.copy(root / part(1), root / part(3))
    assert problems(root) == [("unknown", part(3))]
    shutil.copy(root / keys(1), root / keys(3))
    assert problems(root) == [("unknown", part(3))]


def test_a_part_in_a_day_of_its_own_is_found(root: Path) -> None:
    name = layout.part_name(ROOT, layout.day_of(NOON - 100 * 86_400_000), 1)
    (root / name).parent.mkdir(parents=True)
    shutil.copy(root / part(), root / name)
    assert problems(root) == [("unknown", name)]


@pytest.mark.parametrize(
    "name",
    [
        "audit/notes.txt",
        f"audit/{ROOT}/2026/10/01/mulesoft-audit-1.json.gz",
        f"audit/{ROOT}/2026/10/01/mulesoft-audit-0000001.json.gz",
        f"audit/{ROOT}/2026/13/01/mulesoft-audit-000001.json.gz",
        f"audit/{ROOT}/2026/10/01/other.json.gz",
        f"state/{ROOT}/2026/10/01.manifest.json.bak",
        "state/other.json",
        "state/oversize/x.json.gz",
    ],
)
def test_names_that_do_not_belong_are_found(root: Path, name: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(b"x")
    assert problems(root) == [("misplaced", name)]


def test_what_a_killed_run_left_is_unfinished_and_not_forged(root: Path) -> None:
    """A claim without a part; and a part with its claim that no manifest names yet."""
    lines = gzip.compress(b'{"timestamp": %d, "action": "New"}\n' % (NOON + 1), mtime=0)
    store = LocalStore(root)
    from mulesoft_audit.ledger.parts import derive_keys

    sealed = derive_keys(lines, "new", layout.day_start(LAST_DAY))
    store.create(keys(3), sealed.keys.data)
    assert problems(root) == []
    assert notes(root) == [("unfinished", keys(3))]
    store.create(part(3), lines)
    assert problems(root) == []
    assert notes(root) == [("unfinished", part(3))]


def test_damaged_heads_and_registry_are_found_and_a_lost_head_is_made_by_the_next_run(root: Path) -> None:
    (root / head()).unlink()
    (root / head(GROUP)).write_bytes(b"{")
    (root / layout.ORGANIZATIONS).write_bytes(b"[1]")
    assert problems(root) == [("damaged", head(GROUP)), ("damaged", layout.ORGANIZATIONS)]
    assert notes(root) == [("unfinished", head())]
    (root / layout.ORGANIZATIONS).unlink()
    assert ("missing", layout.ORGANIZATIONS) in problems(root)


def test_an_organization_taken_out_of_the_registry_is_found(root: Path) -> None:
    registry = json.loads((root / layout.ORGANIZATIONS).read_bytes())
    del registry["organizations"][GROUP]
    edit(root / layout.ORGANIZATIONS, **registry)
    assert problems(root) == [("gap", layout.ORGANIZATIONS)]


def test_an_organization_that_a_run_enters_meanwhile_is_no_finding(root: Path) -> None:
    class Earlier(LocalStore):
        read_before = False

        def read(self, name: str) -> Held | None:
            held = super().read(name)
            if name == layout.ORGANIZATIONS and held and not self.read_before:
                self.read_before = True
                registry = json.loads(held.data)
                del registry["organizations"][GROUP]
                return Held(json.dumps(registry).encode(), 1)
            return held

    assert Offline(Earlier(root)).run().findings == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"organization": 1}', b'{"parts": [{}]}', b"null"])
def test_a_damaged_manifest_is_found_and_stops_nothing(root: Path, data: bytes) -> None:
    (root / manifest()).write_bytes(data)
    assert problems(root) == [("damaged", manifest())]


def test_measuring_on_several_cores_finds_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mulesoft_audit.evidence import workers

    monkeypatch.setattr(workers, "FEW", 0)
    assert problems(root, cores=2) == []
    rewrite_lines(root / part(2), lambda lines: lines[1:])
    assert problems(root, cores=2) == [("altered", part(2))]


def test_a_part_that_was_made_to_fill_the_memory_is_damaged(root: Path) -> None:
    (root / part()).write_bytes(gzip.compress(b"x" * (200 << 20), 1))
    found = only(verified(root).problems)
    assert (found.kind, found.found) == (Kind.DAMAGED, "a line of it has no end")


def test_a_part_of_more_lines_than_memory_has_room_for_is_damaged(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mulesoft_audit.archive import part as parts

    monkeypatch.setattr(parts, "MOST_LINES", 1000)
    (root / part()).write_bytes(gzip.compress(b"\n" * 5000, 1))
    found = only(verified(root).problems)
    assert (found.kind, found.found) == (Kind.DAMAGED, "it has more than 1,000 lines")


def test_a_file_that_is_larger_than_any_part_is_damaged_and_not_read(root: Path) -> None:
    with (root / part()).open("r+b") as file:
        file.truncate(100 << 30)  # a hole: it takes no room
    assert problems(root) == [("damaged", part())]


@pytest.mark.parametrize("name", [part(), manifest(), keys(), head()])
def test_what_is_no_file_of_the_archives_own_is_found_and_not_followed(root: Path, tmp_path: Path, name: str) -> None:
    """A link could lead to what is nobody's business; a pipe never ends."""
    (root / name).rename(tmp_path / "elsewhere")
    for make in (
        lambda: (root / name).symlink_to(tmp_path / "elsewhere"),
        lambda: (root / name).symlink_to(tmp_path / "nowhere"),
        lambda: os.mkfifo(root / name),
    ):
        make()
        assert name in [path for _, path in problems(root)]
        (root / name).unlink()


def test_a_link_in_place_of_a_folder_is_found(root: Path, tmp_path: Path) -> None:
    folder = layout.parts_of(ROOT, SECOND_DAY).rstrip("/")
    (root / folder).rename(tmp_path / "elsewhere")
    (root / folder).symlink_to(tmp_path / "elsewhere")
    assert problems(root) == [("misplaced", folder)]


def test_a_name_in_other_digits_hides_no_object(root: Path) -> None:
    name = manifest().replace(f"{LAST_DAY.year}", "".join(chr(0xFF10 + int(digit)) for digit in str(LAST_DAY.year)))
    assert name != manifest()
    (root / name).parent.mkdir(parents=True)
    (root / name).write_bytes(b"x")
    assert problems(root) == [("misplaced", name)]


def test_a_worker_that_is_killed_costs_nothing_but_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mulesoft_audit.evidence import workers

    monkeypatch.setattr(workers, "FEW", 0)
    measuring = workers.Measuring(2)
    data = (root / part()).read_bytes()
    try:
        before = measuring(data, None, 0, deep=True)
        for process in measuring.processes.running:
            process.kill()
            process.join()
        assert [measuring(data, None, 0, deep=True) for _ in range(5)] == [before] * 5
    finally:
        measuring.close()
