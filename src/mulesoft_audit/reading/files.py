"""Parts as files of this machine: those of a directory where they lie, those of a bucket in a cache."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.errors import OutputError
from mulesoft_audit.ledger.manifest import Damaged, Oversize
from mulesoft_audit.reading.ahead import read_ahead, readers
from mulesoft_audit.reading.pieces import damaged, gone, is_sound
from mulesoft_audit.reading.stream import pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.reading.pieces import Piece
    from mulesoft_audit.reading.stream import Problem


def cache_folder(store: Store) -> Path:
    """Return where this archive's parts are kept: in the user's cache folder (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return folder / "mulesoft-audit" / hashlib.sha256(store.url.encode()).hexdigest()[:16]


def part_files(
    store: Store, since: int, until: int, organizations: Sequence[str], problem: Problem
) -> list[tuple[Path, int]]:
    """Return the files that hold entries from `since` to `until` (Unix ms), each with the length of its longest line.

    Each is checked by its SHA-256. Parts of a bucket are read once, into a folder that only the user can read.

    Args:
        store: the archive.
        since: Unix ms.
        until: Unix ms.
        organizations: their ids.
        problem: is told of what is lost or damaged.

    Raises:
        ArchiveError: the archive cannot be read.
        OutputError: the cache cannot be written.
    """
    root = store.root if isinstance(store, LocalStore) else cache_folder(store)
    found = []
    with readers() as pool:
        wanted = pieces(pool, store, sorted(organizations), (since, until), problem)
        for piece, result in read_ahead(pool, wanted, lambda one: _file(store, root, one), lambda one: one.size):
            if isinstance(result, Damaged):
                problem(result)
            else:
                found.append((result, piece.what.size if isinstance(piece.what, Oversize) else 0))
    return found


def _file(store: Store, root: Path, piece: Piece) -> Path:
    """Return a part's file, brought here if need be.

    Raises:
        Damaged: it is lost or damaged.
    """
    path = root / piece.name
    if ".." in path.parts or not path.is_relative_to(root):  # a name that somebody wrote into the bucket
        raise damaged(piece)
    if not isinstance(store, LocalStore) and is_sound(piece, _cached(path)):
        return path
    held = store.read(piece.name)
    if held is None:
        raise gone(piece)
    if not is_sound(piece, held.data):
        raise damaged(piece)
    if not isinstance(store, LocalStore):
        _cache(root, path, held.data)
    return path


def _cached(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""


def _cache(root: Path, path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)  # those in between get the usual mode
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise OutputError(
            f"{path} cannot be written: {error.strerror}.",
            "Parts of a bucket are kept in your cache folder: make room, or set XDG_CACHE_HOME to another one.",
        ) from None
