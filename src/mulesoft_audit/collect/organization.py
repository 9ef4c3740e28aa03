"""One organization in a run: its balance with the source, and what is done until that is even."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import PAGE_LIMIT, LogRefused, QueryRefused, UnknownOrganization, Window, iso
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start
from mulesoft_audit.collect.entries import placed
from mulesoft_audit.collect.newest import newest_page, total_only
from mulesoft_audit.collect.period import Due, due
from mulesoft_audit.collect.reading import Reading, joined
from mulesoft_audit.collect.rules import Totals, may_be_a_cap, worth
from mulesoft_audit.collect.search import Search, below_cap, in_the_middle, sure_total
from mulesoft_audit.errors import ArchiveError, AuditError, CredentialsError, Interrupted, SourceError
from mulesoft_audit.ledger import head as heads
from mulesoft_audit.ledger.day import Respelled
from mulesoft_audit.ledger.days import Days
from mulesoft_audit.ledger.manifest import Damaged

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.anypoint.tree import Organization
    from mulesoft_audit.collect.newest import Newest
    from mulesoft_audit.collect.roll_up import Undecided
    from mulesoft_audit.collect.run import Run
    from mulesoft_audit.ledger.batch import Batch
    from mulesoft_audit.ledger.day import Committed
    from mulesoft_audit.ledger.head import Head

log = logging.getLogger(__name__)

FEW = 20  #: entries of the page that is asked for where lately nothing came
QUIET = 3  #: rounds without anything new after which that is so
ROUNDS = 6  #: times that a run balances an organization whose entries keep moving
DAYS_NAMED = 40  #: days of which each is asked for, to say where a source contradicts itself
RETRIED_A_RUN = 3  #: entries that could not be read before
OLDER_A_RUN = 3  #: stretches that a run looks at of what lies before a cap


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
        head: where it stands.
        days: what the archive holds.
        relatives: organizations whose logs repeat this one's, or that this one's log repeats.
        result: what was done.
        failures: what failed.
        done: whether it is through.
        quiet: for how many rounds of this process nothing new came.
    """

    def __init__(self, organization: Organization, run: Run, rank: int, before: OrganizationRun | None = None) -> None:
        """Read where the organization stands; or take it over from the round before, which is not used any more."""
        self.organization = organization
        self.rank = rank
        self.query = run.query
        self.family: Undecided | None = None
        self.deferred: Callable[[], None] = self.begin
        self.quiet: int = before.quiet + 1 if before and not before.result.written else 0
        self.head, self._generation = before.stands if before else heads.load(run.store, organization.id)
        self.days = Days(run.store, organization.id, self.head.days)
        self.relatives: list[Days] = []
        self.result: Result = Result()
        self.failures: list[AuditError] = []
        self.done = False
        self.first_page: Newest | None = None
        self._run = run
        self._saved, self._saved_since = heads.encode(self.head), self.head.since
        self._due = Due(0, 0)
        self.reading: Reading | None = None
        self._rounds = 0
        self._read_days: set[date] = set()
        self._numbers: list[tuple[int | None, int]] = []
        self._flags: set[str] = set()
        self._windows: list[Window] = []
        self._lock = threading.Lock()

    # What others see of it.

    @property
    def complete(self) -> bool:
        """Whether the archive equalled the source, over all the time that it covers and the source still keeps."""
        proved = bool(self.result.verified_at) and not self.result.not_proved
        return self.done and not self.failures and not self.result.left and proved

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

    # The way through a run.

    def begin(self) -> None:
        """Write down since when everything is to be held, before anything is fetched; then balance."""
        self._guarded(self._prepare, self._balance)

    def begin_undecided(self) -> None:
        """The same, where it is not known whether one's log repeats another's: that is found out before."""
        self._guarded(self._prepare, self._look_first)
        family = self.family
        if family and family.arrived():
            self._guarded(family.decide)
            for one in family.members:
                if not one.done:
                    self._run.ready(one, one.go_on)

    def go_on(self) -> None:
        """Balance, once that is decided."""
        self._guarded(self._balance)

    def _look_first(self) -> None:
        self.first_page = self._newest_page(self._run.until)

    def _prepare(self) -> None:
        run = self._run
        head = self.head
        if not head.days:  # lost, or of the first format
            _, said = self.days.refresh()
            head.since = min(filter(None, (head.since, said)), default=0)
        oldest = min((day for day, one in head.days.items() if one.held), default="")
        oldest_held = day_start(date.fromisoformat(oldest)) if oldest else 0
        self._due = due(head.since, oldest_held, run.period, run.kept, run.until, run.beginning())
        self.days.since = self._due.since
        self.result.floor = self._due.floor
        if head.since != self._due.since:
            head.since = self._due.since
            self._save()

    def _balance(self) -> None:
        """Compare the archive with the source; do something about the difference, and come back here."""
        self._rounds += 1
        newest = self._look()
        before = self.days.source(newest.floor)
        if not self._commit_page(newest):
            self._read([newest.last_days()], PAGE_LIMIT, newest.until)
            return
        expected = self.days.source(newest.floor)
        self._numbers.append((newest.total, expected))
        if newest.judged.missing:
            self._look_for_missing(newest)
        elif newest.total == expected and not self._hides_more(newest):
            self._verified(newest)
        elif self.head.totals < 0 and not self._totals_count_again(newest, expected):
            self._look_back(newest)
        elif self._rounds == 1 and not before and newest.judged.above >= newest.floor:
            self._flags.add("all read")
            self._read([self._shown_no_more(newest.floor, newest)], (newest.total or 0) - newest.newer, newest.until)
        else:
            self._explain(newest, before, expected)

    def _look(self) -> Newest:
        """Return the newest page; or only the total, where the run is asked for time up to some moment."""
        until = self._run.period.until
        if until is not None:
            if "refreshed" not in self._flags:
                self._refreshed()  # whoever works on a part of the time writes no head
            beyond = self.days.source(self._floor()) - (self.days.source_up_to(self._floor(), until) or 0)
            return total_only(self._run.query, self.organization, self._floor(), until, beyond)
        first, self.first_page = self.first_page, None
        newest = first or self._newest_page(self._run.now())
        self.result.total, self.result.floor = newest.total, newest.floor
        return newest

    def _newest_page(self, until: int) -> Newest:
        limit = FEW if self.quiet >= QUIET else PAGE_LIMIT
        return newest_page(self.query, self.organization, self._floor(), until, self.head, limit)

    def _floor(self) -> int:
        """Return from when on the source is asked: later than the floor if its totals stop at some number."""
        if self.head.totals <= 0:
            return self._due.floor
        return below_cap(self.days, self._due.floor, self.head.totals) or self._due.floor

    def _look_for_missing(self, newest: Newest) -> None:
        """The page lacks what was there: a stale response; or a deletion, which the next page shows as well."""
        if "missing" in self._flags:
            self.head.keep_newest((), 0)
            self._read([newest.last_days()], PAGE_LIMIT, newest.until)
        else:
            self._flags.add("missing")
            self._balance()

    def _explain(self, newest: Newest, before: int, expected: int) -> None:
        """Do something about a total that is not what is expected."""
        steady = len(self._numbers) > 1 and self._numbers[-1] == self._numbers[-2] and "news" not in self._flags
        if steady or self._rounds >= ROUNDS or ("all read" in self._flags and "judged" not in self._flags):
            if self._judge_totals(newest, expected):
                self._balance()
                return
            if steady or self._rounds >= ROUNDS:
                self._give_up(newest, expected, steady=steady)
                return
        if (edge := self._edge(newest)) is not None:
            self._read([self._shown_no_more(edge, newest)], max(0, (newest.total or 0) - before), newest.until)
        elif newest.total is not None and newest.total < expected and self._retention_moved():
            self._balance()
        else:
            self._descend(newest)

    def _edge(self, newest: Newest) -> int | None:
        """Return where the entries that were known before end, if the page does not reach so far; else None."""
        if "edge" in self._flags or self._run.period.until is not None:
            return None
        self._flags.add("edge")
        reaches = not newest.known_until or newest.known_until >= newest.judged.above
        return None if reaches or self._refreshed() else max(newest.known_until, newest.floor)

    def _descend(self, newest: Newest) -> None:
        """Ask for the total of what the page does not show; if that differs too, find out where."""
        older = newest.total
        if newest.border + 1 < newest.until:
            window = Window(newest.floor, max(newest.border, newest.floor) + 1)
            older = self._run.query.total(self.organization, window)
        elif older is not None:
            older -= newest.newer
        if self._is_expected(newest, older) or (self._refreshed() and self._is_expected(newest, older)):
            self._verified(newest, max(0, (newest.total or 0) - (older or 0) - newest.newer))
            return
        unread, self.head.unread = self.head.unread, []
        windows = [Window(max(a, newest.floor), min(b, newest.until)) for a, b in unread]
        windows = [one for one in windows if one.start < one.end]
        windows = windows or self._search(newest).by_halves(newest.floor, older)
        missing = max(0, (older or 0) - (self.days.source(newest.floor) - newest.newer))
        if windows:
            self._read(windows, missing, newest.until)
        else:
            self._give_up(newest, self.days.source(newest.floor), steady=False)

    def _shown_no_more(self, start: int, newest: Newest) -> Window:
        """Return the time from `start` up to what the page shows; to the end, where the last day's counts differ."""
        last = self.days.counted.get(day_of(newest.until - 1).isoformat())
        differs = self.head.rolls_up or (last and last.held != last.source)
        return Window(start, newest.until if differs else min(newest.border + 1, newest.until))

    def _is_expected(self, newest: Newest, older: int | None) -> bool:
        return older == self.days.source(newest.floor) - newest.newer

    def _search(self, newest: Newest) -> Search:
        return Search(self._run.query, self.organization, self.days, newest)

    def _refreshed(self) -> bool:
        """Look, once a run, at what others wrote; return whether there was anything."""
        if "refreshed" in self._flags:
            return False
        self._flags.add("refreshed")
        changed, since = self.days.refresh()
        if since and since < self._due.since:
            self.head.since = self.days.since = since
            self._due = Due(since, self._due.floor)
        return changed

    def _retention_moved(self) -> bool:
        """Where the retention is not known: raise the floor to what the source still has, if it lost older entries."""
        if self._run.kept.floor or "oldest" in self._flags:
            return False
        self._flags.add("oldest")
        page = self._run.query.page(self.organization, Window(self._due.floor, self._run.now()), limit=1)
        times = placed(page, self._due.floor).times
        floor = day_start(day_of(times[0])) + DAY_MS if times else self._due.floor
        held = self.days.dates(self._due.floor, floor - 2 * DAY_MS)
        if floor <= self._due.floor or not held:
            return False
        self._due = Due(self._due.since, floor)
        return True

    # Totals that prove little.

    def _hides_more(self, newest: Newest) -> bool:
        """Return whether there are more entries than the total says: counting may stop at a round number."""
        if newest.total is None or not may_be_a_cap(newest.total) or newest.total < PAGE_LIMIT:
            return False
        window = Window(newest.floor, newest.until)
        try:
            page = self._run.query.page(self.organization, window, offset=newest.total, limit=1)
        except QueryRefused:
            self.result.not_proved.append(f"the total of {newest.total} may be where Anypoint stops counting")
            return False
        if page.entries and (page.total is None or page.total <= newest.total):
            self._set_totals(Totals(cap=newest.total))
        return bool(page.entries)

    def _judge_totals(self, newest: Newest, expected: int) -> bool:
        """Find out, once a run, what the totals are worth; return whether that is less than was thought."""
        if "judged" in self._flags or self._run.period.until is not None:
            return False
        self._flags.add("judged")
        border = in_the_middle(self.days, newest.floor, newest.until)
        parts = (Window(newest.floor, newest.until), Window(newest.floor, border), Window(border, newest.until))
        whole, earlier, later = (sure_total(self.query, self.organization, part) for part in parts)
        found = worth(whole, expected, earlier, later)
        if found:
            self._set_totals(found)
        return found is not None

    def _totals_count_again(self, newest: Newest, expected: int) -> bool:
        """Return whether totals that proved nothing do so again; they are asked once a run."""
        if "judged" in self._flags or self._judge_totals(newest, expected):
            return False
        self._set_totals(Totals())
        return True

    def _set_totals(self, totals: Totals) -> None:
        if totals.code:
            log.warning("The totals that Anypoint gives of %s prove little: %s", self.organization, totals)
        self.head.totals = totals.code
        if totals.cap and not below_cap(self.days, self._due.floor, totals.cap):
            self.head.totals = Totals(useless=True).code

    def _look_back(self, newest: Newest) -> None:
        """Where totals prove nothing: read again what may still change, and say so."""
        start = max(newest.floor, day_start(day_of(newest.until - self._run.period.look_back)))
        if "looked back" not in self._flags and "all read" not in self._flags:
            self._flags.add("looked back")
            self._read([Window(start, newest.until)], 0, newest.until)
            return
        self.result.not_proved.append(
            f"Anypoint's totals prove nothing; only what is newer than {iso(start)} was read again (LOOK_BACK)"
        )
        self._finish()

    def _look_before_cap(self, newest: Newest) -> list[Window]:
        """Compare a few stretches of what lies before a cap, others on each run; say what is proved."""
        found, looked = self._search(newest).before_cap(self._due.floor, self.head.totals, OLDER_A_RUN)
        self.result.not_proved.append(
            f"Anypoint's totals stop at {self.head.totals}: proved from {iso(newest.floor)} on"
            + (
                f", and of what is older {', '.join(f'{iso(a)[:10]} to {iso(b)[:10]}' for a, b in looked)}"
                if looked
                else ""
            )
        )
        return found

    # Reading.

    def _read(self, windows: list[Window], expected: int, until: int) -> None:
        """Read stretches of time, and balance again."""
        self._read_days |= {day for one in windows for day in self.days.dates(*one)}
        reading = Reading(
            joined([self._widened(one) for one in windows]),
            expected,
            until,
            query=self._run.query,
            organization=self.organization,
            commit=self.commit,
            memory=self._run.memory,
            then=lambda: self._guarded(self._after_reading),
        )
        self._flags.discard("news")
        self._windows = windows
        self.reading = reading
        self.result.expected += expected
        reading.start(self._run.pool, self.rank, oldest_first=self._run.period.oldest_first)

    def _widened(self, window: Window) -> Window:
        """Return the window from 00:00 UTC, if its first day's counts differ: then only a whole day tells anything."""
        counted = self.days.counted.get(day_of(window.start).isoformat())
        if counted and counted.held != counted.source:
            return Window(max(self._due.floor, day_start(day_of(window.start))), window.end)
        return window

    def _after_reading(self) -> None:
        reading, self.reading = self.reading, None
        assert reading is not None  # noqa: S101 - it is what calls this
        self.result.read += reading.fetched
        before = self.days.held() - self.days.source(0)
        if reading.settle(self.days.get, self.days.dates, self._run.until):
            self._flags.add("news")
        self._read_days |= reading.days()
        self.days.note_all()
        gone = self.days.held() - self.days.source(0) - before
        if gone > 0:
            log.warning("Anypoint has %d entries of %s no more; the archive keeps them", gone, self.organization)
        if reading.failures:
            self.failures += [self._told(error) for error in reading.told()]
            self.head.unread = reading.unread()
            self._finish()
        else:
            self._balance()

    def commit(self, batch: Batch) -> Committed:
        """Bring a batch into the archive, and count it.

        Raises:
            AuditError: as `Day.commit`.
        """
        day = self.days.get(batch.day)
        committed = day.commit(batch, [one.get(batch.day) for one in self.relatives])
        self.days.note(day)
        with self._lock:
            self.result.written += committed.written
            if committed.written:
                self._flags.add("news")
        return committed

    def _commit_page(self, newest: Newest) -> bool:
        """Commit what is new of the newest page, whatever the total says; False if it has to be read by whole days."""
        if self._rounds == 1:
            self.result.read += len(newest.entries.times)
        try:
            for batch in newest.batches():
                self.commit(batch)
        except (Damaged, Respelled):
            if "unread page" in self._flags:
                raise
            self._flags.add("unread page")
            return False
        if newest.until == self._run.period.until:
            return True
        if not newest.judged.missing:
            self.head.keep_newest(newest.known(), newest.judged.above + 1)
        return True

    # Being done.

    def _verified(self, newest: Newest, arriving: int = 0) -> None:
        """Note that the archive equals the source; first look, where that is due, whether it does so by accident."""
        windows = self._second_look(newest)
        if windows:
            self._read(windows, 0, newest.until)
        elif arriving and self._rounds < ROUNDS:
            self._balance()
        else:
            self.result.left = arriving
            self._prove(newest.until)

    def _second_look(self, newest: Newest) -> list[Window]:
        """Return where counts differ that balance as a whole: what `--since` and each day's first run look for."""
        if "second look" in self._flags:
            return []
        self._flags.add("second look")
        if windows := self._readable_again(newest):
            return windows
        if self.head.totals > 0:
            return self._look_before_cap(newest)
        if self.head.totals < 0:
            self._set_totals(Totals())  # they count again
        if self._run.period.since is not None:
            return self._search(newest).by_day(self._read_days)
        return self._search(newest).by_suffix() if self._run.first_of_day else []

    def _readable_again(self, newest: Newest) -> list[Window]:
        """Return the days of entries that could not be read, and now can; a few are tried on each run."""
        found: list[Window] = []
        for first, last, _ in self.days.unreadable(newest.floor)[:RETRIED_A_RUN]:
            try:
                page = self.query.page(self.organization, Window(first, last + 1), limit=2)
            except (SourceError, LogRefused):
                continue
            start = max(newest.floor, day_start(day_of(first)))
            if page.entries:
                found.append(Window(start, min(start + DAY_MS, newest.until)))
        return list(dict.fromkeys(found))

    def _prove(self, until: int) -> None:
        self.result.verified_at = until
        self.head.unread = []
        unreadable = self.days.unreadable(self._due.floor)
        if unreadable:
            times = ", ".join(f"{iso(first)} to {iso(last)} ({reason})" for first, last, reason in unreadable[:3])
            more = f", and {len(unreadable) - 3} others" if len(unreadable) > 3 else ""
            self.failures.append(
                SourceError(
                    f"{len(unreadable)} entries of {self.organization} cannot be read: {times}{more}.",
                    "All others are collected. The manifests of these days say when and why. Run with --since that "
                    "day to try again; if this stays, report it to MuleSoft with the times.",
                )
            )
        self._finish()

    def _where(self, newest: Newest) -> str:
        """Return in words where counts differ: which days, if there are not too many to ask for each."""
        windows = self._windows
        if len(self.days.dates(newest.floor, newest.until)) <= DAYS_NAMED:
            windows = self._search(newest).by_day(()) or windows
        return "; ".join(str(one) for one in windows[:5])

    def _give_up(self, newest: Newest, expected: int, *, steady: bool) -> None:
        """End with a difference that reading does not explain."""
        total = newest.total
        if not steady:
            self.result.left = abs((total or 0) - expected)
            log.warning("Entries of %s keep moving; %d are left to the next run", self.organization, self.result.left)
        else:
            self.failures.append(
                SourceError(
                    f"Anypoint contradicts itself about {self.organization}: it counts "
                    f"{'nothing' if total is None else total} entries from {iso(self._due.floor)} on and gives "
                    f"{expected}, each time it is asked. They differ in {self._where(newest)}.",
                    "What it gave is kept. The next run asks again; if this stays, report it to MuleSoft.",
                )
            )
        self._finish()

    def save(self) -> None:
        """Keep where the organization stands, so that an unfinished run is continued, not repeated.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        if self.reading:
            self.head.unread = self.reading.unread()
        self._save()

    def abandon(self) -> None:
        """Commit what readers hold that wait for the source."""
        for reader in list(self.reading.readers) if self.reading else ():
            reader.abandon()

    def _finish(self) -> None:
        self._save()
        self.done = True
        self._run.finished(self)

    def _save(self) -> None:
        """Replace the head, if it says anything new. One worker of a backfill that is shared writes manifests only."""
        data = heads.encode(self.head)
        since_is_new = self.head.since != self._saved_since
        if data != self._saved and (self._run.period.until is None or since_is_new):
            self._generation = heads.save(self._run.store, self.head, self._generation)
            self._saved, self._saved_since = heads.encode(self.head), self.head.since

    def _guarded(self, *steps: Callable[[], None]) -> None:
        """Do steps one after the other; a failure that concerns this organization alone ends it, and no other."""
        try:
            for step in steps:
                step()
        except Interrupted:
            raise
        except (CredentialsError, ArchiveError) as error:
            if not isinstance(error, Damaged):
                raise
            self.failures.append(error)
            self._finish()
        except AuditError as error:
            self.failures.append(self._told(error))
            self._finish()

    def _told(self, error: AuditError) -> AuditError:
        if isinstance(error, UnknownOrganization) and not self._run.is_named(self.organization):
            return LogRefused(
                f"Anypoint knows no audit log of {self.organization} any more (404).",
                "What was collected is kept, and other organizations were collected. If the business group was "
                "deleted for good, take it out of state/organizations.json in the archive.",
            )
        return error
