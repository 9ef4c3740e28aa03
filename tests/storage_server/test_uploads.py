"""Uploads to the test server: media, multipart with either line end, resumable."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING

import pytest
from google.api_core import exceptions

if TYPE_CHECKING:
    import requests
    from google.cloud import storage
    from tests.storage_server import StorageServer

KIB = 1024
DATA = os.urandom(1024 * KIB + 17)


def related(resource: dict[str, str], data: bytes, end: bytes = b"\r\n") -> tuple[bytes, dict[str, str]]:
    lines = [b"--b0", b"Content-Type: application/json", b"", json.dumps(resource).encode()]
    lines += [b"--b0", b"Content-Type: text/plain", b"", data, b"--b0--", b""]
    return end.join(lines), {"Content-Type": 'multipart/related; boundary="b0"'}


def begin(http: requests.Session, upload: str, name: str = "a", **query: str) -> str:
    answer = http.post(upload, params={"uploadType": "resumable", "name": name, **query}, json={})
    assert answer.status_code == 200, answer.text
    return answer.headers["Location"]


def send(http: requests.Session, session: str, data: bytes, content_range: str) -> requests.Response:
    return http.put(session, data=data, headers={"Content-Range": content_range}, allow_redirects=False)


@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["crlf", "lf"])
@pytest.mark.parametrize("data", [b"hello", b"", b"\r\n--b\n\r\n", b"ends in CR\r", b"\n"])
def test_multipart_with_either_line_end(
    server: StorageServer, http: requests.Session, upload: str, end: bytes, data: bytes
) -> None:
    body, headers = related({"name": "a", "contentType": ""}, data, end)
    answer = http.post(upload, params={"uploadType": "multipart"}, data=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert server.objects()["a"].data == data
    assert answer.json()["contentType"] == "text/plain"


def test_media_takes_name_and_type_from_the_request(server: StorageServer, http: requests.Session, upload: str) -> None:
    params = {"uploadType": "media", "name": "a/b", "ifGenerationMatch": "0"}
    for status in (200, 412):
        answer = http.post(upload, params=params, data=b"hi", headers={"Content-Type": "text/x"})
        assert answer.status_code == status
    assert server.objects()["a/b"].content_type == "text/x"


def test_a_body_may_come_in_pieces(server: StorageServer, http: requests.Session, upload: str) -> None:
    http.post(upload, params={"uploadType": "media", "name": "a"}, data=iter([b"one ", b"two"]))
    assert server.objects()["a"].data == b"one two"


@pytest.mark.parametrize("claim", [{"crc32c": "AAAAAA=="}, {"md5Hash": "AAAAAAAAAAAAAAAAAAAAAA=="}])
def test_a_wrong_checksum_in_the_metadata_is_refused(
    server: StorageServer, http: requests.Session, upload: str, claim: dict[str, str]
) -> None:
    body, headers = related({"name": "bad", **claim}, b"hello")
    assert http.post(upload, params={"uploadType": "multipart"}, data=body, headers=headers).status_code == 400
    assert server.objects() == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Goog-Hash": "md5=AAAAAAAAAAAAAAAAAAAAAA=="},
        {"X-Goog-Hash": "crc32c=mnG7TA==, md5=AAAAAAAAAAAAAAAAAAAAAA=="},
        {"X-Goog-Hash": "crc32c=AAAAAA=="},
        {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="},
    ],
)
def test_a_wrong_checksum_in_the_headers_is_refused(
    http: requests.Session, upload: str, headers: dict[str, str]
) -> None:
    params = {"uploadType": "media", "name": "bad"}
    assert http.post(upload, params=params, data=b"hello", headers=headers).status_code == 400


@pytest.mark.parametrize("checksum", ["crc32c", "md5"])
def test_the_clients_own_checksums_are_accepted(bucket: storage.Bucket, checksum: str) -> None:
    bucket.blob("a").upload_from_string(b"x" * 1000, checksum=checksum, retry=None)
    bucket.blob("b", chunk_size=256 * KIB).upload_from_file(io.BytesIO(DATA), checksum=checksum, retry=None)


def test_the_client_uploads_in_chunks(bucket: storage.Bucket) -> None:
    blob = bucket.blob("big", chunk_size=256 * KIB)
    blob.upload_from_file(io.BytesIO(DATA), if_generation_match=0, retry=None)
    assert bucket.blob("big").download_as_bytes(retry=None) == DATA
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("big", chunk_size=256 * KIB).upload_from_file(io.BytesIO(DATA), if_generation_match=0, retry=None)


def test_the_client_uploads_what_it_does_not_know_the_size_of(server: StorageServer, bucket: storage.Bucket) -> None:
    with bucket.blob("stream").open("wb", chunk_size=256 * KIB, if_generation_match=0) as file:
        for _ in range(5):
            file.write(DATA[:200_000])
    assert server.objects()["stream"].data == DATA[:200_000] * 5


def test_an_upload_says_how_far_it_is(http: requests.Session, upload: str, server: StorageServer) -> None:
    session = begin(http, upload)
    size = 512 * KIB
    assert "Range" not in send(http, session, b"", f"bytes */{size}").headers
    first = send(http, session, DATA[: 256 * KIB], f"bytes 0-{256 * KIB - 1}/{size}")
    assert (first.status_code, first.headers["Range"]) == (308, f"bytes=0-{256 * KIB - 1}")
    asked = send(http, session, b"", "bytes */*")
    assert (asked.status_code, asked.headers["Range"]) == (308, f"bytes=0-{256 * KIB - 1}")
    last = send(http, session, DATA[256 * KIB : size], f"bytes {256 * KIB}-{size - 1}/{size}")
    assert (last.status_code, last.json()["size"]) == (200, str(size))
    assert server.objects()["a"].data == DATA[:size]


def test_a_finished_upload_goes_on_saying_so(http: requests.Session, upload: str) -> None:
    session = begin(http, upload, ifGenerationMatch="0")
    answers = [send(http, session, b"hello", "bytes 0-4/5") for _ in range(2)]
    answers.append(send(http, session, b"", "bytes */5"))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.json()["generation"] for answer in answers}) == 1


def test_bytes_that_are_there_already_are_ignored(http: requests.Session, upload: str, server: StorageServer) -> None:
    session = begin(http, upload)
    size = 768 * KIB
    for _ in range(2):
        send(http, session, DATA[: 512 * KIB], f"bytes 0-{512 * KIB - 1}/{size}")
    send(http, session, DATA[256 * KIB : size], f"bytes {256 * KIB}-{size - 1}/{size}")
    assert server.objects()["a"].data == DATA[:size]


def test_only_whole_quanta_of_a_chunk_are_kept(http: requests.Session, upload: str) -> None:
    session = begin(http, upload)
    answer = send(http, session, DATA[: 300 * KIB], f"bytes 0-{300 * KIB - 1}/*")
    assert answer.headers["Range"] == f"bytes=0-{256 * KIB - 1}"
    assert send(http, session, b"short", f"bytes {256 * KIB}-{256 * KIB + 4}/*").status_code == 400


def test_a_gap_is_refused(http: requests.Session, upload: str) -> None:
    session = begin(http, upload)
    assert send(http, session, b"x" * 256 * KIB, f"bytes {256 * KIB}-{512 * KIB - 1}/*").status_code == 400


def test_an_upload_may_be_empty_or_in_one_piece(http: requests.Session, upload: str, server: StorageServer) -> None:
    assert send(http, begin(http, upload, "empty"), b"", "bytes */0").status_code == 200
    assert http.put(begin(http, upload, "whole"), data=b"hello").status_code == 200
    assert {name: o.data for name, o in server.objects().items()} == {"empty": b"", "whole": b"hello"}


def test_preconditions_are_checked_at_the_start_and_at_the_end(
    http: requests.Session, upload: str, server: StorageServer
) -> None:
    session = begin(http, upload, ifGenerationMatch="0")
    server.put("a", b"rival")
    assert send(http, session, b"mine!", "bytes 0-4/5").status_code == 412
    params = {"uploadType": "resumable", "name": "a", "ifGenerationMatch": "0"}
    assert http.post(upload, params=params, json={}).status_code == 412
    assert server.objects()["a"].data == b"rival"


def test_a_wrong_checksum_at_the_end_keeps_nothing(http: requests.Session, upload: str, server: StorageServer) -> None:
    answer = http.post(upload, params={"uploadType": "resumable"}, json={"name": "a", "crc32c": "AAAAAA=="})
    assert send(http, answer.headers["Location"], b"hello", "bytes 0-4/5").status_code == 400
    headers = {"Content-Range": "bytes 0-4/5", "X-Goog-Hash": "crc32c=AAAAAA=="}
    assert http.put(begin(http, upload), data=b"hello", headers=headers).status_code == 400
    assert server.objects() == {}


def test_a_cancelled_or_unknown_upload_is_gone(http: requests.Session, upload: str) -> None:
    session = begin(http, upload)
    assert http.delete(session).status_code == 499
    assert send(http, session, b"hello", "bytes 0-4/5").status_code == 410
    assert send(http, session + "x", b"hello", "bytes 0-4/5").status_code == 404


@pytest.mark.parametrize("content_range", ["bytes 0-9/10", "bytes 0-4/3", "5 bytes"])
def test_a_content_range_that_does_not_fit_is_refused(http: requests.Session, upload: str, content_range: str) -> None:
    assert send(http, begin(http, upload), b"hello", content_range).status_code == 400


def test_metadata_comes_with_every_kind_of_upload(server: StorageServer, bucket: storage.Bucket) -> None:
    for name, chunk in (("small", None), ("large", 256 * KIB)):
        blob = bucket.blob(name, chunk_size=chunk)
        blob.metadata = {"entries": "3", "who": "Söhne"}
        blob.upload_from_file(io.BytesIO(DATA), size=len(DATA), content_type="application/gzip", retry=None)
        stored = server.objects()[name]
        assert stored.metadata == {"entries": "3", "who": "Söhne"}
        assert stored.content_type == "application/gzip"


def test_too_much_metadata_is_refused(bucket: storage.Bucket) -> None:
    blob = bucket.blob("a")
    blob.metadata = {"k": "v" * 9000}
    with pytest.raises(exceptions.BadRequest):
        blob.upload_from_string(b"", retry=None)
