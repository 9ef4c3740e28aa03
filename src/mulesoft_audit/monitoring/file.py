"""The file of metrics: read, added to and replaced whole, so that nobody ever reads half of it."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from mulesoft_audit.archive.temporary import new_name
from mulesoft_audit.monitoring.metrics import Metrics, as_text, from_text

if TYPE_CHECKING:
    from pathlib import Path

    from mulesoft_audit.collect.summary import Summary

LARGEST = 16 << 20  #: bytes of a file that is read: more than a thousand organizations take
READABLE = 0o644  #: before the umask: whoever reads it is another user, as a rule


def add(path: Path, archive: str, summary: Summary) -> None:
    """Add a run that ended to the file; make it if it is not there.

    Raises:
        OSError: it cannot be written.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no regular file")
    metrics = _read(path, archive)
    metrics.add(summary)
    temporary = path.with_name(f".{path.name}.{new_name()}")  # its name ends otherwise: *.prom is what is collected
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, READABLE)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(as_text(metrics))
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _read(path: Path, archive: str) -> Metrics:
    with suppress(OSError), path.open("rb") as file:
        return from_text(file.read(LARGEST).decode("utf-8", "replace"), archive)
    return Metrics(archive)
