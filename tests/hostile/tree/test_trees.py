"""Trees that are malformed, or forget a group that the archive holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.hostile.behaviours import after, refused
from tests.hostile.running import QUICK, assert_done, assert_exact, collect
from tests.hostile_source import DAY, GROUP, HOUR, MINUTE, OTHER, ROOT, HostileSource, now, plain_tree, serving

if TYPE_CHECKING:
    from pathlib import Path


def node(identity: object, *below: object, **more: object) -> dict[str, Any]:
    return {"id": identity, "name": "n", "subOrganizations": list(below), **more}


MALFORMED = {
    "null beside ids": node(ROOT) | {"subOrganizations": None, "subOrganizationIds": [GROUP]},
    "an object": node(ROOT) | {"subOrganizations": {"0": node(GROUP)}},
    "strings": node(ROOT, GROUP),
    "empty beside ids": node(ROOT, subOrganizationIds=[GROUP]),
    "absent beside ids": {"id": ROOT, "name": "n", "subOrganizationIds": [GROUP]},
    "a number": node(ROOT) | {"subOrganizations": 3},
    "a group without an id": node(ROOT, {"name": "n", "subOrganizations": []}),
    "a null among groups": node(ROOT, None),
    "another root": node(OTHER),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_held_group_is_read_though_the_tree_is_malformed(source: HostileSource, tmp_path: Path, name: str) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.tree = MALFORMED[name]
    source.add(GROUP, now() - MINUTE, seed="new")
    source.add(ROOT, now() - MINUTE, seed="new")
    run = collect(source, tmp_path, **QUICK)
    if run.code in {0, 4, 5} and run.summary:
        assert_exact(source, tmp_path)
    else:
        assert run.code in {2, 5}, "either everything is read, or the tree is refused as a whole"
        assert run.errors


@pytest.mark.parametrize("name", ["null beside ids", "an object", "strings", "empty beside ids", "a null among groups"])
def test_a_first_run_with_a_malformed_tree_never_says_it_is_complete_without_the_group(
    source: HostileSource, tmp_path: Path, name: str
) -> None:
    source.tree = MALFORMED[name]
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    if name == "a null among groups":
        assert run.code or not run.complete
    elif run.complete:
        assert_exact(source, tmp_path)


@pytest.mark.parametrize("tree", [b"[]", b"null", b"not json", b'{"id":3}', b"{}", b"[" * 9_000, b'{"id":"a/../b"}'])
def test_a_tree_that_is_none_is_said_without_a_traceback(source: HostileSource, tmp_path: Path, tree: bytes) -> None:
    source.tree = tree
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code in {2, 5}
    assert run.errors


def test_a_tree_nested_in_circles_or_too_deep_is_said(source: HostileSource, tmp_path: Path) -> None:
    tree = node(GROUP)
    for number in range(200):
        tree = node(f"{number:08d}-0000-4000-8000-000000000000", tree)
    source.tree = node(ROOT, tree)
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code in {2, 4, 5}


def test_a_group_that_the_tree_names_twice_is_collected_once(source: HostileSource, tmp_path: Path) -> None:
    source.tree = node(ROOT, node(GROUP, node(GROUP)), node(GROUP), node(ROOT))
    assert_done(collect(source, tmp_path, "--since", "5d"), 360)
    assert_exact(source, tmp_path)


def test_a_held_group_that_the_tree_no_longer_names_is_read_all_the_same(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.tree = node(ROOT)
    source.add(GROUP, now() - MINUTE, now() - 3 * DAY, seed="new")
    run = collect(source, tmp_path)
    assert run.code == 0, run.err
    assert run.of(GROUP)["new_entries"] == 2
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("status", [403, 404])
def test_a_held_group_that_left_the_tree_and_is_refused_is_named_with_status_4(
    source: HostileSource, tmp_path: Path, status: int
) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.tree = node(ROOT)
    source.respond = refused(GROUP, status)
    source.add(ROOT, now() - MINUTE, seed="new")
    run = collect(source, tmp_path)
    assert run.code == 4
    assert not run.complete
    assert GROUP in run.said
    assert "Group" in run.said, "its name is remembered"
    assert run.new == 1
    assert_exact(source, tmp_path, of=ROOT)


def test_a_group_that_responds_404_in_the_middle_of_a_run_keeps_what_was_read_and_is_said_truly(
    tmp_path: Path, source: HostileSource
) -> None:
    source.spread(GROUP, 5_000, now() - 3 * DAY, now() - HOUR, seed="more")
    gone = refused(GROUP, 404)
    source.respond = after(12, gone)
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code in {4, 5}
    assert "othing was sent" not in run.err
    assert GROUP in run.said
    assert_exact(source, tmp_path, of=ROOT)


def test_a_refused_hierarchy_does_not_forget_the_groups_that_are_held(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.tree_status = 403
    source.add(GROUP, now() - MINUTE, seed="new")
    run = collect(source, tmp_path)
    assert run.code == 4
    assert not run.complete
    assert_exact(source, tmp_path)


def test_a_refused_root_keeps_no_group_away(source: HostileSource, tmp_path: Path) -> None:
    source.respond = refused(ROOT)
    run = collect(source, tmp_path, "--since", "5d")
    assert run.code == 4
    assert ROOT in run.said
    assert_exact(source, tmp_path, of=GROUP)


def test_a_new_group_is_collected_from_where_the_archive_begins(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.spread(OTHER, 40, now() - 4 * DAY, now() - HOUR)
    assert_done(collect(source, tmp_path), 40)
    assert_exact(source, tmp_path)


def test_another_root_is_refused_and_writes_nothing(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    stranger = HostileSource({OTHER: []}, root=OTHER)
    stranger.spread(OTHER, 30, now() - DAY, now() - HOUR)
    with serving(stranger):
        for arguments in ((), ("--since", "2d")):
            run = collect(stranger, tmp_path, *arguments)
            assert run.code == 2
            assert ROOT in run.said
            assert OTHER in run.said
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert_done(collect(source, tmp_path), 0)


def test_a_name_that_is_no_name_does_no_harm(source: HostileSource, tmp_path: Path) -> None:
    source.tree = plain_tree(source)
    source.tree["subOrganizations"][0]["name"] = "\x1b[31m\n\u202e" + "x" * 9_000
    source.respond = refused(GROUP)
    run = collect(source, tmp_path, "--since", "5d")
    assert run.code == 4
    assert "\x1b" not in run.err + run.out
    assert_exact(source, tmp_path, of=ROOT)
