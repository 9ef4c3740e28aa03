"""Objects on the test server: preconditions, generations, downloads, copies."""

from __future__ import annotations

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from google.api_core import exceptions

if TYPE_CHECKING:
    import requests
    from google.cloud import storage
    from tests.storage_server import StorageServer

PLAIN = b'{"a":1}\n' * 500


def put(bucket: storage.Bucket, name: str, data: bytes = b"1", **conditions: int) -> storage.Blob:
    blob = bucket.blob(name)
    blob.upload_from_string(data, retry=None, **conditions)
    return blob


def test_what_is_missing_is_404(bucket: storage.Bucket) -> None:
    blob = bucket.blob("nothing")
    for call in (blob.download_as_bytes, blob.reload, blob.delete, blob.patch):
        with pytest.raises(exceptions.NotFound, match="No such object: audit-archive/nothing"):
            call(retry=None)


def test_a_missing_bucket_is_another_404(client: storage.Client) -> None:
    with pytest.raises(exceptions.NotFound, match="The specified bucket does not exist"):
        client.bucket("missing").blob("a").download_as_bytes(retry=None)


def test_generation_zero_means_only_if_absent(bucket: storage.Bucket) -> None:
    put(bucket, "a", b"one", if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        put(bucket, "a", b"two", if_generation_match=0)
    assert bucket.blob("a").download_as_bytes(retry=None) == b"one"
    bucket.blob("a").delete(retry=None)
    put(bucket, "a", b"three", if_generation_match=0)


def test_a_write_needs_the_current_generation(bucket: storage.Bucket) -> None:
    first = put(bucket, "a").generation
    second = put(bucket, "a", b"2", if_generation_match=first).generation
    assert second > first
    for stale in (first, 1):
        with pytest.raises(exceptions.PreconditionFailed):
            put(bucket, "a", b"3", if_generation_match=stale)
    with pytest.raises(exceptions.PreconditionFailed):
        put(bucket, "absent", b"3", if_generation_match=first)
    with pytest.raises(exceptions.PreconditionFailed):
        put(bucket, "a", b"3", if_generation_not_match=second)


def test_reading_and_deleting_take_preconditions(bucket: storage.Bucket) -> None:
    generation = put(bucket, "a").generation
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("a").delete(if_generation_match=1, retry=None)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("a").download_as_bytes(if_generation_match=1, retry=None)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("a").delete(if_metageneration_match=9, retry=None)
    bucket.blob("a").delete(if_generation_match=generation, retry=None)


def test_not_match_says_304_to_a_reader(http: requests.Session, base: str, bucket: storage.Bucket) -> None:
    generation = put(bucket, "a").generation
    for extra in ({}, {"alt": "media"}):
        answer = http.get(f"{base}/o/a", params={"ifGenerationNotMatch": str(generation), **extra})
        assert (answer.status_code, answer.content) == (304, b"")
        answer = http.get(f"{base}/o/a", params={"ifGenerationNotMatch": "1", **extra})
        assert answer.status_code == 200


def test_a_condition_that_is_no_number_is_refused(http: requests.Session, base: str) -> None:
    assert http.get(f"{base}/o/a", params={"ifGenerationMatch": "new"}).status_code == 400


def test_metadata_is_patched_and_counted(bucket: storage.Bucket) -> None:
    blob = put(bucket, "a")
    blob.metadata = {"k": "v", "gone": "soon"}
    blob.patch(retry=None)
    blob.metadata = {"k": "w", "gone": None}
    blob.patch(retry=None, if_metageneration_match=2)
    found = bucket.get_blob("a", retry=None)
    assert (found.metadata, found.metageneration) == ({"k": "w"}, 3)
    assert found.generation == blob.generation
    with pytest.raises(exceptions.PreconditionFailed):
        found.patch(if_metageneration_match=99, retry=None)
    found.update(retry=None)
    assert bucket.get_blob("a", retry=None).metageneration == 4


def test_of_sixteen_creators_one_wins(bucket: storage.Bucket) -> None:
    barrier = threading.Barrier(16)

    def attempt(i: int) -> bool:
        barrier.wait()
        try:
            put(bucket, "race", str(i).encode(), if_generation_match=0)
        except exceptions.PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, range(16))) == 1


def test_a_counter_guarded_by_generation_is_exact(bucket: storage.Bucket) -> None:
    put(bucket, "counter", b"0")

    def worker(_: int) -> None:
        for _ in range(10):
            while True:
                blob = bucket.blob("counter")
                value = int(blob.download_as_bytes(retry=None))
                try:
                    put(bucket, "counter", str(value + 1).encode(), if_generation_match=int(blob.generation))
                except exceptions.PreconditionFailed:
                    continue
                break

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(worker, range(6)))
    assert bucket.blob("counter").download_as_bytes(retry=None) == b"60"


def test_a_download_says_generation_and_checksums(http: requests.Session, base: str, bucket: storage.Bucket) -> None:
    put(bucket, "a", b"hello")
    found = bucket.get_blob("a", retry=None)
    for address in (f"{base}/o/a", base.replace("/storage/", "/download/storage/") + "/o/a"):
        headers = http.get(address, params={"alt": "media"}).headers
        assert headers["X-Goog-Generation"] == str(found.generation)
        assert headers["X-Goog-Metageneration"] == "1"
        assert headers["X-Goog-Hash"] == "crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg=="
        assert headers["X-Goog-Stored-Content-Length"] == "5"
    assert (found.crc32c, found.md5_hash, found.size) == ("mnG7TA==", "XUFAKrxLKna5cZ2REBfFkg==", 5)


@pytest.mark.parametrize(
    ("wanted", "status", "body", "content_range"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=1-2,4-5", 200, b"0123456789", None),
        ("nonsense", 200, b"0123456789", None),
        ("bytes=10-", 416, None, None),
        ("bytes=-0", 416, None, None),
    ],
)
def test_ranges(
    http: requests.Session,
    base: str,
    bucket: storage.Bucket,
    wanted: str,
    status: int,
    body: bytes | None,
    content_range: str | None,
) -> None:
    put(bucket, "a", b"0123456789")
    answer = http.get(f"{base}/o/a?alt=media", headers={"Range": wanted})
    assert answer.status_code == status
    assert answer.headers.get("Content-Range") == content_range
    assert body is None or answer.content == body


def test_an_old_generation_is_gone_unless_versions_are_kept(bucket: storage.Bucket) -> None:
    first = put(bucket, "a", b"1").generation
    put(bucket, "a", b"2")
    with pytest.raises(exceptions.NotFound):
        bucket.blob("a", generation=first).download_as_bytes(retry=None)


def test_gzip_encoded_objects_are_unzipped_for_who_does_not_take_gzip(
    http: requests.Session, base: str, bucket: storage.Bucket
) -> None:
    packed = gzip.compress(PLAIN)
    blob = bucket.blob("e.json.gz")
    blob.content_encoding = "gzip"
    blob.upload_from_string(packed, content_type="application/x-ndjson", retry=None)
    found = bucket.get_blob("e.json.gz", retry=None)
    assert (found.content_encoding, found.size) == ("gzip", len(packed))
    assert found.download_as_bytes(raw_download=True, retry=None) == packed
    assert found.download_as_bytes(retry=None) == PLAIN
    with http.get(f"{base}/o/e.json.gz?alt=media", headers={"Accept-Encoding": "identity"}, stream=True) as answer:
        assert answer.raw.read(decode_content=False) == PLAIN
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["X-Goog-Stored-Content-Encoding"] == "gzip"


def test_gzip_without_content_encoding_is_left_alone(bucket: storage.Bucket) -> None:
    packed = gzip.compress(PLAIN)
    put(bucket, "part.json.gz", packed)
    assert bucket.blob("part.json.gz").download_as_bytes(retry=None) == packed


def test_compose_concatenates_and_takes_preconditions(bucket: storage.Bucket) -> None:
    parts = [put(bucket, "1", gzip.compress(b"A\n")), put(bucket, "2", gzip.compress(b"B\n"))]
    whole = bucket.blob("whole")
    whole.compose(parts, if_generation_match=0, retry=None)
    assert gzip.decompress(whole.download_as_bytes(raw_download=True, retry=None)) == b"A\nB\n"
    assert (whole.component_count, whole.md5_hash) == (2, None)
    with pytest.raises(exceptions.PreconditionFailed):
        whole.compose(parts, if_generation_match=0, retry=None)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("other").compose(parts, if_source_generation_match=[1, 1], retry=None)
    with pytest.raises(exceptions.NotFound):
        bucket.blob("other").compose([bucket.blob("missing")], retry=None)


def test_copy_and_rewrite_take_preconditions(bucket: storage.Bucket) -> None:
    source = put(bucket, "a", b"copied")
    copied = bucket.copy_blob(source, bucket, "copy", if_generation_match=0, retry=None)
    assert copied.download_as_bytes(retry=None) == b"copied"
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.copy_blob(source, bucket, "copy", if_generation_match=0, retry=None)
    assert bucket.blob("rewritten").rewrite(source, retry=None) == (None, 6, 6)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("rewritten").rewrite(source, if_source_generation_match=1, retry=None)


def test_a_held_object_stays(server: StorageServer, bucket: storage.Bucket) -> None:
    blob = put(bucket, "a")
    blob.temporary_hold = True
    blob.patch(retry=None)
    with pytest.raises(exceptions.Forbidden, match="hold"):
        blob.delete(retry=None)
    with pytest.raises(exceptions.Forbidden, match="hold"):
        put(bucket, "a", b"2")
    assert server.objects()["a"].data == b"1"


@pytest.mark.parametrize("name", ["..", "a\nb", "ä" * 513, ".well-known/acme-challenge/x"])
def test_names_the_service_refuses(bucket: storage.Bucket, name: str) -> None:
    with pytest.raises(exceptions.BadRequest):
        put(bucket, name)


def test_names_with_slashes_and_signs_are_one_name(server: StorageServer, bucket: storage.Bucket) -> None:
    name = "a/b c/ä+%2F?#&=.json"
    put(bucket, name)
    assert list(server.objects()) == [name]
    assert bucket.get_blob(name, retry=None).name == name


def test_a_permission_can_be_taken_away(server: StorageServer, bucket: storage.Bucket) -> None:
    put(bucket, "a")
    server.deny("storage.objects.delete")
    with pytest.raises(exceptions.Forbidden, match=r"storage\.objects\.delete"):
        bucket.blob("a").delete(retry=None)
    with pytest.raises(exceptions.Forbidden, match=r"storage\.objects\.delete"):
        put(bucket, "a", b"overwriting needs it too")
    put(bucket, "b")
    server.heal()
    bucket.blob("a").delete(retry=None)


def test_a_permission_can_be_left_for_a_folder(server: StorageServer, bucket: storage.Bucket) -> None:
    server.confine("storage.objects.delete", "state/")
    for name in ("state/a", "audit/a"):
        put(bucket, name)
    put(bucket, "state/a", b"again")
    bucket.blob("state/a").delete(retry=None)
    with pytest.raises(exceptions.Forbidden, match=r"storage\.objects\.delete"):
        put(bucket, "audit/a", b"again")
    with pytest.raises(exceptions.Forbidden, match=r"storage\.objects\.delete"):
        bucket.blob("audit/a").delete(retry=None)


def test_errors_have_googles_shape(http: requests.Session, base: str) -> None:
    answer = http.get(f"{base}/o/nothing")
    assert answer.json()["error"]["code"] == 404
    assert answer.json()["error"]["errors"][0]["reason"] == "notFound"
    assert http.get(f"{base}/o/nothing?alt=media").text == "No such object: audit-archive/nothing"


def test_fields_are_projected(http: requests.Session, base: str, bucket: storage.Bucket) -> None:
    put(bucket, "a")
    assert set(http.get(f"{base}/o/a", params={"fields": "name,size"}).json()) == {"name", "size"}
    nested = http.get(f"{base}/o", params={"fields": "items(name,generation),nextPageToken"}).json()
    assert set(nested["items"][0]) == {"name", "generation"}
    assert set(nested) == {"items"}
    assert http.get(f"{base}/o", params={"fields": "items/name"}).json() == {"items": [{"name": "a"}]}
    assert http.get(f"{base}/o", params={"fields": "items(name"}).status_code == 400
