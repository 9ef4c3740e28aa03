"""One organization during a run: where it stands, what was done for it, and bringing entries into its archive."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import LogRefused, UnknownOrganization
from mulesoft_audit.archive.layout import DAY_MS
from mulesoft_audit.collect.period import Due, due
from mulesoft_audit.errors import ArchiveError, AuditError, CredentialsError, Interrupted
from mulesoft_audit.ledger import head as heads
from mulesoft_audit.ledger.commit import commit
from mulesoft_audit.ledger.days import Days
from mulesoft_audit.ledger.manifest import Damaged
from mulesoft_audit.times import earliest

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.collect.context import Context
    from mulesoft_audit.collect.newest import Newest
    from mulesoft_audit.collect.reading import Reading
    from mulesoft_audit.ledger.batch import Batch
    from mulesoft_audit.ledger.commit import Committed
    from mulesoft_audit.ledger.head import Head


@dataclass(slots=True)
class Result:
    """What a run did for an organization so far.

    Attributes:
        written: entries that were new.
        read: entries the source gave, but for those of readers still under way.
        expected: entries to be read, as the source counts them.
        left: entries that the source counts and had not given when the run ended; the next run asks again.
        total: what the source counted last, from `floor` on; None if it was not asked or does not say.
        floor: from when on it was compared, Unix ms.
        verified_at: Unix ms at which the archive equalled the source; 0 if it was not proved.
        not_proved: what could not be proved, in words.
    """

    written: int = 0
    read: int = 0
    expected: int = 0
    left: int = 0
    total: int | None = None
    floor: int = 0
    verified_at: int = 0
    not_proved: list[str] = field(default_factory=list)


class OrganizationRun:
    """One organization during a run.

    Attributes:
        organization: whose log.
        rank: its place among all.
        above: ids of the organizations above it in the tree, the nearest first.
        head: where it stands.
        days: what the archive holds.
        due: since when everything is to be held, and from when on that is compared.
        relatives: organizations whose logs repeat this one's, or that this one's log repeats.
        first_page: the newest page, where that was asked for to find out whose log repeats whose.
        reading: what is being read.
        result: what was done.
        failures: what failed.
        done: whether it is through.
        quiet: for how many rounds of this process nothing new came.
    """

    def __init__(
        self,
        organization: Organization,
        context: Context,
        rank: int,
        above: list[str],
        finished: Callable[[], None],
        before: OrganizationRun | None = None,
    ) -> None:
        """Read where the organization stands; or take it over from the round before, which is not used any more.

        `finished` is called once the organization is through.
        """
        self.organization = organization
        self.rank = rank
        self.above = above
        self.quiet: int = before.quiet + 1 if before and not before.result.written else 0
        self.head, self._generation = before.stands if before else heads.load(context.store, organization.id)
        self.days = Days(context.store, organization.id, self.head.days)
        self.due = Due(0, 0)
        self.relatives: list[Days] = []
        self.first_page: Newest | None = None
        self.reading: Reading | None = None
        self.result: Result = Result()
        self.failures: list[AuditError] = []
        self.done: bool = False
        self._context = context
        self._finished = finished
        self._saved = heads.encode(self.head)
        self._lock = threading.Lock()

    @property
    def complete(self) -> bool:
        """Whether the archive equalled the source, over all the time that it covers and the source still keeps."""
        proved = bool(self.result.verified_at) and not self.result.not_proved
        return self.done and not self.failures and not self.result.left and proved

    def is_below(self, other: OrganizationRun) -> bool:
        """Return whether it lies below `other` in the tree."""
        return other.organization.id in self.above

    @property
    def first_of_day(self) -> bool:
        """Whether no run of this day has looked yet for what balances by accident, and this one is to."""
        return self._context.period.until is None and self.head.looked != self._context.until // DAY_MS

    @property
    def stands(self) -> tuple[Head, int]:
        """The head and its generation, for the next round of this process."""
        return self.head, self._generation

    @property
    def fetched(self) -> int:
        """Entries the source gave so far."""
        reading = self.reading
        return self.result.read + (reading.fetched if reading else 0)

    @property
    def newest(self) -> int:
        """Unix ms of the newest entry known; 0 if there is none."""
        keys = self.head.newest_keys()
        return keys[-1][0] if keys else 0

    def prepare(self, since: int, beginning: int) -> None:
        """Decide since when everything is to be held, and from when on that is compared.

        Args:
            since: since when that was said to be so; Unix ms, 0 if nobody said.
            beginning: since when the archive holds other organizations' entries, Unix ms; 0 if it holds none.
        """
        head, said, context = self.head, 0, self._context
        looks_twice = self.first_of_day or (context.period.until is None and context.period.since is not None)
        if looks_twice or not head.days:  # days may have been removed; a head be lost, or of the first format
            _, said = self.days.refresh(every=not head.days)
        promised = earliest(head.since, said, since)
        self.covers(due(promised, head.proved_from, context.period, context.kept, context.until, beginning))

    def covers(self, due: Due) -> None:
        """Take over since when everything is to be held, and from when on that is compared."""
        self.due = due
        self.head.since = self.days.since = due.since
        self.result.floor = due.floor

    def commit(self, batch: Batch, *, count_repeated: bool = True) -> Committed:
        """Bring a batch into the archive, and count it; see `ledger.commit`.

        Raises:
            AuditError: as `ledger.commit`.
        """
        day = self.days.get(batch.day)
        relatives = [one.get(batch.day) for one in self.relatives]
        committed = commit(day, batch, relatives, count_repeated=count_repeated)
        self.days.note(day)
        with self._lock:
            self.result.written += committed.written
        return committed

    def finish(self) -> None:
        """Be through, tell of days that are damaged, and keep where the organization stands.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        told = {error.message for error in self.failures}
        self.failures += [error for error in self.days.damaged.values() if error.message not in told]
        if self.first_of_day and (self.result.verified_at or self.result.not_proved):
            self.head.looked = self._context.until // DAY_MS
        self._save()
        self.done = True
        self._finished()

    def interrupt(self) -> None:
        """Commit what readers hold that wait for the source, and keep where the organization stands.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        if self.reading:
            for reader in list(self.reading.readers):
                reader.abandon()
            self.head.unread = self.reading.unread()
        self._save()

    def _save(self) -> None:
        """Replace the head, if it says anything new. A run up to some moment in the past writes manifests only."""
        data = heads.encode(self.head)
        if data != self._saved and self._context.period.until is None:
            self._generation = heads.save(self._context.store, self.head, self._generation)
            self._saved = heads.encode(self.head)

    def guarded(self, *steps: Callable[[], None]) -> None:
        """Do steps one after the other; a failure that concerns this organization alone ends it, and no other.

        Raises:
            CredentialsError, ArchiveError, Interrupted: it concerns all of them.
        """
        try:
            for step in steps:
                step()
        except Interrupted:
            raise
        except (CredentialsError, ArchiveError) as error:
            if not isinstance(error, Damaged):
                raise
            self.failures.append(error)
            self.finish()
        except AuditError as error:
            self.failures.append(self.told(error))
            self.finish()

    def told(self, error: AuditError) -> AuditError:
        """Return what to say of a failure: an organization that is gone may be one that the archive still holds."""
        if isinstance(error, UnknownOrganization) and not (self._context.whose.named and not self.head.days):
            return LogRefused(
                f"Anypoint knows no audit log of {self.organization} any more (404).",
                "What was collected is kept, and other organizations were collected. If the business group was "
                "deleted for good, take it out of state/organizations.json in the archive.",
            )
        return error
