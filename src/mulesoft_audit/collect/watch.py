"""Staying up: a round of balances at a fixed interval, with one token, warm connections and heads in memory.

No round waits for the one before. What an earlier round is still reading stays with it, and all others are asked.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from mulesoft_audit.anypoint.pacer import IN_FLIGHT_SECONDS, MINUTE
from mulesoft_audit.clock import Stop
from mulesoft_audit.collect.between import Between
from mulesoft_audit.collect.run import collect
from mulesoft_audit.collect.summary import Summary
from mulesoft_audit.errors import AuditError, Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.anypoint.pacer import Pacer
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.collect.organization import OrganizationRun
    from mulesoft_audit.collect.period import Period, Whose

log = logging.getLogger(__name__)

FRESH_SECONDS = 600.0  #: after which tree, retention and heads are read again, and a standing failure is told again
BESIDES = 2  #: requests of a round besides one an organization, on average: tree and retention come every ten minutes
LOOK_SECONDS = 0.1  #: how often is looked whether a round came to an end
END_SECONDS = 3.5  #: how long rounds may take to save what they have; a SIGTERM leaves five


class Shared(Protocol):
    """Anypoint for one round; see `wiring.Source`."""

    query: AuditQuery
    pacer: Pacer

    def sharing(self, stop: Stop) -> Shared:
        """Return the same for one round, which stops when `stop` does."""
        ...

    def clock_ahead(self) -> float | None:
        """Return by how many seconds this machine's clock is ahead of the source's."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """What is called as rounds go: see `watch`."""

    changed: Callable[[Summary], None]
    began: Callable[[], None]
    ended: Callable[[Summary], None]


@dataclass(slots=True)
class Round:
    """One round under way.

    Attributes:
        number: counts up from round to round.
        stop: stops this round alone.
        thread: that it runs on.
        summary: as it fills; None until organizations are under way.
        failed: what ended it that no summary can hold.
    """

    number: int
    stop: Stop
    thread: threading.Thread | None = None
    summary: Summary | None = None
    failed: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)


def interval_kept(wanted: float, organizations: int, per_minute: int) -> float:
    """Return the seconds from round to round that the allowance can keep: `wanted`, or more."""
    return max(wanted, (organizations + BESIDES) * (MINUTE + IN_FLIGHT_SECONDS) / per_minute)


class Watch:
    """Rounds, one after the other, until it is time to stop."""

    def __init__(self, source: Shared, find: Callable[[], Whose], store: Store, stop: Stop, tell: Told) -> None:
        self._source = source
        self._find = find
        self._store = store
        self._stop = stop
        self._tell = tell
        self._whose: Whose | None = None
        self._found_at = 0.0
        self._between = Between()
        self._rounds: list[Round] = []
        self._told: set[str] = set()
        self._stretched = 0.0
        self._started = 0
        self._prepared = False  # whether a round decided for each organization since when everything is to be held

    def run(self, period: Period, interval: float) -> int:
        """Go on until it is time to stop; see `watch`."""
        clock = self._stop.clock
        self._stop.heeded = True
        try:
            while not self._stop.asked:
                began = clock.monotonic()
                whose = self._organizations()
                self._start(whose, replace(period, since=None) if self._prepared else period)
                kept = self._interval(interval, len(whose.organizations))
                while not self._stop.asked:
                    self._say_ended()
                    left = began + kept - clock.monotonic()
                    if left <= 0 and not (kept > interval and left > -kept / 2 and self._wait_for_leave()):
                        break
                    self._stop.sleep(min(max(left, LOOK_SECONDS / 10), LOOK_SECONDS))
        except Interrupted:
            pass  # what is under way is saved below
        finally:
            self._end()
        return Interrupted.exit_code

    def _organizations(self) -> Whose:
        """Return whose logs: asked for again after ten minutes; where that fails, those known before are kept."""
        now = self._stop.clock.monotonic()
        if self._whose and now - self._found_at < FRESH_SECONDS:
            return self._whose
        self._between = Between()
        self._told.clear()
        try:
            self._whose = self._find()
        except (Interrupted, UsageError):
            raise
        except AuditError as error:
            if not self._whose:
                raise
            self._tell.changed(Summary(problems=[error]))
        self._found_at = now
        return self._whose

    def _interval(self, wanted: float, organizations: int) -> float:
        kept = interval_kept(wanted, organizations, self._source.pacer.per_minute)
        if kept > wanted and kept != self._stretched:
            log.warning(
                "%d organizations at %d requests a minute take %.0f s: that is the interval, not %.0f s",
                organizations,
                self._source.pacer.per_minute,
                kept,
                wanted,
            )
        if kept > wanted:
            self._source.pacer.spread()
        self._stretched = kept
        return kept

    def _wait_for_leave(self) -> bool:
        """Return whether organizations wait for their first response; where the allowance is short, a round waits too.

        Otherwise it would leave them out, and they would be asked half as often as others.
        """
        return any(not run.done and run.result.total is None for one in self._rounds for run in _runs(one))

    def _start(self, whose: Whose, period: Period) -> None:
        """Begin a round with all organizations that no earlier round is still at."""
        if any(one.summary is None and not one.done.is_set() for one in self._rounds):
            return  # the round before has not even begun: the archive, or the source, does not respond
        self._tell.began()
        self._started += 1
        one = Round(self._started, Stop(self._stop.clock))
        between = self._left()
        shared = self._source.sharing(one.stop)

        def started(summary: Summary) -> None:
            one.summary = summary
            self._prepared |= not any(run.failures for run in summary.organizations)

        def work() -> None:
            try:
                one.summary = collect(
                    whose,
                    period,
                    store=self._store,
                    query=shared.query,
                    pacer=shared.pacer,
                    stop=one.stop,
                    ahead=shared.clock_ahead,
                    started=started,
                    between=between,
                )
            except BaseException as error:  # noqa: BLE001 - raised again, or told, on the main thread
                one.failed = error
            finally:
                one.done.set()

        self._rounds.append(one)
        one.thread = threading.Thread(target=work, name="round", daemon=True)
        one.thread.start()

    def _left(self) -> Between:
        """Return what the rounds so far leave to the next."""
        for one in self._rounds:
            self._take_over(one)
        under_way = [run for one in self._rounds if one.summary and not one.done.is_set() for run in _runs(one)]
        return Between(dict(self._between.runs), [run for run in under_way if not run.done])

    def _take_over(self, one: Round) -> None:
        """Keep where a round's organizations stand, but for those that a later round is through with."""
        later = one.summary.later if one.summary else {}
        found = [run for run in _runs(one) if run.organization.id not in later]
        for run in found:
            if run.done and not run.failures:
                self._between.runs[run.organization.id] = run
            else:
                self._between.runs.pop(run.organization.id, None)
        through = {run.organization.id: run.complete for run in found if run.done or one.done.is_set()}
        for other in self._rounds:
            if other.summary and other.number < one.number:
                other.summary.later = {**other.summary.later, **through}  # another one: its round may be reading it

    def _say_ended(self) -> None:
        """Tell of the rounds that came to an end, where they changed anything or failed in a new way.

        Raises:
            UsageError: the archive belongs to another root organization.
            BaseException: a mistake of the program.
        """
        for one in [one for one in self._rounds if one.done.is_set()]:
            self._rounds.remove(one)
            self._take_over(one)
            summary = one.summary or Summary()
            if isinstance(one.failed, UsageError) or (one.failed and not isinstance(one.failed, AuditError)):
                raise one.failed
            if isinstance(one.failed, Interrupted):
                summary.interrupted = one.stop.reason or one.failed.message
            elif isinstance(one.failed, AuditError):
                summary.problems.append(one.failed)
            summary.ended = summary.ended or int(self._stop.clock.time() * 1000)
            self._tell.ended(summary)
            failures = {error.message for error in summary.failures}
            if summary.written or failures - self._told or (self._told and not failures):
                self._tell.changed(summary)
            self._told = failures

    def _end(self) -> None:
        """Stop what is under way, wait until it has saved what it has, and tell of it."""
        for one in self._rounds:
            one.stop.ask(self._stop.reason or "another part of the program failed")
        clock = self._stop.clock
        until = clock.monotonic() + END_SECONDS
        for one in self._rounds:
            one.done.wait(max(0.0, until - clock.monotonic()))
        self._say_ended()
        self._stop.heeded = False


def _runs(one: Round) -> list[OrganizationRun]:
    return list(one.summary.organizations) if one.summary else []


def watch(
    source: Shared,
    find: Callable[[], Whose],
    period: Period,
    interval: float,
    *,
    store: Store,
    stop: Stop,
    say: Callable[[Summary], None],
    began: Callable[[], None] = lambda: None,
    ended: Callable[[Summary], None] = lambda _: None,
) -> int:
    """Collect again and again until it is time to stop; return the exit status.

    Args:
        source: Anypoint.
        find: returns whose logs, and for how long they are kept; called every ten minutes.
        period: from when on, in the first round; later ones continue.
        interval: seconds from the start of one round to that of the next; stretched to what the allowance can keep.
        store: the archive.
        stop: tells that it is time to stop.
        say: called with each round that changed something, or failed in a new way.
        began: called when a round begins.
        ended: called with each round.

    Raises:
        AuditError: the organizations cannot be found at first, or the archive belongs to another root organization.
    """
    return Watch(source, find, store, stop, Told(say, began, ended)).run(period, interval)
