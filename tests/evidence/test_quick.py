"""The cheap look of `doctor`: what is missing or of a wrong size, without reading a part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.evidence.archive import ROOT, SECOND_DAY, head, keys, manifest, part
from tests.evidence.test_repair import lose_second_day

from mulesoft_audit.archive import layout
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.doctor.archive import Archive
from mulesoft_audit.doctor.finding import State
from mulesoft_audit.errors import FINDINGS
from mulesoft_audit.evidence.quick import quick_look

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mulesoft_audit.archive.store import Held


class Counting(LocalStore):
    """A store that notes what is read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.names: list[str] = []

    def read(self, name: str) -> Held | None:
        self.names.append(name)
        return super().read(name)


def test_an_intact_archive_is_in_order_and_no_part_is_read(root: Path) -> None:
    store = Counting(root)
    assert quick_look(store) == []
    assert not [name for name in store.names if name.endswith((".gz", ".bin"))]


def cut(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / name).write_bytes((root / name).read_bytes()[:-24])

    return change


def gone(*names: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        for name in names:
            (root / name).unlink()

    return change


@pytest.mark.parametrize(
    ("tamper", "kind", "path"),
    [
        (cut(part()), "altered", part()),
        (cut(keys()), "altered", keys()),
        (gone(part(), keys()), "missing", part()),
        (gone(manifest()), "missing", manifest()),
        (lose_second_day, "missing", layout.manifest_name(ROOT, SECOND_DAY)),
        (lambda root: (root / part(3)).write_bytes(b"x"), "unknown", part(3)),
    ],
)
def test_what_is_missing_or_of_a_wrong_size_is_found(
    root: Path, tamper: Callable[[Path], object], kind: str, path: str
) -> None:
    tamper(root)
    assert (kind, path) in [(one.kind.value, one.path) for one in quick_look(LocalStore(root))]


def test_a_part_that_a_feed_removed_is_in_order(root: Path) -> None:
    (root / part()).unlink()
    assert quick_look(LocalStore(root)) == []


def test_doctor_says_it_with_status_8(root: Path) -> None:
    look = Archive(str(root), list, lambda: 0, lambda: 0)
    assert look.check_objects().state is State.OK
    (root / part()).write_bytes(b"x")
    found = look.check_objects()
    assert (found.state, found.exit_code) == (State.FAIL, FINDINGS)
    assert part() in found.detail
    (root / head()).unlink()
    assert look.check_objects().exit_code == FINDINGS
