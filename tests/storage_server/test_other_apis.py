"""The XML API and batches of the test server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests
    from google.cloud import storage
    from tests.storage_server import StorageServer


def test_xml_puts_gets_and_deletes(server: StorageServer, http: requests.Session) -> None:
    address = f"{server.url}/audit-archive/folder/a b.txt"
    made = http.put(address, data=b"hi", headers={"x-goog-if-generation-match": "0", "x-goog-meta-who": "me"})
    assert made.status_code == 200
    stored = server.objects()["folder/a b.txt"]
    assert (made.headers["X-Goog-Generation"], stored.metadata) == (str(stored.generation), {"who": "me"})
    found = http.get(address)
    assert (found.content, found.headers["x-goog-meta-who"]) == (b"hi", "me")
    assert http.head(address).headers["Content-Length"] == "2"
    again = http.put(address, data=b"ho", headers={"x-goog-if-generation-match": "0"})
    assert (again.status_code, b"<Code>PreconditionFailed</Code>" in again.content) == (412, True)
    assert http.delete(address).status_code == 204
    assert (http.get(address).status_code, http.post(address).status_code) == (404, 405)


def test_xml_refuses_a_wrong_checksum(server: StorageServer, http: requests.Session) -> None:
    headers = {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    assert http.put(f"{server.url}/audit-archive/a", data=b"hi", headers=headers).status_code == 400


def test_xml_lists_in_pages(server: StorageServer, http: requests.Session) -> None:
    for name in ("l/1", "l/2&", "l/3", "m"):
        server.put(name, b"x")
    params = {"list-type": "2", "prefix": "l/", "max-keys": "2"}
    first = http.get(f"{server.url}/audit-archive", params=params).text
    assert first.count("<Contents>") == 2
    assert "<Key>l/2&amp;</Key>" in first
    token = first.partition("<NextContinuationToken>")[2].partition("<")[0]
    second = http.get(f"{server.url}/audit-archive", params={**params, "continuation-token": token}).text
    assert second.count("<Contents>") == 1
    assert "<IsTruncated>false</IsTruncated>" in second


def test_a_batch_deletes(server: StorageServer, client: storage.Client, bucket: storage.Bucket) -> None:
    for name in ("1/ä", "2", "3"):
        server.put(name, b"")
    with client.batch():
        bucket.blob("1/ä").delete(retry=None)
        bucket.blob("2").delete(retry=None)
    assert list(server.objects()) == ["3"]
    assert server.counts["delete"] == 2


def test_a_batch_says_what_failed(server: StorageServer, client: storage.Client, bucket: storage.Bucket) -> None:
    server.put("a", b"1")
    with client.batch(raise_exception=False) as batch:
        bucket.blob("a").delete(retry=None)
        bucket.blob("missing").delete(retry=None)
    assert [answer.status_code for answer in batch._responses] == [204, 404]
    assert server.objects() == {}


def test_what_is_no_api_is_404(server: StorageServer, http: requests.Session) -> None:
    assert http.get(f"{server.url}/").status_code == 404
    assert http.get(f"{server.url}/storage/v1/nothing").status_code == 404
