"""What every store has to do, whatever it is made of: one suite over all of them."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.storage_server import StorageServer

from mulesoft_audit.archive.gcs import GcsStore
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.archive.store import GenerationMismatch, Held, ObjectExists, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MIB = 1024 * 1024
DAY = "audit/11111111-1111-1111-1111-111111111111/2026/11/23/"


@dataclass
class World:
    """One kind of store: `open` another process's view of it, `plant` an object without it."""

    open: Callable[[], Store]
    plant: Callable[[str, bytes], object]


def _directory(root: Path) -> World:
    def plant(name: str, data: bytes) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)

    return World(lambda: LocalStore(root), plant)


def _bucket(server: StorageServer, prefix: str, stack: ExitStack) -> World:
    def opened() -> Store:
        store = GcsStore("audit-archive", prefix, retry_seconds=20)
        stack.callback(store.close)
        return store

    return World(opened, lambda name, data: server.put(f"{prefix}/{name}".lstrip("/"), data))


@pytest.fixture(params=["directory", "bucket", "bucket-with-prefix"])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with ExitStack() as stack:
        if request.param == "directory":
            yield _directory(tmp_path / "archive")
            return
        server = stack.enter_context(StorageServer())
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield _bucket(server, "team/mule" if request.param == "bucket-with-prefix" else "", stack)


@pytest.fixture
def store(world: World) -> Iterator[Store]:
    store = world.open()
    yield store
    store.close()


def sizes(store: Store, prefix: str) -> list[tuple[str, int]]:
    return [(listed.name, listed.size) for listed in store.list(prefix)]


def test_what_is_created_is_read_back_with_its_generation(store: Store) -> None:
    generation = store.create(DAY + "mulesoft-audit-000001.json.gz", b"\x1f\x8bpart", {"entries": "3"})
    assert generation != 0
    assert store.read(DAY + "mulesoft-audit-000001.json.gz") == Held(b"\x1f\x8bpart", generation)


def test_a_name_that_is_taken_stays_as_it_is(store: Store) -> None:
    generation = store.create("a", b"first")
    with pytest.raises(ObjectExists):
        store.create("a", b"second")
    assert store.read("a") == Held(b"first", generation)


def test_creating_the_same_bytes_again_is_still_somebody_elses_object(world: World) -> None:
    world.open().create("a", b"same")
    with pytest.raises(ObjectExists):
        world.open().create("a", b"same")


def test_of_sixteen_creators_at_once_one_wins(world: World) -> None:
    stores = [world.open() for _ in range(4)]
    barrier = threading.Barrier(16)

    def attempt(i: int) -> int | None:
        barrier.wait()
        try:
            stores[i % 4].create("race", b"%d" % i)
        except ObjectExists:
            return None
        return i

    with ThreadPoolExecutor(16) as pool:
        winners = [i for i in pool.map(attempt, range(16)) if i is not None]
    held = stores[0].read("race")
    assert held is not None
    assert [int(held.data)] == winners


def test_a_counter_replaced_by_generation_loses_no_increment(world: World) -> None:
    stores = [world.open(), world.open()]
    stores[0].replace("counter", b"0", 0)

    def increment(store: Store) -> None:
        while True:
            held = store.read("counter")
            assert held is not None
            try:
                store.replace("counter", b"%d" % (int(held.data) + 1), held.generation)
            except GenerationMismatch:
                continue
            return

    def worker(i: int) -> None:
        for _ in range(8):
            increment(stores[i % 2])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(worker, range(8)))
    held = stores[0].read("counter")
    assert held is not None
    assert held.data == b"64"


def test_what_is_not_there_reads_as_none(store: Store) -> None:
    assert store.read("nothing") is None
    assert store.read("state/nothing/at/all.json") is None
    store.create("folder/object", b"1")
    assert store.read("folder/object/below") is None


def test_the_name_of_a_folder_is_no_object(store: Store) -> None:
    store.create("folder/object", b"1")
    assert store.read("folder") is None


def test_replace_with_generation_zero_creates_once(store: Store) -> None:
    generation = store.replace("manifest.json", b"{}", 0)
    with pytest.raises(GenerationMismatch):
        store.replace("manifest.json", b"[]", 0)
    assert store.read("manifest.json") == Held(b"{}", generation)


def test_a_generation_that_replace_returns_can_be_replaced_in_turn(store: Store) -> None:
    generation = 0
    for i in range(4):
        generation = store.replace("manifest.json", b"%d" % i, generation)
    assert store.read("manifest.json") == Held(b"3", generation)


def test_a_stale_generation_changes_nothing(world: World) -> None:
    mine, theirs = world.open(), world.open()
    first = mine.create("manifest.json", b"1")
    second = theirs.replace("manifest.json", b"22", first)
    with pytest.raises(GenerationMismatch):
        mine.replace("manifest.json", b"333", first)
    assert mine.read("manifest.json") == Held(b"22", second)


def test_an_object_that_is_gone_cannot_be_replaced(store: Store) -> None:
    with pytest.raises(GenerationMismatch):
        store.replace("manifest.json", b"1", 1_700_000_000_000_000)
    assert store.read("manifest.json") is None


def test_a_listing_is_in_order_and_stays_below_its_prefix(store: Store) -> None:
    names = [f"{DAY}mulesoft-audit-{i:06}.json.gz" for i in (3, 1, 2)]
    for name in [*names, DAY.replace("/23/", "/24/") + "x", DAY.replace("/23/", "/2/") + "x", "state/x"]:
        store.create(name, name.encode())
    assert sizes(store, DAY) == [(name, len(name)) for name in sorted(names)]
    assert len(list(store.list("audit/"))) == 5
    assert [listed.name for listed in store.list("state/")] == ["state/x"]


def test_a_prefix_may_end_within_a_name(store: Store) -> None:
    for name in ("d/part-1", "d/part-10", "d/part-2", "d/other", "dd/part-1"):
        store.create(name, b"")
    assert [listed.name for listed in store.list("d/part-1")] == ["d/part-1", "d/part-10"]


def test_order_is_that_of_the_whole_name_not_of_its_segments(store: Store) -> None:
    names = ["a-b/1", "a/1", "a/b/1", "a.b/1", "a0", "b"]
    for name in names:
        store.create(name, b"")
    assert [listed.name for listed in store.list("")] == sorted(names)


def test_nothing_lies_where_nothing_was_written(store: Store) -> None:
    assert list(store.list("")) == []
    assert list(store.list("audit/nobody/")) == []


def test_a_listing_goes_on_after_a_thousand_objects(world: World) -> None:
    names = [f"{DAY}{i:06}" for i in range(2_050)]
    for name in names:
        world.plant(name, b"x")
    assert [listed.name for listed in world.open().list(DAY)] == names


def test_a_large_object_is_written_and_replaced_whole(store: Store) -> None:
    first, second = os.urandom(9 * MIB + 1), os.urandom(17 * MIB)
    generation = store.create("large", first)
    assert store.read("large") == Held(first, generation)
    with pytest.raises(ObjectExists):
        store.create("large", second)
    generation = store.replace("large", second, generation)
    assert store.read("large") == Held(second, generation)
    assert sizes(store, "large") == [("large", 17 * MIB)]


@pytest.mark.parametrize("size", [8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 16 * MIB])
def test_no_size_is_special(store: Store, size: int) -> None:
    data = bytes(size)
    generation = store.create("object", data)
    assert store.read("object") == Held(data, generation)


def test_an_empty_object_is_an_object(store: Store) -> None:
    generation = store.create("empty", b"")
    assert generation != 0
    assert store.read("empty") == Held(b"", generation)
    assert sizes(store, "") == [("empty", 0)]
    assert store.replace("empty", b"1", generation) != 0


@pytest.mark.parametrize(
    "name",
    [
        "state/with space/plus+percent%20/ä/日本.json",
        "hash#question?ampersand&equals=.json",
        "deep/" * 40 + "name",
        "n" * 240,
        "-leading/.hidden/~tilde/(brackets)[x]{y}",
    ],
)
def test_names_are_taken_as_they_are(store: Store, name: str) -> None:
    generation = store.create(name, b"1")
    assert store.read(name) == Held(b"1", generation)
    assert sizes(store, name[: len(name) // 2]) == [(name, 1)]
    assert store.replace(name, b"22", generation) != generation


def test_metadata_may_say_anything(store: Store) -> None:
    assert store.create("a", b"1", {"organization": "Ärger & Söhne", "day": "2026-11-23", "entries": "0"})


def test_a_good_store_passes_its_check_and_nothing_is_left_behind(store: Store) -> None:
    store.create("state/x", b"1")
    store.check()
    store.check()
    assert sizes(store, "") == [("state/x", 1)]


def test_checks_at_the_same_time_do_not_disturb_each_other(world: World) -> None:
    stores = [world.open() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda store: store.check(), stores))


def test_what_one_writes_another_reads(world: World) -> None:
    generation = world.open().create("a", b"1")
    assert world.open().read("a") == Held(b"1", generation)


def test_the_url_is_what_a_person_would_pass(store: Store) -> None:
    assert store.url.endswith(("archive", "gs://audit-archive", "gs://audit-archive/team/mule"))


def test_a_listing_says_the_generation_that_reading_says_or_none(store: Store) -> None:
    for name in ("a", "b"):
        store.create(name, name.encode())
    held = store.read("b")
    assert held is not None
    store.replace("b", b"2", held.generation)
    for listed in store.list(""):
        held = store.read(listed.name)
        assert held is not None
        assert listed.generation in (0, held.generation)


def test_whoever_says_that_it_is_alone_is_alone(world: World) -> None:
    mine, theirs = world.open(), world.open()
    mine.create("a", b"1")
    theirs.replace("b", b"1", 0)
    assert not mine.alone()
    assert not theirs.alone()
    assert not mine.alone()


def test_a_store_works_on_after_it_was_closed(store: Store) -> None:
    store.create("a", b"1")
    store.close()
    store.close()
    store.create("b", b"1")
    assert sizes(store, "") == [("a", 1), ("b", 1)]


def test_an_object_is_removed_at_its_generation_only(world: World) -> None:
    store = world.open()
    first = store.create(f"{DAY}a", b"1")
    second = store.replace(f"{DAY}a", b"2", first)
    with pytest.raises(GenerationMismatch):
        store.remove(f"{DAY}a", first)
    assert store.read(f"{DAY}a") == Held(b"2", second)
    store.remove(f"{DAY}a", second)
    assert store.read(f"{DAY}a") is None
    store.remove(f"{DAY}a", second)
    assert list(store.list(DAY)) == []
