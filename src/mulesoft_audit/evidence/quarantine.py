"""Setting an object aside: a copy under `state/quarantine/`, before it is removed from where it does harm."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from mulesoft_audit.archive.store import ObjectExists

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store

QUARANTINE = "state/quarantine/"


def quarantined(name: str, digest: str) -> str:
    """Return where an object of this name and hex SHA-256 is set aside."""
    return f"{QUARANTINE}{name}.{digest[:16]}"


def set_aside(store: Store, name: str, *, remove: bool) -> str:
    """Copy an object into the quarantine, and remove it where that is asked for; return where the copy is.

    Empty if the object is gone. The copy's name tells its content, so that doing it again does nothing more.

    Raises:
        GenerationMismatch: the object changed meanwhile.
        ArchiveError: the archive cannot be written.
    """
    held = store.read(name)
    if held is None:
        return ""
    copy = quarantined(name, hashlib.sha256(held.data).hexdigest())
    with suppress(ObjectExists):  # the same bytes: by an earlier try
        store.create(copy, held.data)
    if remove:
        store.remove(name, held.generation)
    return copy
