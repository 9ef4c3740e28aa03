"""What a killed process leaves in a local archive."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from mulesoft_audit.archive.local import LocalStore


def test_what_a_killed_process_of_the_same_number_left_is_in_nobodys_way(tmp_path: Path) -> None:
    """In a container the next process has the same host name and number as the one that was killed."""
    folder = tmp_path / "state" / "tmp"
    folder.mkdir(parents=True)
    store = LocalStore(tmp_path)
    store.create("state/x", b"1")
    namespace = Path("/proc/self/ns/pid").stat().st_ino
    left = folder / f"{socket.gethostname()}-{namespace}.{os.getpid()}.0123456789ab-0"
    left.write_bytes(b"half")
    other = folder / f"elsewhere.{os.getpid()}.0123456789ab-0"
    other.write_bytes(b"being written")
    LocalStore(tmp_path).create("state/y", b"1")
    assert not left.exists()
    assert other.exists()
