"""The archive: whether it can be read and written safely, and how far each organization's part of it reaches."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.anypoint.tree import Organization
from mulesoft_audit.archive.layout import STATE
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.archive.opening import open_archive
from mulesoft_audit.collect import last_run
from mulesoft_audit.doctor.finding import Check, Finding, fail, failed, ok, skipped, warn
from mulesoft_audit.errors import ArchiveError, AuditError, UsageError
from mulesoft_audit.evidence.quick import quick_look
from mulesoft_audit.ledger import head as heads
from mulesoft_audit.ledger import registry
from mulesoft_audit.printable import printable
from mulesoft_audit.times import ago

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mulesoft_audit.archive.store import Store

PLACE, READ, WRITE, HELD, OVERSIZE = "archive", "archive: read", "archive: write", "archive: held", "oversize entries"
OBJECTS = "archive: objects"


@dataclass(slots=True)
class Archive:
    """One look at an archive.

    Attributes:
        url: a directory, or gs://BUCKET[/PREFIX].
        organizations: returns whose parts to look at; nothing if that is unknown.
        now: returns the time in Unix milliseconds.
        stale_after: returns the milliseconds after the last success from which on a part is stale.
        complete: by organization, Unix ms up to which everything is held, once that is known.
    """

    url: str
    organizations: Callable[[], list[Organization]]
    now: Callable[[], int]
    stale_after: Callable[[], int]
    complete: dict[str, int] = field(default_factory=dict)
    _opened: Store | None = None

    def checks(self) -> list[Check]:
        """Return the checks, in the order in which they build on each other."""
        return [
            Check(PLACE, self.check_place),
            Check(READ, self.check_read, (PLACE,)),
            Check(WRITE, self.check_write, (PLACE,)),
            Check(HELD, self.check_held, (READ,)),
            Check(OBJECTS, self.check_objects, (READ,)),
            Check(OVERSIZE, self.check_oversize, (READ,)),
        ]

    def close(self) -> None:
        """Close the connections, if it has any."""
        close = getattr(self._opened, "close", None)
        if close:
            close()

    @property
    def store(self) -> Store:
        """The archive, opened.

        Raises:
            UsageError: no archive can be at such a URL.
        """
        if self._opened is None:
            self._opened = open_archive(self.url)
        return self._opened

    @property
    def folder(self) -> Path | None:
        """The directory; None for a bucket."""
        store = self.store
        return store.root if isinstance(store, LocalStore) else None

    def check_place(self) -> Finding:
        """Look whether the archive is named, and there."""
        if not self.url:
            raise UsageError("ARCHIVE is not set; expected a directory or gs://BUCKET.", "Give it with --archive DIR.")
        folder = self.folder
        shown = printable(self.store.url)
        if folder is None or folder.is_dir():
            return ok(shown)
        if folder.exists():
            return fail(f"{shown} is not a directory", "Name another one with --archive.", ArchiveError.exit_code)
        parent = next(one for one in folder.absolute().parents if one.exists())
        if not os.access(parent, os.W_OK | os.X_OK):
            hint = f"Make it, or let whoever runs this write in {printable(str(parent))}."
            return fail(f"{shown} does not exist and cannot be made", hint, ArchiveError.exit_code)
        return skipped(f"{shown} does not exist yet; the first run makes it", "Check the name, then run collect.")

    def check_read(self) -> Finding:
        """List the state, and read an object of it."""
        first = next(iter(self.store.list(STATE)), None)
        if first is None:
            return ok("can be listed; nothing is collected yet")
        self.store.read(first.name)
        return ok("can be listed and read")

    def check_write(self) -> Finding:
        """Prove on an object beside the state that nothing is ever overwritten by accident."""
        self.store.check()
        return ok("objects are created once and replaced by generation only")

    def check_held(self) -> Iterator[Finding]:
        """Look how far each organization's part reaches."""
        known = self.organizations() or self._listed()
        if not known:
            yield skipped("nothing is collected yet", f"mulesoft-audit collect --archive {printable(self.url)}")
        for organization in known:
            name = f"held of {printable(organization.name) or organization.id}"
            try:
                yield self._held(organization, name)
            except AuditError as error:
                yield failed(error, name)

    def _listed(self) -> list[Organization]:
        """Return what the archive itself holds, where Anypoint names nothing."""
        held = registry.load(self.store)[0].organizations
        return [Organization(one, known.name, known.depth, known.parent) for one, known in held.items()]

    def _held(self, organization: Organization, name: str) -> Finding:
        """Say what the last run that looked at an organization found."""
        heads.load(self.store, organization.id)  # raises, if a newer version wrote it
        run, now = last_run.load(self.store)[0].organizations.get(organization.id), self.now()
        if not isinstance(run, dict):
            return warn("nothing is held yet", f"mulesoft-audit collect --archive {printable(self.url)}", name)
        verified = unix_ms(run.get("verified_at"))
        newest = run.get("newest_entry")
        entry = f"newest entry {printable(str(newest))}" if newest else "no entry"
        if not verified:
            said = "; ".join(str(text) for text in [*run.get("failures", []), *run.get("not_proved", [])])
            detail = f"not proved complete by the last run: {printable(said) or 'it was stopped'}; {entry}"
            return warn(detail, "Run collect and see what it says.", name)
        self.complete[organization.id] = verified
        detail = f"complete until {iso(verified)}, {ago(now - verified)} ago; {entry}"
        if now - verified > (limit := self.stale_after()):
            return fail(
                f"{detail}; no run has succeeded for more than {ago(limit)}",
                "Run collect and see what it says; if a schedule should do that, see why it does not. --max-age says "
                "how old is too old, where runs come less often.",
                name=name,
            )
        if not run.get("complete"):
            said = "; ".join(str(text) for text in [*run.get("failures", []), *run.get("not_proved", [])])
            left = f"{run.get('left_to_the_next_run')} entries were left to the next run"
            return warn(f"{detail}; {printable(said) or left}", "Run collect and see what it says.", name)
        return ok(detail, name)

    def check_objects(self) -> Finding:
        """Look whether what the newest manifests and the heads name is there, and of the right size."""
        found = quick_look(self.store)
        if not found:
            return ok("what manifests and heads name is there, and of the right size")
        first = found[0]
        detail = f"{printable(first.path)} is {first.kind.value}: expected {first.expected}, found {first.found}"
        more = f"; and {len(found) - 1:,} more" if len(found) > 1 else ""
        hint = f"mulesoft-audit verify --archive {printable(self.url)}, then repair"
        return fail(printable(detail + more), hint)

    def check_oversize(self) -> Finding:
        """Count the entries that are too long for a line of the feed."""
        count = sum(1 for _ in self.store.list(f"{STATE}oversize/"))
        if not count:
            return ok("none")
        return warn(
            f"{count:,} entries of 4 MB or more are kept under state/oversize/, which the feed does not read",
            "They are complete there. Nothing is lost; bring them into SecOps by other means if they matter.",
        )


def unix_ms(text: object) -> int:
    """Return a time as the last run wrote it in Unix milliseconds; 0 if there is none."""
    try:
        return round(datetime.fromisoformat(str(text)).timestamp() * 1000)
    except ValueError:
        return 0
