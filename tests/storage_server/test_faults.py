"""Failures on demand, and the server as a process of its own."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from google.api_core import exceptions
from google.cloud.storage.retry import DEFAULT_RETRY
from tests.storage_server import StorageServer, checksums

if TYPE_CHECKING:
    from google.cloud import storage

ROOT = Path(__file__).parents[2]


def insert(http: requests.Session, upload: str, name: str = "a", data: bytes = b"data") -> requests.Response:
    return http.post(upload, params={"uploadType": "media", "name": name}, data=data)


@pytest.mark.parametrize("status", [400, 403, 429, 503])
def test_a_status_does_nothing_else(server: StorageServer, http: requests.Session, upload: str, status: int) -> None:
    fault = server.fail(f"status:{status}", method="insert", times=2)
    assert [insert(http, upload).status_code for _ in range(3)] == [status, status, 200]
    assert fault.hits == 2
    assert [seen.status for seen in server.seen] == [status, status, 200]


@pytest.mark.parametrize(
    ("how", "stored"),
    [("refuse", 0), ("reset-before-commit", 0), ("stall:0.01", 0), ("reset-after-commit", 1), ("cut-body", 1)],
)
def test_a_connection_is_cut(server: StorageServer, http: requests.Session, upload: str, how: str, stored: int) -> None:
    server.fail(how)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        insert(http, upload)
    assert len(server.objects()) == stored
    assert insert(http, upload).status_code == 200


def test_a_kept_connection_is_refused_too(server: StorageServer, http: requests.Session, upload: str) -> None:
    insert(http, upload)
    server.fail("refuse")
    with pytest.raises(requests.ConnectionError):
        insert(http, upload)


def test_a_commit_may_be_answered_with_an_error(server: StorageServer, http: requests.Session, upload: str) -> None:
    server.fail("status-after-commit:503")
    assert insert(http, upload).status_code == 503
    assert list(server.objects()) == ["a"]


def test_a_body_may_be_damaged_or_be_somebody_elses(server: StorageServer, http: requests.Session, base: str) -> None:
    server.put("a", b"0123456789")
    server.fail("corrupt-body", method="media")
    server.fail("html", method="media")
    damaged = http.get(f"{base}/o/a?alt=media")
    assert damaged.content != b"0123456789"
    assert len(damaged.content) == 10
    assert checksums.crc32c(b"0123456789") in damaged.headers["X-Goog-Hash"]
    assert http.get(f"{base}/o/a?alt=media").text.startswith("<html>")


def test_an_answer_may_be_late(server: StorageServer, http: requests.Session, upload: str) -> None:
    server.fail("delay:0.1")
    begun = time.monotonic()
    assert insert(http, upload).status_code == 200
    assert time.monotonic() - begun >= 0.1


def test_only_what_is_meant_fails(server: StorageServer, http: requests.Session, upload: str, base: str) -> None:
    server.fail("status:503", method="insert", name_glob="audit/*.json.gz", times=None, after=1)
    statuses = [insert(http, upload, name).status_code for name in ("audit/x/1.json.gz",) * 3 + ("state/x",)]
    assert statuses == [200, 503, 503, 200]
    assert http.get(f"{base}/o", params={"prefix": "audit/"}).status_code == 200
    server.heal()
    assert insert(http, upload, "audit/x/1.json.gz").status_code == 200


@pytest.mark.parametrize(
    ("chunk", "kinds"),
    [
        (None, ["insert"]),
        (256 * 1024, ["upload-start", "upload-chunk", "upload-chunk", "insert"]),
    ],
)
def test_the_end_of_an_upload_is_an_insert_however_it_was_sent(
    server: StorageServer, bucket: storage.Bucket, chunk: int | None, kinds: list[str]
) -> None:
    server.fail("status:503", method="insert", times=None)
    blob = bucket.blob("a", chunk_size=chunk)
    data = io.BytesIO(b"x" * 600_000)
    with pytest.raises(exceptions.ServiceUnavailable):
        blob.upload_from_file(data, size=600_000 if chunk is None else None, retry=None)
    assert [seen.kind for seen in server.seen] == kinds
    assert server.objects() == {}


def test_somebody_else_may_write_at_the_worst_moment(
    server: StorageServer, http: requests.Session, upload: str
) -> None:
    server.fail(lambda name: server.put(name, b"rival"), method="insert")
    answer = http.post(upload, params={"uploadType": "media", "name": "a", "ifGenerationMatch": "0"}, data=b"mine")
    assert answer.status_code == 412
    assert server.objects()["a"].data == b"rival"


def test_the_clients_own_retries_get_through(server: StorageServer, bucket: storage.Bucket) -> None:
    data = b"x" * 100_000
    server.fail("status:503", method="insert", times=1)
    bucket.blob("a").upload_from_string(data, if_generation_match=0, retry=DEFAULT_RETRY.with_delay(0.01))
    server.fail("cut-body", method="media")
    assert bucket.blob("a").download_as_bytes(retry=DEFAULT_RETRY.with_delay(0.01)) == data


@pytest.mark.parametrize("how", ["explode", "status", "status:many", "refuse:3"])
def test_a_fault_nobody_knows_is_refused(server: StorageServer, how: str) -> None:
    with pytest.raises(ValueError):
        server.fail(how)


def test_a_server_that_ignores_preconditions_can_be_had(http: requests.Session) -> None:
    with StorageServer(ignore_preconditions=True) as server:
        address = f"{server.url}/upload/storage/v1/b/audit-archive/o?uploadType=media&name=a&ifGenerationMatch=0"
        assert [http.post(address, data=b"1").status_code for _ in range(2)] == [200, 200]


def test_what_is_stored_outlives_a_stop(http: requests.Session) -> None:
    with StorageServer() as server:
        server.put("a", b"1")
        url = server.url
    with pytest.raises(requests.ConnectionError):
        http.get(url)
    with server:
        assert server.url == url
        assert http.get(f"{url}/audit-archive/a").content == b"1"


def test_a_crash_of_the_server_fails_the_test(http: requests.Session) -> None:
    def crash(_: str) -> None:
        raise ZeroDivisionError

    server = StorageServer().start()
    server.fail(crash)
    assert http.get(f"{server.url}/storage/v1/b/audit-archive").status_code == 500
    with pytest.raises(ZeroDivisionError):
        server.__exit__(None)


def test_crc32c_needs_no_library() -> None:
    assert checksums._pure(b"123456789") == 0xE3069283
    assert checksums.crc32c(b"hello") == "mnG7TA=="


def test_a_process_of_its_own_is_driven_over_http(http: requests.Session) -> None:
    command = [sys.executable, "-m", "tests.storage_server", "--json", "--bucket", "bucket-1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = json.loads(process.stdout.readline())["url"]
        try:
            _drive(http, url)
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def _drive(http: requests.Session, url: str) -> None:
    def call(method: str, path: str, **extra: Any) -> Any:
        return http.request(method, f"{url}/faults{path}", **extra).json()

    upload = f"{url}/upload/storage/v1/b/bucket-1/o"
    planned = call("POST", "", json={"how": "status:503", "method": "insert", "times": 1})
    assert planned["hits"] == 0
    assert [insert(http, upload).status_code for _ in range(2)] == [503, 200]
    assert [fault["hits"] for fault in call("GET", "")["faults"]] == [1]
    assert call("GET", "/counters") == {"insert": 2}
    assert [found["name"] for found in call("GET", "/objects", params={"prefix": "a"})["items"]] == ["a"]
    call("DELETE", "/counters")
    call("DELETE", "")
    assert (call("GET", "/counters"), call("GET", "")) == ({}, {"faults": []})
    call("POST", "/deny", json={"permissions": ["storage.objects.create"]})
    assert insert(http, upload).status_code == 403
    assert "error" in call("POST", "", json={"how": "explode"})
    assert "error" in call("GET", "/nothing")
