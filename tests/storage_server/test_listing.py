"""Listings of the test server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.storage_server.listing import glob_pattern

if TYPE_CHECKING:
    import requests
    from google.cloud import storage
    from tests.storage_server import StorageServer

DAYS = [f"l/dt=2026-11-{day:02}/f.json.gz" for day in range(1, 26)]


@pytest.fixture
def days(server: StorageServer) -> list[str]:
    for name in [*reversed(DAYS), "k", "m"]:
        server.put(name, b"x")
    return DAYS


def names(client: storage.Client, **query: object) -> list[str]:
    return [blob.name for blob in client.list_blobs("audit-archive", retry=None, **query)]


@pytest.mark.usefixtures("days")
def test_names_come_in_order_below_their_prefix(client: storage.Client) -> None:
    assert names(client, prefix="l/") == DAYS
    assert names(client) == ["k", *DAYS, "m"]
    assert names(client, prefix="l/dt=2026-11-2") == DAYS[19:]


@pytest.mark.usefixtures("days")
def test_offsets_include_the_start_and_exclude_the_end(client: storage.Client) -> None:
    assert names(client, prefix="l/", start_offset="l/dt=2026-11-10", end_offset="l/dt=2026-11-12") == DAYS[9:11]
    assert names(client, start_offset=DAYS[-1]) == [DAYS[-1], "m"]


@pytest.mark.usefixtures("days")
def test_a_delimiter_folds_what_follows_it(client: storage.Client) -> None:
    found = client.list_blobs("audit-archive", prefix="l/", delimiter="/", retry=None)
    assert list(found) == []
    assert sorted(found.prefixes) == [name.removesuffix("f.json.gz") for name in DAYS]
    top = client.list_blobs("audit-archive", delimiter="/", retry=None)
    assert [blob.name for blob in top] == ["k", "m"]
    assert top.prefixes == {"l/"}


@pytest.mark.usefixtures("days")
@pytest.mark.parametrize("delimiter", [None, "/"])
def test_pages_are_as_large_as_asked_for(client: storage.Client, delimiter: str | None) -> None:
    found = client.list_blobs("audit-archive", prefix="l/", page_size=10, delimiter=delimiter, retry=None)
    pages = [len(list(page)) for page in found.pages]
    assert pages == ([10, 10, 5] if delimiter is None else [0, 0, 0])
    assert len(found.prefixes) == (0 if delimiter is None else 25)


def test_a_page_has_at_most_a_thousand(server: StorageServer, client: storage.Client) -> None:
    for i in range(1_001):
        server.put(f"{i:05}", b"")
    found = client.list_blobs("audit-archive", page_size=5_000, retry=None)
    assert [len(list(page)) for page in found.pages] == [1_000, 1]


def test_pages_stay_right_while_objects_come_and_go(server: StorageServer, client: storage.Client) -> None:
    for i in range(6):
        server.put(f"{i}", b"")
    pages = client.list_blobs("audit-archive", page_size=2, retry=None).pages
    first = [blob.name for blob in next(pages)]
    server.remove("1")
    server.put("00", b"")
    assert first + [blob.name for page in pages for blob in page] == ["0", "1", "2", "3", "4", "5"]


def test_a_token_from_elsewhere_is_refused(http: requests.Session, base: str) -> None:
    assert http.get(f"{base}/o", params={"pageToken": "???"}).status_code == 400


@pytest.mark.usefixtures("days")
def test_a_glob_selects(client: storage.Client) -> None:
    assert names(client, match_glob="l/dt=2026-11-1*/f.json.gz") == DAYS[9:19]
    assert names(client, match_glob="**") == ["k", *DAYS, "m"]
    assert names(client, match_glob="*") == ["k", "m"]


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("a*c", "abbc", "ab/c"),
        ("a**c", "ab/c", "ab/d"),
        ("a?c", "abc", "a/c"),
        ("[a-c]x", "bx", "dx"),
        ("[!a-c]x", "dx", "bx"),
        ("{a,bc}.gz", "bc.gz", "b.gz"),
        ("a.b", "a.b", "axb"),
        ("**/f", "x/y/f", "f"),
    ],
)
def test_globs(glob: str, yes: str, no: str) -> None:
    assert glob_pattern(glob).fullmatch(yes)
    assert not glob_pattern(glob).fullmatch(no)


def test_old_versions_are_listed_when_they_are_kept(client: storage.Client, bucket: storage.Bucket) -> None:
    bucket.reload(retry=None)
    bucket.versioning_enabled = True
    bucket.patch(retry=None)
    for text in ("1", "2"):
        bucket.blob("a").upload_from_string(text, retry=None)
    versions = list(client.list_blobs("audit-archive", versions=True, retry=None))
    assert [blob.time_deleted is None for blob in versions] == [False, True]
    assert bucket.blob("a", generation=versions[0].generation).download_as_bytes(retry=None) == b"1"
    bucket.blob("a").delete(retry=None)
    assert names(client) == []
    assert len(names(client, versions=True)) == 2
    bucket.blob("a", generation=versions[0].generation).delete(retry=None)
    assert len(names(client, versions=True)) == 1
