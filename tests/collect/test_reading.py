"""Stretches of time are read by several readers, each entry once, and what came is in the archive whatever happens."""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.archives import lines
from tests.collect.archive_of import again, archive_of
from tests.collect.audit_log import ORGANIZATION, AuditLog, body, stamp_of

from mulesoft_audit.anypoint.query import LogRefused, Window
from mulesoft_audit.anypoint.response import NoResponse, TooLarge
from mulesoft_audit.archive.layout import day_of
from mulesoft_audit.clock import Stop
from mulesoft_audit.collect.pool import WorkerPool
from mulesoft_audit.collect.reading import Memory, Reading
from mulesoft_audit.collect.slices import AT_FIRST, WORTH_TAKING, joined
from mulesoft_audit.errors import ArchiveError, AuditError, CredentialsError, Interrupted, SourceError
from mulesoft_audit.ledger.commit import commit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.collect.entries import Entries
    from mulesoft_audit.collect.fetch import Slice
    from mulesoft_audit.collect.reading import Reader
    from mulesoft_audit.ledger.batch import Batch
    from mulesoft_audit.ledger.days import Days

DAY, HOUR = 86_400_000, 3_600_000
START = 20_000 * DAY


def wait_for(event: threading.Event) -> None:
    assert event.wait(10)


class Made:
    """A reading into an archive, and how often it said that it was through."""

    def __init__(
        self, log: AuditLog, folder: Path, windows: list[Window], expected: int = 0, kind: type[Reading] = Reading
    ) -> None:
        self.days: Days = again(folder)
        self.memory = Memory()
        self.through = 0
        self.end = max(one.end for one in windows)
        self.reading = kind(
            windows,
            expected,
            self.end,
            query=cast("AuditQuery", log),
            organization=ORGANIZATION,
            commit=self._commit,
            memory=self.memory,
            then=self._then,
        )

    def _commit(self, batch: Batch) -> None:
        day = self.days.get(batch.day)
        commit(day, batch)
        self.days.note(day)

    def _then(self) -> None:
        self.through += 1

    def settle(self) -> bool:
        news = self.reading.settle(self.days.get, self.days.dates, self.end)
        self.days.note_all()
        return news

    def run(self, workers: int = 1, idle: Callable[[], Callable[[], None] | None] = lambda: None) -> None:
        pool = WorkerPool(workers, Stop(), idle=idle)
        self.reading.start(pool, 0, oldest_first=False)
        pool.run()

    def counts(self, day: int = 0) -> tuple[int, int]:
        """Return how many entries are held of a day, and how many the source is said to have had."""
        counted = self.days.counted[day_of(START + day * DAY).isoformat()]
        return counted.held, counted.source


def hours(*days: int, each: int = 1) -> list[bytes]:
    """Return an entry of each hour of some days; `each` of the same millisecond."""
    return [body(START + day * DAY + hour * HOUR, n) for day in days for hour in range(24) for n in range(each)]


stretches = st.tuples(st.integers(0, 60), st.integers(1, 9)).map(lambda one: Window(one[0], sum(one)))


@settings(max_examples=15)
@given(
    st.lists(st.integers(0, 3 * DAY - 1), max_size=30),
    st.lists(stretches, min_size=1, max_size=3),
    st.sampled_from([0, 3_000, 100_000]),
    st.integers(1, 3),
)
def test_what_lies_in_the_stretches_is_read_once_and_no_more(
    tmp_path_factory: pytest.TempPathFactory, stamps: list[int], parts: list[Window], expected: int, workers: int
) -> None:
    folder = tmp_path_factory.mktemp("archive")
    log = AuditLog().add(START + stamp for stamp in stamps)
    windows = joined([Window(START + a * HOUR, START + b * HOUR) for a, b in parts])
    made = Made(log, folder, windows, expected)
    made.run(workers)
    inside = [one for window in windows for one in log.truth(*window).elements()]
    assert lines(folder) == sum((log.truth(*window) for window in windows), start=Counter[bytes]())
    assert made.reading.fetched == len(inside)
    assert made.reading.days() == {day_of(stamp_of(one)) for one in inside}
    assert (made.through, made.memory.used) == (1, 0)
    assert (made.reading.failures, made.reading.unread()) == ([], [])


def test_the_newest_is_read_first_and_the_oldest_if_that_is_wanted(tmp_path: Path) -> None:
    for oldest_first in (False, True):
        log = AuditLog(hours(0, 1, 2))
        made = Made(log, tmp_path / str(oldest_first), [Window(START, START + 3 * DAY)], 100_000)
        begun: list[int] = []

        def begins(start: int, begun: list[int] = begun) -> Iterator[Entries]:
            begun.append(start)
            return iter(())

        pool = WorkerPool(1, Stop(), idle=lambda: None)
        begin = threading.Event()
        pool.submit((0,), partial(wait_for, begin))
        made.reading.start(pool, 0, oldest_first=oldest_first)
        for reader in made.reading.readers:
            reader.slice.read = partial(begins, reader.slice.start)
        begin.set()
        pool.run()
        assert begun == sorted(begun, reverse=not oldest_first)
        assert len(begun) == AT_FIRST


# Settling.


@pytest.mark.parametrize(
    ("held", "there", "news", "counts"),
    [
        pytest.param(hours(0), hours(0), False, (24, 24), id="all that is held"),
        pytest.param(hours(0)[1:], hours(0), False, (24, 24), id="a late entry is counted as it is written"),
        pytest.param(hours(0), hours(0)[1:], True, (24, 23), id="an entry that is gone stays, and is not expected"),
        pytest.param(hours(0), [], True, (24, 0), id="a day that is gone"),
        pytest.param(hours(0)[1:], hours(0)[:-1], True, (24, 23), id="one that is gone beside one that came"),
    ],
)
def test_a_day_read_to_its_end_is_what_the_source_gave(
    tmp_path: Path, held: list[bytes], there: list[bytes], news: bool, counts: tuple[int, int]
) -> None:
    archive_of(tmp_path, held)
    made = Made(AuditLog(there), tmp_path, [Window(START, START + DAY)])
    made.run()
    assert made.settle() is news
    assert made.counts() == counts
    assert made.settle() is False
    assert again(tmp_path).counted == made.days.counted


def test_a_day_is_settled_by_a_part_of_it_where_the_rest_does_not_differ(tmp_path: Path) -> None:
    archive_of(tmp_path, hours(0))
    made = Made(AuditLog(hours(0)[:-1]), tmp_path, [Window(START + 12 * HOUR, START + DAY)])
    made.run()
    assert made.settle() is True
    assert made.counts() == (24, 23)


def test_a_day_in_whose_time_something_failed_is_not_settled_and_others_are(tmp_path: Path) -> None:
    archive_of(tmp_path, hours(0, 1, 2))
    log = AuditLog(hours(0)[1:] + hours(1)[1:] + hours(2)[1:])
    windows = [Window(START + day * DAY, START + (day + 1) * DAY) for day in range(3)]
    made = Made(log, tmp_path, windows)

    def refuse(number: int) -> None:
        if number == 2:
            raise NoResponse("it stopped", "hint")

    log.before = refuse
    made.run()
    log.before = lambda number: None
    ((failed, _),) = made.reading.failures
    assert made.settle() is True
    assert [made.counts(day) for day in range(3)] == [
        (24, 24 if START + day * DAY == failed.start else 23) for day in range(3)
    ]
    ((start, end),) = made.reading.unread()
    assert failed.start <= start < end == failed.start + DAY


def test_an_entry_that_cannot_be_read_counts_and_is_named(tmp_path: Path) -> None:
    log = AuditLog(hours(0))
    log.unreadable = {log.entries[7]: TooLarge("it is too large")}
    made = Made(log, tmp_path, [Window(START, START + DAY)])
    made.run()
    assert made.settle() is True
    assert made.counts() == (23, 24)
    ((first, last, reason),) = made.days.unreadable(START)
    assert first <= START + 7 * HOUR <= last
    assert "too large" in reason


# What fails.


def slice_of(reading: Reading) -> Slice:
    return reading._slice(START, START + DAY)


def test_what_fails_alike_in_several_stretches_is_told_once(tmp_path: Path) -> None:
    reading = Made(AuditLog(), tmp_path, [Window(START, START + DAY)]).reading
    refused = LogRefused("refused", "grant it")
    for error in (SourceError("one", "hint"), refused, SourceError("two", "hint"), SourceError("three", "hint")):
        reading.failed(slice_of(reading), error)
    first, second = reading.told()
    assert first.message == "one (2 more stretches failed likewise.)"
    assert (type(first), first.hint) == (SourceError, "hint")
    assert second is refused


@pytest.mark.parametrize("error", [CredentialsError("no", "hint"), ArchiveError("no", "hint")], ids=["id", "archive"])
def test_what_concerns_all_organizations_is_raised(tmp_path: Path, error: AuditError) -> None:
    reading = Made(AuditLog(), tmp_path, [Window(START, START + DAY)]).reading
    with pytest.raises(type(error)):
        reading.failed(slice_of(reading), error)


# Stopping.


@pytest.mark.parametrize("number", [1, 2, 3, 7, 12])
@pytest.mark.parametrize("expected", [0, 100_000], ids=["one reader", "several"])
def test_what_a_stop_leaves_unread_is_all_that_is_not_in_the_archive(
    tmp_path: Path, number: int, expected: int
) -> None:
    log = AuditLog(hours(0, 1, each=40))

    stop = Stop()

    def signal(query: int) -> None:
        if query >= number:
            stop.ask("a signal")
            raise Interrupted("A signal.", "hint")

    log.before = signal
    made = Made(log, tmp_path, [Window(START, START + 2 * DAY)], expected)
    pool = WorkerPool(1, stop, idle=lambda: None)
    made.reading.start(pool, 0, oldest_first=False)
    pool.run()
    for reader in made.reading.readers:
        reader.abandon()
    unread = made.reading.unread()
    rest = [one for start, end in unread for one in log.truth(start, end).elements()]
    held = lines(tmp_path)
    assert unread
    assert held.total() + len(rest) == len(log.entries)
    assert not held & Counter(rest)
    assert made.memory.used == 0
    assert made.through == 0


def test_a_reader_that_waits_leaves_what_it_has_and_takes_nothing_more(tmp_path: Path) -> None:
    log = AuditLog(hours(0, each=40))
    waits, goes_on = threading.Event(), threading.Event()

    def wait(query: int) -> None:
        if query == 3:
            waits.set()
            goes_on.wait(10)

    log.before = wait
    made = Made(log, tmp_path, [Window(START, START + DAY)])
    stop = Stop()
    pool = WorkerPool(1, stop, idle=lambda: None)
    made.reading.start(pool, 0, oldest_first=False)
    assert waits.wait(10)
    (reader,) = made.reading.readers
    stop.ask("a signal")
    reader.abandon()
    ((start, end),) = made.reading.unread()
    held = lines(tmp_path)
    assert held
    assert held == log.truth(START, start)
    assert end == START + DAY
    goes_on.set()
    pool.run()
    assert lines(tmp_path) == held
    assert made.reading.unread() == [(start, end)]


# Sharing.


def begun(made: Made, pages: int = 1) -> Reader:
    """Return the reader of a reading that is one slice, once it has read some pages."""
    stopped = Stop()
    stopped.ask("the tasks are for this thread")
    made.reading.start(WorkerPool(1, stopped, idle=lambda: None), 0, oldest_first=False)
    (reader,) = made.reading.readers
    for _, entries in zip(range(pages), reader.slice.read(), strict=False):
        reader._take(entries)
    return reader


def test_the_later_half_of_what_is_left_is_read_by_another(tmp_path: Path) -> None:
    log = AuditLog(hours(0, each=100))
    made = Made(log, tmp_path, [Window(START, START + DAY)])
    reader = begun(made)
    found = made.reading.largest_rest()
    assert found is not None
    assert found[1] is reader
    assert WORTH_TAKING <= found[0] <= len(log.entries)
    other = made.reading.share(reader)
    assert other is not None
    stop = reader.slice.stop
    assert START < reader.slice.position < stop < START + DAY
    assert made.reading.unread() == [(reader.position, stop), (stop, START + DAY)]
    other()
    assert (made.through, made.reading.unread()) == (0, [(reader.position, stop)])
    reader.read()
    assert (made.through, made.reading.unread()) == (1, [])
    assert lines(tmp_path) == log.truth(START, START + DAY)
    assert made.reading.fetched == len(log.entries)


def test_of_a_reader_that_is_through_or_has_nothing_nothing_is_taken(tmp_path: Path) -> None:
    log = AuditLog(hours(0))
    made = Made(log, tmp_path, [Window(START, START + DAY)])
    made.run()
    (reader,) = made.reading.readers
    assert made.reading.largest_rest() is None
    assert made.reading.share(reader) is None
    assert made.through == 1


class Slow(Reading):
    """A reading in which the reader comes to its end while the later half of its slice is being taken."""

    taken_from: Reader | None = None
    thread: threading.Thread | None = None

    def _slice(self, start: int, stop: int) -> Slice:
        if self.taken_from:
            self.thread = threading.Thread(target=self.taken_from.read)
            self.thread.start()
            self.thread.join(0.3)
        return super()._slice(start, stop)


def test_a_reading_is_through_once_though_a_reader_ends_while_its_half_is_taken(tmp_path: Path) -> None:
    log = AuditLog(hours(0, each=100))
    made = Made(log, tmp_path, [Window(START, START + DAY)], kind=Slow)
    slow = made.reading
    assert isinstance(slow, Slow)
    reader = begun(made)
    slow.taken_from = reader
    other = slow.share(reader)
    assert slow.thread
    slow.thread.join(10)
    assert other is not None
    assert made.through == 0
    other()
    assert made.through == 1
    assert lines(tmp_path) == log.truth(START, START + DAY)


def test_nothing_is_taken_once_a_reading_is_through(tmp_path: Path) -> None:
    log = AuditLog(hours(0, each=100))

    def fail(number: int) -> None:
        if number > 2:
            raise SourceError("it stopped", "hint")

    log.before = fail
    made = Made(log, tmp_path, [Window(START, START + DAY)])
    made.run()
    (reader,) = made.reading.readers
    assert reader.slice.position < reader.slice.stop
    assert made.reading.share(reader) is None
    assert made.reading.unread() == [(reader.position, START + DAY)]
    assert made.through == 1
