"""`repair`: after it the archive is clean, equals the source again, or says why not; wherever it is interrupted."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from tests.archives import lines
from tests.collect.hourly import assert_exact
from tests.collect.in_process import run_at
from tests.evidence.archive import (
    DAY,
    GROUP,
    NOON,
    ROOT,
    SECOND_DAY,
    compared,
    edit,
    forget,
    head,
    keys,
    manifest,
    notes,
    only,
    opened,
    part,
    problems,
    rewrite_lines,
    verified,
)

from mulesoft_audit.archive import layout
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.evidence.repair import Repair
from mulesoft_audit.evidence.verification import Scope, Verification, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.plain_source import PlainSource

AT = NOON + DAY // 12
MANIFEST_OF_SECOND = layout.manifest_name(ROOT, SECOND_DAY)


def repaired(source: PlainSource, root: Path, store: LocalStore | None = None, **scope: Any) -> Verification:
    """Verify against the source, repair, and verify again."""
    store = store or LocalStore(root)
    asked = Scope(**scope)
    with opened(source, AT) as (query, pacer, whose):
        found = verify(store, asked, source=(query, pacer, whose), now=AT)
        Repair(store, found, require_parts=asked.require_parts, query=query, root=whose.root, now=AT).run()
        return verify(LocalStore(root), asked, source=(query, pacer, whose), now=AT)


def offline(root: Path, **asked: Any) -> Verification:
    store = LocalStore(root)
    scope = Scope(offline=True, **asked)
    Repair(store, verify(store, scope), require_parts=scope.require_parts, now=AT).run()
    return verify(store, scope)


def change_byte(root: Path) -> None:
    data = (root / part()).read_bytes()
    (root / part()).write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])


def remove_entry(root: Path) -> None:
    rewrite_lines(root / part(), lambda found: found[1:])


def swap(root: Path) -> None:
    first, second = (root / part(1)).read_bytes(), (root / part(2)).read_bytes()
    (root / part(1)).write_bytes(second)
    (root / part(2)).write_bytes(first)


def remove(*names: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        for name in names:
            (root / name).unlink()

    return change


def forge(root: Path) -> None:
    (root / part(3)).write_bytes(gzip.compress(b'{"timestamp": 1, "action": "Forged"}\n'))


def copy_with_keys(root: Path) -> None:
    shutil.copy(root / part(1), root / part(3))
    shutil.copy(root / keys(1), root / keys(3))


def damage_manifest(root: Path) -> None:
    (root / manifest()).write_bytes(b"{")


def roll_back_manifest(root: Path) -> None:
    document = json.loads((root / manifest()).read_bytes())
    edit(root / manifest(), revision=document["revision"] - 1, parts=document["parts"][:1], hours=[], source=12)


def edit_digest(root: Path) -> None:
    document = json.loads((root / manifest()).read_bytes())
    document["parts"][0]["sha256"] = "0" * 64
    edit(root / manifest(), parts=document["parts"])


def edit_hours(root: Path) -> None:
    edit(root / manifest(), hours=[1] * 24)


def recompress(root: Path) -> None:
    rewrite_lines(root / part(), lambda found: found)


def recompress_and_lose_keys(root: Path) -> None:
    recompress(root)
    (root / keys()).unlink()


def alter_keys(root: Path) -> None:
    data = (root / keys()).read_bytes()
    (root / keys()).write_bytes(data[:5] + b"x" + data[6:])


def cut_head(root: Path) -> None:
    (root / head()).write_bytes((root / head()).read_bytes()[:20])


def damage_registry(root: Path) -> None:
    (root / layout.ORGANIZATIONS).write_bytes(b"[")


def forget_organization(root: Path) -> None:
    shutil.rmtree(root / "audit" / GROUP)
    shutil.rmtree(root / "state" / GROUP)
    registry = json.loads((root / layout.ORGANIZATIONS).read_bytes())
    del registry["organizations"][GROUP]
    edit(root / layout.ORGANIZATIONS, **registry)


def lose_second_day(root: Path) -> None:
    shutil.rmtree(root / layout.parts_of(ROOT, SECOND_DAY))
    shutil.rmtree(root / MANIFEST_OF_SECOND.replace(".manifest.json", ".keys"))
    (root / MANIFEST_OF_SECOND).unlink()


def add_stranger(root: Path) -> None:
    (root / "audit/notes.txt").write_bytes(b"x")


TAMPERING: dict[str, Callable[[Path], None]] = {
    "a changed byte": change_byte,
    "an entry removed": remove_entry,
    "parts swapped": swap,
    "a part and its keys removed": remove(part(), keys()),
    "keys removed": remove(keys()),
    "keys altered": alter_keys,
    "a manifest removed": remove(manifest()),
    "a manifest and keys removed": remove(manifest(), keys(1), keys(2)),
    "a manifest damaged": damage_manifest,
    "a manifest rolled back": roll_back_manifest,
    "a digest edited": edit_digest,
    "hours edited": edit_hours,
    "a part compressed anew": recompress,
    "a part compressed anew without keys": recompress_and_lose_keys,
    "a forged part": forge,
    "a copy of a part with keys": copy_with_keys,
    "a head cut": cut_head,
    "the registry removed": remove(layout.ORGANIZATIONS),
    "the registry damaged": damage_registry,
    "a day lost": lose_second_day,
    "a day forgotten": lambda root: forget(root, ROOT, SECOND_DAY),
    "an organization forgotten": forget_organization,
    "a stranger": add_stranger,
}


@pytest.mark.parametrize("what", TAMPERING)
def test_what_is_tampered_with_is_repaired_from_archive_and_source(served: PlainSource, root: Path, what: str) -> None:
    TAMPERING[what](root)
    assert compared(served, root).problems
    assert repaired(served, root).problems == []
    assert compared(served, root, deep=True).problems == []
    assert_exact(served, root)
    assert run_at(served, root, AT + 1).complete
    assert_exact(served, root)
    assert compared(served, root, deep=True).problems == []


@pytest.mark.parametrize("what", TAMPERING)
def test_an_interrupted_repair_is_finished_by_the_next(served: PlainSource, root: Path, what: str) -> None:
    """Killed before each of its writes in turn."""
    TAMPERING[what](root)
    for writes in count():
        store = Dying(root, writes)
        try:
            repaired(served, root, store)
        except Killed:
            continue
        finally:
            store.close()
        break
    assert compared(served, root, deep=True).problems == []
    assert_exact(served, root)


class Killed(BaseException):
    """What ends the process."""


class Dying(LocalStore):
    """A store whose process ends before some write; which of each kind is counted anew for each store."""

    def __init__(self, root: Path, writes: int) -> None:
        super().__init__(root)
        self._left = writes

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed

    def alone(self) -> bool:
        return True

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> int:
        self._spend()
        return super().create(name, data, metadata)

    def replace(self, name: str, data: bytes, generation: int) -> int:
        self._spend()
        return super().replace(name, data, generation)

    def remove(self, name: str, generation: int) -> None:
        self._spend()
        super().remove(name, generation)


def test_a_damaged_part_is_set_aside_and_nothing_under_audit_is_overwritten(served: PlainSource, root: Path) -> None:
    change_byte(root)
    damaged = (root / part()).read_bytes()
    found = repaired(served, root)
    assert not (root / part()).exists()
    assert [path.read_bytes() for path in root.glob(f"state/quarantine/{part()}.*")] == [damaged]
    assert (root / part(3)).exists()
    assert [(one.kind.value, one.path) for one in found.notes] == [("set aside", part())]


def test_parts_that_a_feed_removed_are_fetched_again_if_they_are_required(served: PlainSource, root: Path) -> None:
    for path in root.rglob("*.json.gz"):
        path.unlink()
    assert repaired(served, root).problems == []
    assert lines(root) == Counter()
    assert repaired(served, root, require_parts=True).problems == []
    assert_exact(served, root)


def test_offline_what_the_parts_tell_is_repaired_and_the_rest_is_said(root: Path) -> None:
    (root / keys()).unlink()
    (root / manifest(GROUP)).unlink()
    lose_second_day(root)
    (root / part(2)).unlink()
    (root / keys(2)).unlink()
    found = offline(root)
    assert [(one.kind.value, one.path) for one in found.problems] == [
        ("missing", part(2)),
        ("missing", keys(2)),
        ("missing", MANIFEST_OF_SECOND),
    ]
    steps = Repair(LocalStore(root), found).plan()
    assert all(not step.possible and "--offline" in step.text for step in steps)


def test_what_a_damaged_part_still_has_is_kept_where_the_source_is_not_asked(served: PlainSource, root: Path) -> None:
    rewrite_lines(root / part(), lambda found: [*found[1:], b'{"timestamp": 1, "action": "Forged"}'])
    found = offline(root)
    assert found.problems == []
    assert ("set aside", part()) in notes(root)
    kept = lines(root, ROOT)
    assert kept.total() == served.truth(ROOT).total() - 1
    assert not kept - served.truth(ROOT)
    assert compared(served, root).problems, "the source has one more"
    assert repaired(served, root).problems == []
    assert_exact(served, root)


def test_a_manifest_is_made_again_though_a_feed_removed_the_parts(served: PlainSource, root: Path) -> None:
    (root / part(1)).unlink()
    (root / manifest()).unlink()
    assert offline(root).problems == []
    assert verified(root).held[ROOT].entries == 75
    assert run_at(served, root, AT + 1).written == 0


def test_an_intact_archive_is_not_touched(served: PlainSource, root: Path) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert repaired(served, root).findings == []
    assert before == {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_source_that_refuses_an_organization_keeps_no_other_from_being_repaired(
    served: PlainSource, root: Path
) -> None:
    for organization in (ROOT, GROUP):
        data = (root / part(1, organization)).read_bytes()
        (root / part(1, organization)).write_bytes(data[:-9])
    served.refused.add(GROUP)
    try:
        found = repaired(served, root)
        assert [one.organization for one in found.problems] == []
        assert lines(root, ROOT) == served.truth(ROOT)
    finally:
        served.refused.discard(GROUP)
    assert repaired(served, root).problems == []
    assert_exact(served, root)


def test_a_day_that_a_run_writes_meanwhile_is_looked_at_again(served: PlainSource, root: Path) -> None:
    class Racing(LocalStore):
        raced = False

        def replace(self, name: str, data: bytes, generation: int) -> int:
            if name == manifest() and not self.raced:
                self.raced = True
                document = json.loads((root / name).read_bytes())
                edit(root / name, revision=document["revision"] + 1)
            return super().replace(name, data, generation)

    change_byte(root)
    assert repaired(served, root, Racing(root)).problems == []
    assert_exact(served, root)


def test_a_bucket_that_forbids_removal_is_said_and_a_later_try_goes_on(served: PlainSource, root: Path) -> None:
    class Forbidding(LocalStore):
        def remove(self, name: str, generation: int) -> None:
            raise ArchiveError(f"{name} may not be removed.")

    change_byte(root)
    with pytest.raises(ArchiveError, match="may not be removed"):
        repaired(served, root, Forbidding(root))
    assert only([one for one in verified(root).problems if one.path == part()]).kind.value == "unknown"
    assert repaired(served, root).problems == []
    assert problems(root) == []
    assert_exact(served, root)


def test_where_the_source_is_not_asked_parts_without_manifest_and_keys_are_kept(root: Path) -> None:
    before = lines(root)
    remove(manifest(), keys(1), keys(2))(root)
    assert offline(root).problems == []
    assert lines(root) == before


def test_repair_copies_nothing_that_a_link_leads_to(served: PlainSource, root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"somebody else's")
    (root / part(3)).symlink_to(tmp_path / "secret")
    (root / "audit/x").symlink_to(tmp_path / "secret")
    assert repaired(served, root).problems == []
    assert not (root / part(3)).is_symlink()
    assert (tmp_path / "secret").read_bytes() == b"somebody else's"
    assert all(b"somebody" not in path.read_bytes() for path in root.rglob("*") if path.is_file())
