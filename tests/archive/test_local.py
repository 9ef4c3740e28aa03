"""What a directory as an archive owes to the other processes and files on the machine."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from mulesoft_audit.archive.local import LocalStore

if TYPE_CHECKING:
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
