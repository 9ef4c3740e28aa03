"""The archive in a directory: durable, atomic, and safe for several processes at once."""

from __future__ import annotations

import errno
import logging
import os
import stat
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from isal.isal_zlib import crc32

from mulesoft_audit.archive.locks import Lock, Presence
from mulesoft_audit.archive.store import LARGEST, GenerationMismatch, Held, Listed, ObjectExists, never
from mulesoft_audit.archive.temporary import new_name, sweep
from mulesoft_audit.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger(__name__)

_TEMPORARY = "state/tmp"
_LOCK = "state/.lock"  #: held while an object is replaced
_WRITERS = "state/.writers"  #: held by each store that writes, all at once
_OWN = frozenset({_LOCK, _WRITERS})
_SMALL = 1 << 20


class LocalStore:
    """A directory as a store.

    An object is written beside its place, flushed to the disk, and linked to its name: a power cut leaves either
    nothing or a whole object, and a name that is taken stays as it is. Replacing is guarded by a lock that the
    operating system drops when its holder dies.
    """

    def __init__(self, root: Path) -> None:
        """Use the directory `root`; it is made when something is first written."""
        self.root = root
        self.url = str(root)
        self.stopping: Callable[[], bool] = never
        self._lock = Lock(root / _LOCK)
        self._presence = Presence(root / _WRITERS, self._lock)
        self._swept = False
        self._known: set[Path] = set()

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> int:
        """See `Store.create`. A directory has no place for `metadata`; the manifest holds the same."""
        del metadata
        with self._failures(name):
            self._enter()
            target = self._place(name)
            temporary = self._write(data)
            try:
                os.link(temporary, target)
            except FileExistsError:
                raise ObjectExists(f"{self.url}/{name} exists already.") from None
            finally:
                temporary.unlink()
            _flush(target.parent)
        return _generation(data)

    def replace(self, name: str, data: bytes, generation: int) -> int:
        """See `Store.replace`. The generation is a digest of the content."""
        with self._failures(name), self._replacing():
            target = self._place(name)
            held = _bytes_of(target)
            if (0 if held is None else _generation(held)) != generation:
                raise GenerationMismatch(f"{self.url}/{name} was changed by somebody else.")
            temporary = self._write(data)
            temporary.replace(target)
            _flush(target.parent)
        return _generation(data)

    def remove(self, name: str, generation: int) -> None:
        """See `Store.remove`."""
        target = self.root / name
        with self._failures(name), self._replacing():
            held = _bytes_of(target)
            if held is None:
                return
            if _generation(held) != generation:
                raise GenerationMismatch(f"{self.url}/{name} was changed by somebody else.")
            target.unlink()
            _flush(target.parent)

    def read(self, name: str) -> Held | None:
        """See `Store.read`. What is no file of its own, such as a link, counts as an object without content."""
        log.debug("Read %s", name)
        with self._failures(name):
            data = _bytes_of(self.root / name)
        return None if data is None else Held(data, _generation(data))

    def list(self, prefix: str) -> Iterator[Listed]:
        """See `Store.list`."""
        folder = prefix.rpartition("/")[0]
        with self._failures(prefix):
            found = sorted(self._walk(folder, prefix))
        for name, size in found:
            yield Listed(name, size)

    def _walk(self, folder: str, prefix: str) -> Iterator[tuple[str, int]]:
        def give_up(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):
                raise error

        for directory, folders, files in os.walk(self.root / folder, onerror=give_up):
            base = Path(directory).relative_to(self.root).as_posix()
            if base == "state" and "tmp" in folders:
                folders.remove("tmp")
            links = [name for name in folders if (Path(directory) / name).is_symlink()]  # which are not followed
            for file in [*files, *links]:
                name = file if base == "." else f"{base}/{file}"
                if name.startswith(prefix) and name not in _OWN:
                    with suppress(FileNotFoundError):  # gone meanwhile
                        yield name, (Path(directory) / file).lstat().st_size

    def alone(self) -> bool:
        """See `Store.alone`. Each store that writes holds a lock that can be shared; who can have it alone, is."""
        with self._failures(_WRITERS):
            self._enter()
            return self._presence.alone(self.stopping)

    def close(self) -> None:
        """See `Store.close`."""
        self._presence.leave()

    def check(self) -> None:
        """See `Store.check`."""
        probe = f"{_TEMPORARY}/{new_name()}"
        self.replace(probe, b"1", self.create(probe, b"0"))
        with self._failures(probe):
            try:
                self.create(probe, b"")
            except ObjectExists:
                return
            finally:
                (self.root / probe).unlink(missing_ok=True)
        raise ArchiveError(f"{self.url} lets an object be created twice; it cannot hold an archive.")

    def _place(self, name: str) -> Path:
        target = self.root / name
        self._make(target.parent)
        return target

    def _make(self, folder: Path) -> None:
        """Make `folder` and its parents, and see to it that they survive a power cut."""
        if folder in self._known:
            return
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for path in reversed(missing):
            path.mkdir(mode=0o750, exist_ok=True)
            _flush(path.parent)
        self._known.update(missing or [folder])

    def _write(self, data: bytes) -> Path:
        folder = self.root / _TEMPORARY
        self._make(folder)
        if not self._swept:
            self._swept = True
            sweep(folder)
        path = folder / new_name()
        try:
            with path.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path

    def _enter(self) -> None:
        """Count as writing, in folders that are the archive's own: what lies behind a link may be anybody's."""
        for folder in ("state", _TEMPORARY):
            if (self.root / folder).is_symlink():
                raise ArchiveError(
                    f"{self.url}/{folder} is a symbolic link, and what it leads to is not the archive's own.",
                    "Remove the link, or move the whole archive to where it leads.",
                )
        self._make((self.root / _WRITERS).parent)
        self._presence.enter(self.stopping)

    @contextmanager
    def _replacing(self) -> Iterator[None]:
        self._enter()
        with self._lock.held(self.stopping):
            yield

    @contextmanager
    def _failures(self, name: str) -> Iterator[None]:
        """Say what the operating system refused, in words, and what to do."""
        try:
            yield
        except OSError as error:
            advice = {
                errno.ENOSPC: "The disk is full. Make room and run again; the run continues where this one stopped.",
                errno.EDQUOT: "Your quota is used up. Make room and run again; the run continues.",
                errno.EACCES: "Give the user who runs this access to it: to read for verify, to write for all else.",
                errno.EPERM: "The file system must allow hard links, and whoever runs this must own the directory.",
                errno.EROFS: "The file system is read-only.",
                errno.ENOTDIR: "ARCHIVE must name a directory; something in its path is a file.",
                errno.EFBIG: "See what it is, and move it aside.",
                errno.EEXIST: "ARCHIVE must name a directory; something in its path is a file.",
            }.get(error.errno or 0, "Nothing half-written was left behind.")
            raise ArchiveError(
                f"The archive {self.url} cannot be used: {error.strerror or type(error).__name__} ({name}).", advice
            ) from error


def _bytes_of(path: Path) -> bytes | None:
    """Return a file's content; None if there is none.

    A link is not followed, because it may lead to what is nobody else's to see, and a device or a pipe never ends: each
    is a file without content here.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
            return b""
        raise
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        return None if stat.S_ISDIR(found.st_mode) else b""
    with os.fdopen(descriptor, "rb") as file:
        if found.st_size > LARGEST:
            raise OSError(errno.EFBIG, "a file is larger than any object of an archive")
        return file.read()


def _generation(data: bytes) -> int:
    """Return a digest of the content: a strong one for what is replaced, a quick one for parts, which never are."""
    if len(data) > _SMALL:
        return (len(data) << 32) | crc32(data)
    return int.from_bytes(sha256(data).digest()[:8]) or 1


def _flush(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
