"""What a store in Cloud Storage makes of a network and a service that fail."""

from __future__ import annotations

import logging
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from google.auth.credentials import AnonymousCredentials
from tests.storage_server import StorageServer

from mulesoft_audit.archive.gcs import WRITER, GcsStore
from mulesoft_audit.archive.store import GenerationMismatch, Held, ObjectExists
from mulesoft_audit.errors import ArchiveError, CredentialsError, Interrupted, PermissionMissing, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MIB = 1024 * 1024
SMALL = b"\x1f\x8b small"
LARGE = os.urandom(9 * MIB)  # two chunks
SIZES = pytest.mark.parametrize("data", [SMALL, LARGE], ids=["multipart", "resumable"])
LOST = pytest.mark.parametrize(
    "how", ["reset-after-commit", "status-after-commit:503", "status-after-commit:429", "cut-body"]
)

WRITES = {
    "create": lambda store: store.create("new", SMALL),
    "create-large": lambda store: store.create("new", LARGE),
    "replace": lambda store: store.replace("new", SMALL, 0),
}
OPERATIONS = {
    **WRITES,
    "read": lambda store: store.read("there"),
    "list": lambda store: list(store.list("")),
}
EVERY = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageServer]:
    with StorageServer() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server


@pytest.fixture
def store(server: StorageServer) -> Iterator[GcsStore]:
    store = GcsStore("audit-archive", retry_seconds=10, first_pause=0.01)
    yield store
    store.close()


@pytest.fixture
def hasty(server: StorageServer) -> Iterator[GcsStore]:
    """A store that gives up soon."""
    store = GcsStore("audit-archive", retry_seconds=0.2, first_pause=0.01)
    yield store
    store.close()


# Answers that are lost after the commit.


@SIZES
@LOST
def test_a_creation_whose_answer_was_lost_is_ones_own(
    server: StorageServer, store: GcsStore, how: str, data: bytes
) -> None:
    server.fail(how, method="insert")
    generation = store.create("part", data, {"entries": "7"})
    stored = server.objects()["part"]
    assert (stored.generation, stored.data) == (generation, data)
    assert stored.metadata["entries"] == "7"
    assert store.read("part") == Held(data, generation)


def test_even_if_the_upload_session_is_gone(server: StorageServer, store: GcsStore) -> None:
    server.fail("reset-after-commit", method="insert")
    server.fail("status:410", method="insert")
    generation = store.create("part", LARGE)
    assert server.objects()["part"].generation == generation
    assert server.counts["upload-start"] == 2


def test_even_if_the_question_whose_it_is_fails_too(server: StorageServer, store: GcsStore) -> None:
    server.fail("reset-after-commit", method="insert")
    server.fail("status:503", method="get")
    assert store.create("part", SMALL) == server.objects()["part"].generation


@SIZES
@LOST
def test_a_replacement_whose_answer_was_lost_is_ones_own(
    server: StorageServer, store: GcsStore, how: str, data: bytes
) -> None:
    first = store.create("manifest.json", b"{}")
    server.fail(how, method="insert")
    second = store.replace("manifest.json", data, first)
    assert store.read("manifest.json") == Held(data, second)
    assert second > first


def test_an_answer_that_comes_too_late_does_no_harm(server: StorageServer) -> None:
    """The first request is carried out after the second one: its precondition stops it."""
    store = GcsStore("audit-archive", retry_seconds=10, first_pause=0.01, request_seconds=0.2)
    server.fail("delay:0.6", method="insert")
    generation = store.create("part", SMALL)
    time.sleep(0.6)
    assert server.objects()["part"].generation == generation
    assert [seen.status for seen in server.seen if seen.kind == "insert"] == [200, 412]
    store.close()


# Somebody else writes at the same time.


@SIZES
def test_an_object_a_rival_made_between_two_attempts_is_not_ones_own(
    server: StorageServer, store: GcsStore, data: bytes
) -> None:
    server.fail("reset-before-commit", method="insert")
    server.fail(lambda name: server.put(name, b"rival"), method="insert")
    with pytest.raises(ObjectExists):
        store.create("part", data)
    assert server.objects()["part"].data == b"rival"


def test_not_even_with_the_same_bytes(server: StorageServer, store: GcsStore) -> None:
    server.fail("reset-before-commit", method="insert")
    server.fail(lambda name: server.put(name, SMALL, {WRITER: "of another"}), method="insert")
    with pytest.raises(ObjectExists):
        store.create("part", SMALL)


def test_a_rival_between_the_start_and_the_end_of_an_upload_wins(server: StorageServer, store: GcsStore) -> None:
    server.fail(lambda name: server.put(name, b"rival"), method="upload-chunk")
    with pytest.raises(ObjectExists):
        store.create("part", LARGE)
    assert server.objects()["part"].data == b"rival"


def test_a_rivals_replacement_is_not_ones_own(server: StorageServer, store: GcsStore) -> None:
    first = store.create("manifest.json", b"{}")
    server.fail("reset-before-commit", method="insert")
    server.fail(lambda name: server.put(name, b"rival"), method="insert")
    with pytest.raises(GenerationMismatch):
        store.replace("manifest.json", b"[]", first)


def test_a_rival_who_replaced_what_was_lost_is_seen(server: StorageServer, store: GcsStore) -> None:
    server.fail("reset-after-commit", method="insert")
    server.fail(lambda name: server.put(name, b"rival"), method="insert")
    with pytest.raises(GenerationMismatch):
        store.replace("manifest.json", b"{}", 0)


def test_an_object_that_vanished_again_is_still_not_ones_own(server: StorageServer, store: GcsStore) -> None:
    server.put("part", b"rival")
    server.fail(server.remove, method="get")
    with pytest.raises(ObjectExists):
        store.create("part", SMALL)


# Failures that pass, and those that do not.


@EVERY
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_waited_out(
    server: StorageServer, store: GcsStore, status: int, operation: Callable[[GcsStore], object]
) -> None:
    server.put("there", SMALL)
    server.fail(f"status:{status}", times=2)
    assert operation(store)


@EVERY
@pytest.mark.parametrize("how", ["refuse", "reset-before-commit", "cut-body", "html"])
def test_a_cut_connection_is_opened_again(
    server: StorageServer, store: GcsStore, how: str, operation: Callable[[GcsStore], object]
) -> None:
    server.put("there", SMALL)
    server.fail(how, times=2)
    assert operation(store)


def test_of_a_large_object_only_the_chunk_that_failed_is_sent_again(server: StorageServer, store: GcsStore) -> None:
    data = os.urandom(20 * MIB)
    server.fail("reset-before-commit", method="upload-chunk", after=1)
    store.create("part", data)
    assert server.objects()["part"].data == data
    assert server.counts == {"upload-start": 1, "upload-chunk": 3, "insert": 1}


def test_a_service_that_stalls_is_asked_again(server: StorageServer) -> None:
    store = GcsStore("audit-archive", retry_seconds=10, first_pause=0.01, request_seconds=0.2)
    server.put("there", SMALL)
    server.fail("stall:5", method="media")
    held = store.read("there")
    assert held is not None
    assert held.data == SMALL
    store.close()


def test_a_page_that_fails_is_asked_for_again_and_no_other(server: StorageServer, store: GcsStore) -> None:
    names = [f"day/{i:05}" for i in range(2_100)]
    for name in [*names, "other/1"]:
        server.put(name, b"")
    server.fail("status:503", method="list", after=1, times=2)
    assert [listed.name for listed in store.list("day/")] == names
    asked = [seen.query for seen in server.seen]
    assert len(asked) == 5
    assert all(query["prefix"] == ["day/"] for query in asked)
    assert all(query["fields"] == ["items(name,size,generation),nextPageToken"] for query in asked)


@EVERY
@pytest.mark.parametrize("how", ["status:503", "refuse", "html"])
def test_a_failure_that_stays_is_reported_within_the_budget(
    server: StorageServer, hasty: GcsStore, how: str, operation: Callable[[GcsStore], object]
) -> None:
    server.fail(how, times=None)
    begun = time.monotonic()
    with pytest.raises(ArchiveError, match="gs://audit-archive"):
        operation(hasty)
    assert time.monotonic() - begun < 2


@EVERY
def test_an_endpoint_nobody_listens_at_is_reported_within_the_budget(
    monkeypatch: pytest.MonkeyPatch, operation: Callable[[GcsStore], object]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{taken.getsockname()[1]}")
    store = GcsStore("audit-archive", retry_seconds=0.2, first_pause=0.01)
    begun = time.monotonic()
    with pytest.raises(ArchiveError, match="Connection refused"):
        operation(store)
    assert time.monotonic() - begun < 2
    store.close()


@EVERY
def test_a_stop_ends_the_waiting_before_a_request_is_repeated(
    server: StorageServer, operation: Callable[[GcsStore], object]
) -> None:
    server.fail("status:503", times=None)
    store = GcsStore("audit-archive", retry_seconds=30, first_pause=20)
    begun = time.monotonic()
    store.stopping = lambda: time.monotonic() - begun > 0.3
    with pytest.raises(Interrupted, match="503"):
        operation(store)
    assert time.monotonic() - begun < 2
    store.close()


def test_a_stop_ends_the_waiting_within_an_upload_session_and_tells_no_address(server: StorageServer) -> None:
    server.fail("status:503", method="upload-chunk", times=None)
    store = GcsStore("audit-archive", retry_seconds=30, first_pause=20)
    begun = time.monotonic()
    store.stopping = lambda: time.monotonic() - begun > 0.3
    with pytest.raises(Interrupted) as raised:
        store.create("new", LARGE)
    assert time.monotonic() - begun < 2
    assert raised.value.__suppress_context__
    assert "upload_id" not in str(raised.value)
    store.close()


def test_what_needs_no_waiting_is_done_while_stopping(server: StorageServer, store: GcsStore) -> None:
    store.stopping = lambda: True
    store.replace("new", SMALL, store.create("new", LARGE))
    assert server.objects()["new"].data == SMALL


def test_a_refusal_that_will_stay_is_not_repeated(server: StorageServer, store: GcsStore) -> None:
    server.fail("status:400", times=None)
    with pytest.raises(ArchiveError, match="400"):
        store.create("part", SMALL)
    assert server.counts["insert"] == 1


# Checksums and metadata.


def test_a_damaged_answer_is_read_again(server: StorageServer, store: GcsStore) -> None:
    server.put("part", SMALL)
    server.fail("corrupt-body", method="media")
    held = store.read("part")
    assert held is not None
    assert held.data == SMALL


def test_an_answer_damaged_each_time_is_never_returned(server: StorageServer, hasty: GcsStore) -> None:
    server.put("part", SMALL)
    server.fail("corrupt-body", method="media", times=None)
    with pytest.raises(ArchiveError, match="checksum"):
        hasty.read("part")


@SIZES
def test_every_upload_carries_its_checksum(
    server: StorageServer, store: GcsStore, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another one, the service keeps nothing: so it was compared there."""
    monkeypatch.setattr("mulesoft_audit.archive.gcs.crc32c", lambda _: "AAAAAA==")
    with pytest.raises(ArchiveError, match="400"):
        store.create("part", data)
    assert server.objects() == {}


def test_a_part_is_plain_gzip_and_says_whose_it_is(server: StorageServer, store: GcsStore) -> None:
    said = {"organization": "11111111", "day": "2026-11-23", "entries": "3"}
    store.create("a.json.gz", SMALL, said)
    store.create("b.json", b"{}")
    store.create("c", b"")
    stored = server.objects()
    assert [o.content_type for o in stored.values()] == [
        "application/gzip",
        "application/json",
        "application/octet-stream",
    ]
    assert "contentEncoding" not in stored["a.json.gz"].settings
    assert said.items() < stored["a.json.gz"].metadata.items()
    assert len({o.metadata[WRITER] for o in stored.values()}) == 3


def test_callers_metadata_is_left_alone(store: GcsStore) -> None:
    said = {"entries": "3"}
    store.create("part", SMALL, said)
    assert said == {"entries": "3"}


# What the service refuses for good.


@pytest.mark.parametrize(
    ("permission", "operation"),
    [
        ("storage.objects.create", WRITES["create"]),
        ("storage.objects.create", WRITES["create-large"]),
        ("storage.objects.get", OPERATIONS["read"]),
        ("storage.objects.list", OPERATIONS["list"]),
        ("storage.objects.delete", lambda store: store.replace("there", b"", store.read("there").generation)),
    ],
)
def test_a_missing_permission_is_named_with_its_bucket(
    server: StorageServer,
    store: GcsStore,
    permission: str,
    operation: Callable[[GcsStore], object],
) -> None:
    server.put("there", SMALL)
    server.deny(permission)
    with pytest.raises(PermissionMissing) as caught:
        operation(store)
    assert permission in str(caught.value)
    assert "audit-archive" in caught.value.hint
    assert "roles/storage.objectUser" in caught.value.hint


@EVERY
def test_an_unknown_caller_is_told_what_is_needed(
    server: StorageServer,
    store: GcsStore,
    operation: Callable[[GcsStore], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        AnonymousCredentials, "refresh", lambda self, request: None
    )  # renewed, and refused all the same
    server.fail("status:401", times=None)
    with pytest.raises(PermissionMissing, match=r"401.*storage\.objects"):
        operation(store)


@EVERY
def test_credentials_that_cannot_be_renewed_are_a_matter_of_credentials(
    server: StorageServer, store: GcsStore, operation: Callable[[GcsStore], object]
) -> None:
    server.fail("status:401", times=None)
    with pytest.raises(CredentialsError, match="gcloud auth application-default login"):
        operation(store)


@pytest.mark.parametrize("operation", [*OPERATIONS.values(), GcsStore.check], ids=[*OPERATIONS, "check"])
def test_a_bucket_that_does_not_exist_is_said_so(
    server: StorageServer, operation: Callable[[GcsStore], object]
) -> None:
    """In particular reading does not answer that there is no such object."""
    store = GcsStore("no-such-bucket", retry_seconds=0.5)
    with pytest.raises(ArchiveError, match="bucket no-such-bucket does not exist"):
        operation(store)
    store.close()


def test_no_message_holds_the_address_of_an_upload_session(server: StorageServer, hasty: GcsStore) -> None:
    """Whoever knows it can write the object without further credentials."""
    for how in ("status:403", "status:400", "status:503", "reset-before-commit"):
        server.heal()
        server.fail(how, method="insert", times=None)
        with pytest.raises((ArchiveError, PermissionMissing)) as caught:
            hasty.create("part", LARGE)
        assert "upload_id" not in str(caught.value)
        assert server.url not in str(caught.value)
        assert caught.value.__suppress_context__


def test_a_retention_policy_is_quoted(server: StorageServer, store: GcsStore) -> None:
    server.put("manifest.json", b"{}")
    server.fail("status:403", method="insert", times=None)
    with pytest.raises(PermissionMissing, match="planned by the test"):
        store.replace("manifest.json", b"[]", server.objects()["manifest.json"].generation)


# The check.


def test_an_endpoint_that_ignores_preconditions_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    with StorageServer(ignore_preconditions=True) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        store = GcsStore("audit-archive", retry_seconds=5)
        with pytest.raises(ArchiveError, match="Preconditions are not honoured by this endpoint"):
            store.check()
        assert server.objects() == {}
        store.close()


@pytest.mark.parametrize("verb", ["create", "get", "list", "delete"])
def test_every_missing_permission_is_found_and_without_delete_nothing_is_left(
    server: StorageServer, store: GcsStore, verb: str
) -> None:
    server.deny(f"storage.objects.{verb}")
    with pytest.raises(PermissionMissing, match=f"storage.objects.{verb}"):
        store.check()
    assert server.objects() == {}


def test_lost_answers_do_not_fail_it(server: StorageServer, store: GcsStore) -> None:
    server.fail("reset-after-commit", method="insert")
    server.fail("reset-after-commit", method="insert", after=1)
    server.fail("reset-after-commit", method="delete", times=2)
    store.check()
    assert server.objects() == {}


# The client.


def test_nothing_is_sent_and_no_client_made_before_it_is_used(server: StorageServer) -> None:
    store = GcsStore("audit-archive", "/team/mule/")
    assert store.url == "gs://audit-archive/team/mule"
    assert store._client._made is None
    assert server.seen == []


def test_nothing_is_asked_that_needs_more_than_access_to_objects(server: StorageServer, store: GcsStore) -> None:
    store.create("large", LARGE)
    list(store.list(""))
    store.check()
    time.sleep(0.1)
    kinds = {"insert", "upload-start", "upload-chunk", "media", "list", "get", "delete"}
    assert set(server.counts) == kinds


def test_a_prefix_keeps_archives_apart(server: StorageServer, store: GcsStore) -> None:
    team = GcsStore("audit-archive", "team")
    server.put("teams/1", b"")
    team.create("audit/1", b"1")
    assert [listed.name for listed in team.list("")] == ["audit/1"]
    assert [listed.name for listed in store.list("")] == ["team/audit/1", "teams/1"]
    team.close()


def test_many_threads_share_one_pool_of_connections(
    server: StorageServer, store: GcsStore, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(24) as pool:
        assert len(set(pool.map(lambda i: store.create(f"{i:03}", SMALL), range(96)))) == 96
    assert "pool is full" not in caplog.text


def test_missing_credentials_are_a_matter_of_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))
    with pytest.raises(CredentialsError, match="gcloud auth application-default login"):
        GcsStore("audit-archive").read("part")


def test_an_emulator_is_named_by_a_whole_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "localhost:9023")
    with pytest.raises(UsageError, match="http://HOST:PORT"):
        GcsStore("audit-archive").read("part")


def test_a_403_to_creating_what_is_there_is_a_rivals_object_and_else_a_lack_of_permission(
    server: StorageServer, store: GcsStore
) -> None:
    """An account that may not overwrite may be told 403 before its precondition is looked at."""
    server.put("audit/part", b"a rival's")
    server.fail("status:403", method="insert", times=None)
    with pytest.raises(ObjectExists):
        store.create("audit/part", b"mine")
    with pytest.raises(PermissionMissing):
        store.create("audit/another", b"mine")
