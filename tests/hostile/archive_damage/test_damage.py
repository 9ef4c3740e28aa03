"""Objects of the archive that are lost, torn or not the collector's own."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from tests.hostile.running import (
    QUICK,
    assert_done,
    assert_exact,
    collect,
    lines,
    start,
)
from tests.hostile_source import DAY, GROUP, HOUR, MINUTE, ROOT, HostileSource, Query, Response, honest, now

if TYPE_CHECKING:
    from pathlib import Path


def interrupted_backfill(source: HostileSource, archive: Path) -> None:
    """Kill a backfill in its middle: manifests of some days are there, of others not."""

    def slow(of: HostileSource, query: Query) -> Response:
        time.sleep(0.02)
        return honest(of, query)

    source.spread(ROOT, 20_000, now() - 25 * DAY, now() - HOUR, seed="much")
    source.respond = slow
    process = start(source, archive, "--since", "30d")
    for _ in range(500):
        if len(list(archive.glob("state/*/*/*/*.manifest.json"))) >= 2:
            break
        time.sleep(0.01)
    process.kill()
    process.communicate()
    source.respond = honest
    assert lines(archive, ROOT).total() < len(source.logs[ROOT])


@pytest.mark.parametrize("damage", ["lost", "torn", "empty"])
def test_a_head_lost_or_torn_while_a_backfill_is_unfinished_forgets_nothing(
    source: HostileSource, tmp_path: Path, damage: str
) -> None:
    interrupted_backfill(source, tmp_path)
    head = tmp_path / f"state/{ROOT}/head.json"
    head.parent.mkdir(exist_ok=True)
    whole = b'{"organization":"%s","since":1,"format":2}' % ROOT.encode()
    if damage != "lost":
        head.write_bytes(whole[: len(whole) // 2] if damage == "torn" else b"")
    run = collect(source, tmp_path)
    if run.code == 6:  # the advice: move it aside and run again
        assert "head.json" in run.said
        head.unlink()
        run = collect(source, tmp_path)
    assert_done(run)
    assert_exact(source, tmp_path)


def test_all_heads_lost_cost_requests_and_no_entry(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    for head in tmp_path.glob("state/*/head.json"):
        head.unlink()
    source.add(ROOT, now() - 3 * DAY, seed="late")
    assert_done(collect(source, tmp_path), 1)
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("which", ["first", "all"])
def test_manifests_lost_cost_requests_and_no_entry(source: HostileSource, tmp_path: Path, which: str) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    manifests = sorted(tmp_path.glob(f"state/{ROOT}/*/*/*.manifest.json"))
    for manifest in manifests[:1] if which == "first" else manifests:
        manifest.unlink()
    source.add(ROOT, source.logs[ROOT][3].stamp + 1, seed="late")
    for arguments in ((), ("--since", "5d")):
        run = collect(source, tmp_path, *arguments)
        assert run.code in {0, 5}, run.err
        if run.complete:
            assert_exact(source, tmp_path)
    assert run.complete
    assert_exact(source, tmp_path)


def test_everything_but_the_parts_lost_is_made_again(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    for path in tmp_path.glob("state/**/*"):
        if path.is_file():
            path.unlink()
    assert_done(collect(source, tmp_path, "--since", "5d"), 0)
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("damage", ["lost", "cut", "empty"])
def test_a_keys_object_lost_or_torn_is_made_again_from_its_part(
    source: HostileSource, tmp_path: Path, damage: str
) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    keys = sorted(tmp_path.glob(f"state/{ROOT}/*/*/*.keys/*.bin"))[1]
    keys.write_bytes(keys.read_bytes()[:31] if damage == "cut" else b"")
    if damage == "lost":
        keys.unlink()
    source.add(ROOT, source.logs[ROOT][100].stamp + 1, seed="late")
    source.add(GROUP, now() - MINUTE, seed="new")
    run = collect(source, tmp_path, "--since", "5d")
    assert run.code in {0, 6}, run.err
    assert_exact(source, tmp_path)


def test_damage_to_one_day_of_one_organization_keeps_nothing_else_away(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    manifest = sorted(tmp_path.glob(f"state/{ROOT}/*/*/*.manifest.json"))[1]
    torn = manifest.read_bytes()[:50]
    manifest.write_bytes(torn)
    source.add(ROOT, now() - MINUTE, source.logs[ROOT][100].stamp, seed="new")
    source.add(GROUP, now() - MINUTE, now() - 3 * DAY, seed="new")
    run = collect(source, tmp_path, "--since", "5d")
    assert run.code == 6
    assert ROOT in run.said
    assert manifest.name in run.said
    assert manifest.read_bytes() == torn, "what is damaged is left as it is"
    assert lines(tmp_path, ROOT)[source.logs[ROOT][-1].body] == 1, "another day of the same organization"
    assert_exact(source, tmp_path, of=GROUP)
    manifest.unlink()
    assert_done(collect(source, tmp_path, "--since", "5d"))
    assert_exact(source, tmp_path)


def keys_and_parts_lost(source: HostileSource, archive: Path) -> str:
    """Lose the keys of one day whose parts the feed has deleted; return the day's path."""
    assert_done(collect(source, archive, "--since", "5d"))
    for part in archive.glob("audit/**/*.gz"):
        part.unlink()
    keys = sorted(archive.glob(f"state/{ROOT}/*/*/*.keys/*.bin"))[1]
    keys.unlink()
    return "/".join(keys.parts[-4:-1]).removesuffix(".keys")


def test_keys_lost_of_parts_that_the_feed_deleted_are_no_reason_to_deliver_again(
    source: HostileSource, tmp_path: Path
) -> None:
    keys_and_parts_lost(source, tmp_path)
    for arguments in ((), ("--since", "5d"), ()):
        run = collect(source, tmp_path, *arguments)
        assert lines(tmp_path, ROOT).total() + lines(tmp_path, GROUP).total() == 0, "all was delivered twice"
        if run.code:
            assert ROOT in run.said


@pytest.mark.parametrize("name", ["organizations.json", "last-run.json"])
@pytest.mark.parametrize("damage", ["lost", "torn", "other"])
def test_what_only_describes_the_archive_may_be_lost_or_torn(
    source: HostileSource, tmp_path: Path, name: str, damage: str
) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    path = tmp_path / "state" / name
    assert path.exists()
    path.write_bytes({"torn": path.read_bytes()[:9], "other": b"[1]", "lost": b""}[damage])
    if damage == "lost":
        path.unlink()
    source.add(GROUP, now() - MINUTE, now() - 3 * DAY, seed="new")
    run = collect(source, tmp_path)
    assert run.code in {0, 6}
    if run.code == 6:
        assert name in run.said
        path.unlink()
        assert_done(collect(source, tmp_path))
    assert_exact(source, tmp_path)


def test_files_in_state_tmp_that_are_not_the_collectors_own_stay(source: HostileSource, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.txt").write_text("mine")
    archive = tmp_path / "archive"
    (archive / "state/tmp").mkdir(parents=True)
    for name in ("notes.txt", ".hidden", "a.b.c", f"host.{os.getpid()}.x"):
        (archive / "state/tmp" / name).write_text("mine")
    (archive / "state/tmp/folder").mkdir()
    old = time.time() - 10 * 86_400
    for path in [elsewhere / "mine.txt", *(archive / "state/tmp").iterdir()]:
        os.utime(path, (old, old))
    before = sorted(path.name for path in (archive / "state/tmp").iterdir())
    assert_done(collect(source, archive, "--since", "5d"))
    assert sorted(path.name for path in (archive / "state/tmp").iterdir()) == before


def test_a_state_tmp_that_is_a_link_to_elsewhere_is_not_swept(source: HostileSource, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.txt").write_text("mine")
    old = time.time() - 10 * 86_400
    os.utime(elsewhere / "mine.txt", (old, old))
    (tmp_path / "archive/state").mkdir(parents=True)
    (tmp_path / "archive/state/tmp").symlink_to(elsewhere)
    collect(source, tmp_path / "archive", "--since", "5d", **QUICK)
    assert (elsewhere / "mine.txt").read_text() == "mine"


def test_foreign_files_beside_the_parts_are_left_alone_and_not_read(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    folder = next(tmp_path.glob(f"audit/{ROOT}/*/*/*"))
    foreign = folder / "notes.json.gz"
    foreign.write_bytes(b"no gzip")
    source.add(ROOT, now() - MINUTE, source.logs[ROOT][3].stamp, seed="late")
    run = collect(source, tmp_path, "--since", "5d")
    assert foreign.read_bytes() == b"no gzip"
    foreign.unlink()
    assert_done(run, 2)
    assert_exact(source, tmp_path)


def test_a_late_entry_in_a_day_whose_keys_and_parts_are_lost_is_delivered_and_the_doubt_is_said(
    source: HostileSource, tmp_path: Path
) -> None:
    day = keys_and_parts_lost(source, tmp_path)
    entry = next(one for one in source.logs[ROOT] if time.strftime("%Y/%m/%d", time.gmtime(one.stamp / 1000)) == day)
    [late] = source.add(ROOT, entry.stamp + 1, seed="late")
    [new] = source.add(ROOT, now() - MINUTE, seed="new")
    run = collect(source, tmp_path)
    held = lines(tmp_path, ROOT)
    assert held[late] == 1
    assert held[new] == 1
    assert run.err or not run.complete
    touched = {"/".join(path.parts[-4:-1]) for path in tmp_path.glob(f"audit/{ROOT}/*/*/*/*")}
    assert touched <= {day, time.strftime("%Y/%m/%d", time.gmtime(now() / 1000 - 60))}
    collect(source, tmp_path)
    assert lines(tmp_path, ROOT) == held, "in doubt once, not by every run"
