"""The result of the last run, for people, alerts and other commands: `state/last-run.json`.

Written once a run, as well as it goes: no decision about entries rests on it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from mulesoft_audit.archive.layout import LAST_RUN
from mulesoft_audit.archive.store import GenerationMismatch
from mulesoft_audit.errors import ArchiveError, Interrupted

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store

log = logging.getLogger(__name__)

TRIES = 5


class LastRun(msgspec.Struct, omit_defaults=True):
    """What a run left behind.

    Attributes:
        ended: Unix ms.
        floor: Unix ms; the first day that the source kept whole by then.
        complete: whether everything was proved.
        exit_code: the run's exit status.
        organizations: by id, each as in the run's summary, with `proved_at`: when a run last proved it, this one or
            one before; of those that the run did not look at, as before.
    """

    ended: int = 0
    floor: int = 0
    complete: bool = False
    exit_code: int = 0
    organizations: dict[str, Any] = {}


def load(store: Store) -> tuple[LastRun, int]:
    """Return the last run and its generation; an empty one if there is none that can be read.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    held = store.read(LAST_RUN)
    if held is None:
        return LastRun(), 0
    try:
        return msgspec.json.decode(held.data, type=LastRun), held.generation
    except (msgspec.DecodeError, UnicodeDecodeError):
        return LastRun(), held.generation


def save(store: Store, run: LastRun, before: LastRun, generation: int) -> None:
    """Replace what the last run left; a failure is logged, and harms nothing."""
    try:
        for _ in range(TRIES):
            now = {
                name: _with_proof(fields, before.organizations.get(name)) for name, fields in run.organizations.items()
            }
            merged = msgspec.structs.replace(run, organizations={**before.organizations, **now})
            try:
                store.replace(LAST_RUN, msgspec.json.format(msgspec.json.encode(merged), indent=1) + b"\n", generation)
            except GenerationMismatch:
                before, generation = load(store)
                continue
            return
    except (ArchiveError, Interrupted) as error:
        log.warning("%s could not be written: %s", LAST_RUN, error)


def _with_proof(fields: dict[str, Any], before: object) -> dict[str, Any]:
    """Return what a run says of an organization, with when it was last proved: a run that fails undoes no proof."""
    known: dict[str, Any] = before if isinstance(before, dict) else {}
    proved = fields.get("verified_at") or known.get("proved_at") or known.get("verified_at")
    return {**fields, "proved_at": proved}
