"""What a directory as an archive owes to the other processes and files on the machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from mulesoft_audit.archive import locks
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.archive.temporary import new_name
from mulesoft_audit.errors import ArchiveError, Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WRITER = """
import sys
from pathlib import Path
from mulesoft_audit.archive.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
store.create("other", b"1")
print("written", flush=True)
sys.stdin.read()
"""


def another(root: Path) -> subprocess.Popen[str]:
    """Start a process that writes, and then waits for the end of its input."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process


def test_who_writes_alone_is_alone_again_and_again(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert store.alone()
    store.create("a", b"1")
    assert store.alone()
    assert store.alone()


def test_a_process_that_writes_is_seen_until_it_dies(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with another(tmp_path) as process:
        assert not store.alone()
        process.kill()
        process.wait()
        assert store.alone()


def test_who_looks_whether_it_is_alone_is_still_seen_by_others(tmp_path: Path) -> None:
    mine, theirs = LocalStore(tmp_path), LocalStore(tmp_path)
    theirs.create("a", b"1")
    assert not mine.alone()
    assert not theirs.alone()
    theirs.close()
    assert mine.alone()


def test_a_store_that_only_reads_is_in_nobodys_way(tmp_path: Path) -> None:
    writer, reader = LocalStore(tmp_path), LocalStore(tmp_path)
    writer.create("a", b"1")
    assert reader.read("a") is not None
    assert [listed.name for listed in reader.list("")] == ["a"]
    assert writer.alone()


def test_a_store_that_is_given_up_unclosed_is_no_longer_there(tmp_path: Path) -> None:
    LocalStore(tmp_path).create("a", b"1")
    assert LocalStore(tmp_path).alone()


def test_locks_and_half_written_files_are_not_listed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.replace("state/x", b"1", 0)
    assert store.alone()
    (tmp_path / "state/tmp/half").write_bytes(b"")
    assert {path.name for path in (tmp_path / "state").iterdir()} == {".lock", ".writers", "tmp", "x"}
    assert [listed.name for listed in store.list("")] == ["state/x"]


# Waiting for the lock.

_HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[LocalStore]:
    """A store whose lock another process holds."""
    store = LocalStore(tmp_path)
    generation = store.replace("state/x", b"1", 0)
    assert generation
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path / "state/.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield store
        process.kill()


def test_a_lock_that_stays_held_is_said(held: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE", 0.3)
    with pytest.raises(ArchiveError, match=r"Another process holds .*state/\.lock"):
        held.replace("state/y", b"1", 0)
    with pytest.raises(ArchiveError, match="Another process"):
        held.alone()
    assert held.read("state/y") is None


def test_a_stop_ends_waiting_for_the_lock(held: LocalStore) -> None:
    begun = time.monotonic()
    held.stopping = lambda: time.monotonic() - begun > 0.3
    with pytest.raises(Interrupted, match="waiting"):
        held.replace("state/y", b"1", 0)
    assert time.monotonic() - begun < 2


def test_what_needs_no_waiting_is_done_while_stopping(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.stopping = lambda: True
    store.replace("state/x", b"2", store.create("state/x", b"1"))
    assert store.alone()


# Files that were left behind.


def _dead() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def _by(pid: int) -> str:
    place, _, process = new_name().rsplit(".", 2)
    return f"{place}.{pid}.{process}"


def _old(path: Path) -> Path:
    path.write_bytes(b"x")
    os.utime(path, (time.time() - 7200, time.time() - 7200))
    return path


def test_what_a_dead_process_left_half_written_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "state/tmp"
    folder.mkdir(parents=True)
    (folder / _by(_dead())).write_bytes(b"half")
    elsewhere = f"other-host-4026531836.1.{'0' * 12}-1"
    _old(folder / elsewhere)
    alive = folder / _by(os.getppid())
    alive.write_bytes(b"half")
    LocalStore(tmp_path).create("a", b"1")
    assert list(folder.iterdir()) == [alive]


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "host-1.2.txt", ".keep", f"x{'0' * 12}-1", f"host-1.7.{'0' * 12}-1.bak", f"a b-1.7.{'0' * 12}-1"],
)
def test_a_file_that_is_not_the_collectors_own_stays_however_old(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "state/tmp"
    folder.mkdir(parents=True)
    path = _old(folder / name)
    LocalStore(tmp_path).create("a", b"1")
    assert path.read_bytes() == b"x"


def test_only_files_are_removed_not_links_or_folders(tmp_path: Path) -> None:
    folder = tmp_path / "state/tmp"
    folder.mkdir(parents=True)
    dead = _dead()
    (folder / f"{_by(dead)}0").symlink_to(_old(tmp_path / "target"))
    (folder / f"{_by(dead)}1").mkdir()
    LocalStore(tmp_path).create("a", b"1")
    assert len(list(folder.iterdir())) == 2
    assert (tmp_path / "target").exists()


@pytest.mark.parametrize("link", ["state", "state/tmp"])
def test_a_folder_of_its_own_that_is_a_link_is_refused_and_nothing_behind_it_touched(tmp_path: Path, link: str) -> None:
    behind = tmp_path / "behind"
    behind.mkdir()
    others = _old(behind / _by(_dead()))
    archive = tmp_path / "archive"
    (archive / link).parent.mkdir(parents=True)
    (archive / link).symlink_to(behind)
    store = LocalStore(archive)
    for write in (lambda: store.create("a", b"1"), lambda: store.replace("a", b"1", 0), store.alone, store.check):
        with pytest.raises(ArchiveError, match=f"{link} is a symbolic link"):
            write()
    assert list(behind.iterdir()) == [others]


def test_the_archive_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "archive").symlink_to(tmp_path / "disk")
    LocalStore(tmp_path / "archive").create("a", b"1")
    assert (tmp_path / "disk/a").read_bytes() == b"1"
