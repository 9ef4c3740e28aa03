"""Files on their way into a directory: how they are named, and which of them a dead process left behind."""

from __future__ import annotations

import os
import re
import secrets
import socket
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

LONG_AGO = 3600.0  #: seconds after which a half-written file is nobody's
_NAME = re.compile(r"(?P<place>[^/\s]+-\d+)\.(?P<pid>\d{1,10})\.(?P<process>[0-9a-f]{12})-\d{1,20}")
_PROCESS = secrets.token_hex(6)  #: tells this process from an earlier one of the same number
_serial = count()


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote a file.

    Attributes:
        place: the host, and the container on it.
        pid: its number there.
        process: tells it from others that have had the same number.
    """

    place: str
    pid: int
    process: str


def this_writer() -> Writer:
    """Return who this process is: what tells it from others, here and on other hosts that share the directory."""
    try:
        namespace = str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        namespace = "0"
    return Writer(f"{socket.gethostname()}-{namespace}", os.getpid(), _PROCESS)


def new_name() -> str:
    """Return a name for a file, which nobody else uses."""
    me = this_writer()
    return f"{me.place}.{me.pid}.{me.process}-{next(_serial)}"


def writer_of(name: str) -> Writer | None:
    """Return who wrote a file of that name; None if it is not a name that `new_name` makes."""
    match = _NAME.fullmatch(name)
    return Writer(match["place"], int(match["pid"]), match["process"]) if match else None


def left_behind(writer: Writer, me: Writer, age: float, *, alive: bool) -> bool:
    """Return whether nobody will finish a file.

    Args:
        writer: who wrote it.
        me: who looks.
        age: seconds since it was written.
        alive: whether a process of the writer's number runs here.
    """
    if age > LONG_AGO:
        return True
    if writer.place != me.place:
        return False  # nothing is known of processes elsewhere
    return not alive or (writer.pid == me.pid and writer.process != me.process)


def sweep(folder: Path) -> None:
    """Remove what processes that are gone left half-written in `folder`, and nothing that is not ours by its name."""
    me = this_writer()
    for path in folder.iterdir():
        writer = writer_of(path.name)
        if writer is None:
            continue
        with suppress(FileNotFoundError, PermissionError):  # gone already, or another user's
            found = path.lstat()
            age = time.time() - found.st_mtime
            if stat.S_ISREG(found.st_mode) and left_behind(writer, me, age, alive=_alive(writer.pid)):
                path.unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
