"""`verify` against the source: what the archive alone cannot know."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.collect.archive_of import batches
from tests.evidence.archive import (
    DAY,
    GROUP,
    LAST_DAY,
    NOON,
    ROOT,
    SECOND_DAY,
    START,
    compared,
    differing,
    edit,
    entry,
    filled,
    forget,
    head,
    keys,
    manifest,
    only,
    part,
    verified,
)
from tests.evidence.runs import run_on
from tests.plain_source import PlainSource, serving

from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.archive import layout
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.evidence.finding import Kind
from mulesoft_audit.ledger import commit as ledger
from mulesoft_audit.ledger.day import Day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def commit(root: Path, lines: list[bytes]) -> None:
    """Bring entries into the archive as a run would: with part, keys and manifest that all agree."""
    for batch in batches(lines):
        ledger.commit(Day(LocalStore(root), ROOT, batch.day), batch)


def forged(stamp: int) -> bytes:
    return b'{"timestamp": %d, "action": "Forged", "platform": "X"}' % stamp


def test_an_intact_archive_costs_one_request_an_organization(served: PlainSource, root: Path) -> None:
    before = served.counts["queries"]
    found = compared(served, root)
    assert found.findings == []
    assert served.counts["queries"] - before == 2
    assert [one.total for one in found.compared or []] == [75, 75]


def test_every_day_and_every_key_of_an_intact_archive_agree(served: PlainSource, root: Path) -> None:
    assert compared(served, root, by_day=True).findings == []
    assert compared(served, root, deep=True).findings == []


def test_a_day_removed_with_everything_that_knew_of_it_is_found_by_the_path_of_its_manifest(
    served: PlainSource, root: Path
) -> None:
    forget(root, ROOT, SECOND_DAY)
    assert verified(root).problems == []
    found = only(compared(served, root).problems)
    assert (found.kind, found.path) == (Kind.MISSING, layout.manifest_name(ROOT, SECOND_DAY))
    assert (found.organization, found.name, found.day) == (ROOT, "Root", SECOND_DAY.isoformat())
    assert "24 entries" in found.expected
    assert "repair" in found.repair


def test_a_part_removed_with_everything_that_knew_of_it_is_found(served: PlainSource, root: Path) -> None:
    (root / part(2)).unlink()
    (root / keys(2)).unlink()
    document = json.loads((root / manifest()).read_bytes())
    first = document["parts"][0]
    edit(root / manifest(), parts=[first], source=None, hours=[1] * 12 + [0] * 12)
    document = json.loads((root / head()).read_bytes())
    document["days"][LAST_DAY.isoformat()] = [2, 1, 12, 12]
    edit(root / head(), **document)
    edit(root / manifest(), revision=3)
    assert verified(root).problems == []
    assert differing(served, root) == [("differs", manifest())]
    assert differing(served, root, deep=True) == [("differs", manifest()), ("differs", manifest())]


def test_an_organization_removed_with_everything_that_knew_of_it_is_found(served: PlainSource, root: Path) -> None:
    shutil.rmtree(root / "audit" / GROUP)
    shutil.rmtree(root / "state" / GROUP)
    registry = json.loads((root / layout.ORGANIZATIONS).read_bytes())
    del registry["organizations"][GROUP]
    edit(root / layout.ORGANIZATIONS, **registry)
    assert verified(root).problems == []
    found = differing(served, root)
    assert {kind for kind, _ in found} == {"missing"}
    assert all(path.startswith(f"state/{GROUP}/") for _, path in found)


def test_entries_added_with_everything_consistent_are_found(served: PlainSource, root: Path) -> None:
    commit(root, [forged(NOON - DAY + 1), forged(NOON - DAY + 2)])
    assert verified(root).problems == []
    name = layout.manifest_name(ROOT, layout.day_of(NOON - DAY))
    assert differing(served, root) == [("differs", name)]
    assert differing(served, root, deep=True) == [("differs", name), ("differs", name)]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[PlainSource, Path]]:
    """A source to change, and its archive."""
    with serving(PlainSource()) as source:
        yield source, filled(source, tmp_path / "archive")


def test_as_many_entries_added_as_are_missing_are_found_by_day_or_by_key(own: tuple[PlainSource, Path]) -> None:
    """One more on one day and one fewer on another balance as a whole; on one day, only keys tell."""
    source, root = own
    source.add(ROOT, START + 1, forged(START + 1))
    commit(root, [forged(NOON - DAY + 1)])
    assert differing(source, root) == []
    first, later = (layout.manifest_name(ROOT, layout.day_of(at)) for at in (START, NOON - DAY))
    assert differing(source, root, by_day=True) == [("differs", first), ("differs", later)]
    assert differing(source, root, deep=True) == [("differs", first), ("differs", later)]


def test_what_came_after_the_last_run_is_no_finding(own: tuple[PlainSource, Path]) -> None:
    source, root = own
    later = NOON + DAY // 24 + 60_000
    source.add(ROOT, later, forged(later))
    assert compared(source, root, deep=True).findings == []


@pytest.mark.parametrize("said", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2150-01-01T00:00:00Z", "x", None, 5])
def test_what_the_last_run_says_of_its_time_may_be_nonsense(root: Path, served: PlainSource, said: object) -> None:
    document = json.loads((root / layout.LAST_RUN).read_bytes())
    for one in document["organizations"].values():
        one["verified_at"] = said
    edit(root / layout.LAST_RUN, **document)
    assert compared(served, root).problems == []


def test_an_entry_that_arrived_late_is_said_with_what_brings_it(own: tuple[PlainSource, Path]) -> None:
    source, root = own
    source.add(ROOT, START + 1, forged(START + 1))
    found = only(compared(source, root).problems)
    assert (found.kind, found.day) == (Kind.DIFFERS, layout.day_of(START).isoformat())
    assert "13 entries" in found.expected
    assert iso(START + 1) in compared(source, root, deep=True).problems[-1].found


def test_what_the_source_keeps_no_more_is_beyond_retention_and_never_missing(own: tuple[PlainSource, Path]) -> None:
    source, root = own
    for organization, log in source.logs.items():
        source.logs[organization] = [item for item in log if item[0] >= NOON - DAY]
    found = compared(source, root, NOON + DAY // 12)
    assert found.problems == []
    assert [(one.kind, one.organization) for one in found.notes] == [
        (Kind.BEYOND_RETENTION, ROOT),
        (Kind.BEYOND_RETENTION, GROUP),
    ]


def test_what_a_run_noted_as_deleted_is_told_and_no_finding(own: tuple[PlainSource, Path]) -> None:
    from tests.collect.in_process import run_at

    source, root = own
    del source.logs[ROOT][30]
    assert [one.kind for one in compared(source, root).problems] == [Kind.DIFFERS]
    run_at(source, root, NOON + DAY // 8)
    at = NOON + DAY // 8 + 1000
    assert compared(source, root, at).findings == []
    assert [one.kind for one in compared(source, root, at, deep=True).findings] == [Kind.DELETED]


def test_an_unfinished_part_is_the_sources_or_forged(own: tuple[PlainSource, Path]) -> None:
    from mulesoft_audit.archive.part import PartWriter
    from mulesoft_audit.ledger.parts import derive_keys

    source, root = own
    store = LocalStore(root)

    def leave(line: bytes) -> None:
        writer = PartWriter()
        writer.add(line + b"\n", 1)
        sealed = derive_keys(writer.finish().data, "new", layout.day_start(LAST_DAY))
        store.create(keys(3), sealed.keys.data)
        store.create(part(3), sealed.part.data)

    leave(forged(NOON + 7))
    assert differing(source, root) == [("unknown", part(3))]
    source.add(ROOT, NOON + 7, forged(NOON + 7))
    kinds = [one.kind for one in compared(source, root).findings]
    assert Kind.UNFINISHED in kinds
    assert Kind.UNKNOWN not in kinds


def test_a_log_that_may_not_be_read_fails_after_the_others_were_compared(own: tuple[PlainSource, Path]) -> None:
    source, root = own
    source.refused.add(GROUP)
    forget(root, ROOT, SECOND_DAY)
    found = compared(source, root)
    assert found.exit_code == 4
    assert [one.path for one in found.problems] == [layout.manifest_name(ROOT, SECOND_DAY)]


def test_totals_that_are_capped_are_compared_stretch_by_stretch(own: tuple[PlainSource, Path]) -> None:
    source, root = own
    source.total_cap = 40
    for organization in (ROOT, GROUP):
        edit(root / head(organization), totals=40)
    assert compared(source, root).problems == []
    forget(root, ROOT, SECOND_DAY)
    assert differing(source, root) == [("missing", layout.manifest_name(ROOT, SECOND_DAY))]


def test_another_roots_archive_is_refused(served: PlainSource, root: Path) -> None:
    from mulesoft_audit.errors import UsageError

    edit(root / layout.ORGANIZATIONS, root=GROUP)
    with pytest.raises(UsageError, match="belongs to the root organization"):
        compared(served, root)


def test_nothing_is_written(served: PlainSource, root: Path) -> None:
    (root / keys()).unlink()
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert differing(served, root, deep=True) == [("missing", keys())]
    assert before == {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_an_entry_of_the_source_is_recognized_though_names_changed(own: tuple[PlainSource, Path]) -> None:
    import random

    source, root = own
    stamp = NOON + 60_000
    source.logs[ROOT] = [item for item in source.logs[ROOT] if item[0] != stamp]
    source.add(ROOT, stamp, entry(stamp, random.Random(ROOT)).replace(b'"n"', b'"other"'))
    assert [one.kind for one in compared(source, root, deep=True).findings] == [Kind.RENAMED]


def test_logs_that_repeat_others_are_verified(tmp_path: Path) -> None:
    with serving(PlainSource(rolls_up=True)) as source:
        root = filled(source, tmp_path / "archive")
        document = json.loads((root / head()).read_bytes())
        assert document["rolls_up"], "else this tests nothing"
        for scope in ({}, {"by_day": True}, {"deep": True}):
            assert compared(source, root, **scope).findings == []
        forget(root, GROUP, SECOND_DAY)
        assert differing(source, root) == [("missing", layout.manifest_name(GROUP, SECOND_DAY))]


def test_where_totals_prove_nothing_that_is_said_and_keys_still_tell(own: tuple[PlainSource, Path]) -> None:
    source, root = own
    for organization in (ROOT, GROUP):
        edit(root / head(organization), totals=-1)
    assert [kind for kind, _ in differing(source, root)] == ["not proved", "not proved"]
    assert differing(source, root, deep=True) == []
    forget(root, ROOT, SECOND_DAY)
    assert differing(source, root, deep=True) == [("missing", layout.manifest_name(ROOT, SECOND_DAY))]


def test_a_run_that_writes_while_totals_are_compared_is_no_finding(own: tuple[PlainSource, Path]) -> None:
    source, root = own
    line = forged(START + 1)
    source.add(ROOT, START + 1, line)
    source.before_query = lambda _: commit(root, [line])
    try:
        assert differing(source, root) == []
    finally:
        source.before_query = None


def test_a_promise_shortened_everywhere_is_told_by_what_is_held_before(root: Path) -> None:
    for path in root.glob("state/**/*.manifest.json"):
        edit(path, since=NOON)
    for organization in (ROOT, GROUP):
        edit(root / head(organization), since=NOON)
    registry = json.loads((root / layout.ORGANIZATIONS).read_bytes())
    for one in registry["organizations"].values():
        one["since"] = NOON
    edit(root / layout.ORGANIZATIONS, **registry)
    assert ("rolled back", layout.ORGANIZATIONS) in [(one.kind.value, one.path) for one in verified(root).problems]


def test_today_is_compared_though_the_source_keeps_nothing_older(tmp_path: Path) -> None:
    """For how long it keeps entries is not known: what it dropped is told by its oldest entry, which is of today."""
    source = PlainSource()
    source.logs = {ROOT: [], GROUP: []}
    stamps = [NOON - days * DAY for days in (4, 3, 2, 1)] + [NOON - 11 * DAY // 24]
    for stamp in stamps:
        source.add(ROOT, stamp, forged(stamp))
    with serving(source):
        first = run_on(source, LocalStore(tmp_path), NOON, NOON - 5 * DAY)
        source.logs[ROOT] = source.logs[ROOT][-1:]
        (tmp_path / "state" / ROOT / "head.json").unlink()  # or the run would read the days before it asks
        second = run_on(source, LocalStore(tmp_path), NOON + 1000, NOON - 5 * DAY)
        assert first
        assert first.complete
        assert second
        assert second.complete
        assert second.organizations[0].due.floor == NOON - DAY // 2
        assert compared(source, tmp_path, NOON + 1000, deep=True).problems == []
        late = NOON - DAY // 2 + 1
        source.add(ROOT, late, forged(late))
        third = run_on(source, LocalStore(tmp_path), NOON + 2000)
        assert third
        assert third.complete
        assert third.written == 1
