"""Entries come in order of time, each once, and nothing that was not asked for is opened."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reading.archives import DAY, START, add, day, line
from tests.storage_server import StorageServer

from mulesoft_audit.archive.gcs import GcsStore
from mulesoft_audit.archive.layout import day_of, keys_name, manifest_name, part_name
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.ledger.batch import LINE_LIMIT
from mulesoft_audit.ledger.manifest import Damaged
from mulesoft_audit.reading import pieces, stream
from mulesoft_audit.reading.files import part_files
from mulesoft_audit.reading.stream import entries

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from mulesoft_audit.reading.entry import Entry

A, B = "0a000000-0000-4000-8000-000000000001", "0a000000-0000-4000-8000-000000000002"


def read(store, *arguments, **named):
    return [(one.time, one.organization, one.line) for one in entries(store, *arguments, **named)]


times = st.integers(0, 3 * DAY - 1).map(lambda time: START + time // 3_600_000 * 3_600_000)
commits = st.lists(st.tuples(st.sampled_from([A, B]), st.lists(times, min_size=1, max_size=8)), max_size=6)


@settings(max_examples=40)
@given(commits, times, times, st.sampled_from([None, [A], [A, B], []]))
def test_what_lies_between_two_times_comes_in_order_each_once(tmp_path_factory, commits, since, until, organizations):
    store = LocalStore(tmp_path_factory.mktemp("archive"))
    held = []
    for number, (organization, moments) in enumerate(commits):
        lines = [line(time, userId=f"{number}-{index}") for index, time in enumerate(moments)]
        add(store, organization, lines)
        held += [(time, organization, one) for time, one in zip(moments, lines, strict=True)]
    wanted = [one for one in held if since <= one[0] < until and (organizations is None or one[1] in organizations)]
    found = read(store, since, until, organizations)
    assert sorted(found) == sorted(wanted)
    assert [one[:2] for one in found] == sorted(one[:2] for one in found)
    assert found == read(store, since, until, organizations)


def test_all_of_an_archive_is_read_when_no_time_is_given(tmp_path):
    store = LocalStore(tmp_path)
    lines = [line(START + number * 40 * DAY) for number in range(20)]
    add(store, A, lines)
    assert [one.line for one in entries(store)] == lines


def test_a_day_outside_the_time_asked_for_is_not_opened(tmp_path):
    store = LocalStore(tmp_path)
    add(store, A, [line(START), line(START + DAY), line(START + 2 * DAY)])
    for other in (START, START + 2 * DAY):
        (tmp_path / manifest_name(A, day_of(other))).write_text("nonsense")
    assert len(read(store, START + DAY, START + 2 * DAY)) == 1


def test_a_part_outside_the_time_asked_for_is_not_opened(tmp_path):
    store = LocalStore(tmp_path)
    add(store, A, [line(START)])
    add(store, A, [line(START + 7_200_000)])
    (tmp_path / part_name(A, day_of(START), 1)).unlink()
    assert len(read(store, START + 3_600_000, START + DAY)) == 1


def test_a_part_that_is_not_in_order_is_put_in_order_a_stretch_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "SORTED_AT_ONCE", 1000)
    store = LocalStore(tmp_path)
    moments = [START + (number * 7919) % 500 for number in range(500)]
    add(store, A, [line(time, userId=str(number)) for number, time in enumerate(moments)])
    found = read(store, START + 20, START + 480)
    assert [one[0] for one in found] == sorted(time for time in moments if START + 20 <= time < START + 480)


def test_the_times_are_found_in_the_entries_where_the_keys_are_lost(tmp_path):
    store = LocalStore(tmp_path)
    lines = [line(START + number) for number in range(5)]
    add(store, A, lines)
    path = tmp_path / keys_name(A, day_of(START), 1)
    path.unlink()
    assert [one.line for one in entries(store)] == lines
    assert not path.exists()


def test_an_entry_too_long_for_a_part_is_read_too(tmp_path):
    store = LocalStore(tmp_path)
    lines = [line(START), line(START + 1, payload="x" * LINE_LIMIT), line(START + 2)]
    add(store, A, lines)
    assert day(store, A, START).manifest.oversize
    assert [one.line for one in entries(store)] == lines


@pytest.mark.parametrize("damage", ["gone", "changed", "manifest"])
def test_what_is_damaged_is_raised_or_told_and_the_rest_read(tmp_path, damage):
    store = LocalStore(tmp_path)
    add(store, A, [line(START), line(START + DAY)])
    add(store, B, [line(START)])
    part = tmp_path / part_name(A, day_of(START), 1)
    if damage == "gone":
        part.unlink()
    elif damage == "changed":
        part.write_bytes(part.read_bytes()[:-1])
    else:
        (tmp_path / manifest_name(A, day_of(START))).write_text("nonsense")
    with pytest.raises(Damaged):
        read(store)
    told = []
    found = read(store, problem=told.append)
    assert len(found) == 2
    assert len(told) == 1
    assert "2024-10-04" in told[0].message or "2024/10/04" in told[0].message


def packed(data: bytes) -> bytes:
    return zlib.compress(data, wbits=31)


@pytest.mark.parametrize("content", [b"", b"nonsense", packed(b"{}\n"), packed(b"{}\n{}\n"), packed(b"x" * 100)])
def test_of_a_damaged_entry_too_long_for_a_part_is_told_and_the_rest_read(tmp_path, content):
    store = LocalStore(tmp_path)
    add(store, A, [line(START), line(START + 1, payload="x" * LINE_LIMIT), line(START + 2)])
    (tmp_path / day(store, A, START).manifest.oversize[0].name).write_bytes(content)
    told = []
    assert [one.time for one in entries(store, problem=told.append)] == [START, START + 2]
    assert len(told) == 1
    told = []
    assert len(part_files(store, START, START + DAY, [A], told.append)) == 1
    assert len(told) == 1


def test_an_archive_of_a_newer_version_is_refused_not_told(tmp_path):
    store = LocalStore(tmp_path)
    add(store, A, [line(START)])
    path = tmp_path / manifest_name(A, day_of(START))
    path.write_text(path.read_text().replace('"format": 2', '"format": 99'))
    with pytest.raises(ArchiveError, match="newer version"):
        read(store, problem=lambda error: None)


def test_reading_writes_nothing(tmp_path):
    store = LocalStore(tmp_path)
    add(store, A, [line(START)])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    read(store)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


def test_an_empty_archive_has_no_entries(tmp_path):
    assert read(LocalStore(tmp_path / "none")) == []


def test_a_reader_that_stops_early_leaves_nothing_behind(tmp_path):
    store = LocalStore(tmp_path)
    add(store, A, [line(START + number * DAY) for number in range(40)])
    stream_of: Generator[Entry] = entries(store)  # type: ignore[assignment]  # it can be closed
    assert next(stream_of).time == START
    stream_of.close()


def test_memory_is_that_of_the_parts_of_one_time(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "FEW_DAYS", 0)
    store = LocalStore(tmp_path)
    text = "x" * 1000
    for number in range(30):
        add(store, A, [line(START + number * DAY + one, payload=text, userId=str(one)) for one in range(2000)])

    def peak(until: int) -> int:
        gc.collect()
        tracemalloc.start()
        try:
            assert sum(1 for _ in entries(store, START, until))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(START + 30 * DAY) < 10_000_000 < 30 * 2000 * len(text)


def test_the_first_entries_wait_for_no_later_part(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "FEW_DAYS", 0)
    store = LocalStore(tmp_path)
    add(store, A, [line(START + number * DAY) for number in range(40)])
    shown = threading.Event()

    def read_slowly(piece):
        assert piece.first == START or shown.wait(20), "the first entries were not shown by then"
        return pieces.load(store, piece)

    blocks = stream.in_order(store, read_slowly, (START, START + 40 * DAY))
    assert next(block for block in blocks if block)[0][0] == START
    shown.set()
    assert sum(map(len, blocks)) == 39


def test_a_bucket_is_read_as_a_directory_is(tmp_path: Path, monkeypatch):
    with StorageServer(buckets=["audit-archive"]) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        bucket, folder = GcsStore("audit-archive", "some/prefix"), LocalStore(tmp_path)
        for store in (bucket, folder):
            add(store, A, [line(START + number * 3_600_000) for number in range(40)])
            add(store, B, [line(START + number * 7_200_000) for number in range(20)])
        assert read(bucket) == read(folder)
        assert read(bucket, START + DAY, START + 2 * DAY, [B]) == read(folder, START + DAY, START + 2 * DAY, [B])
        bucket.close()
