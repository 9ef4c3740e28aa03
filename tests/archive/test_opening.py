"""What ARCHIVE may say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.archive.opening import is_bucket_name, open_archive
from mulesoft_audit.errors import UsageError


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("/x/y", "/x/y"),
        ("archive", "archive"),
        ("./gs:odd", "gs:odd"),
        ("~/archive", "/home-of-test/archive"),
        ("C:\\archive", "C:\\archive"),
        ("a:b", "a:b"),
        ("file:///x/y", "/x/y"),
        ("FILE:///x", "/x"),
        ("file://localhost/x", "/x"),
        ("file:///x/a%20b%3F%23", "/x/a b?#"),
        ("file:///x/%ff", "/x/\udcff"),
        ("/x/\udcff", "/x/\udcff"),
    ],
)
def test_a_directory_is_opened(monkeypatch: pytest.MonkeyPatch, url: str, root: str) -> None:
    monkeypatch.setenv("HOME", "/home-of-test")
    store = open_archive(url)
    assert isinstance(store, LocalStore)
    assert store.root == Path(root)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("gs://my-logs", "gs://my-logs"),
        ("GS://my-logs/", "gs://my-logs"),
        ("gs://my-logs/team/mule/", "gs://my-logs/team/mule"),
        ("gs://logs.example.com/ä", "gs://logs.example.com/ä"),
    ],
)
def test_a_bucket_is_opened_without_sending_anything(url: str, shown: str) -> None:
    assert open_archive(url).url == shown


@pytest.mark.parametrize(
    "url",
    [
        *("", " ", "~nosuchuser-of-this-test/x", "x://[y", "x://y", "s3://bucket", "http://[::1", "a\0b"),
        *("file://", "file:///", "file:x", "file:/x", "file://host/x", "file://[y/x", "file:///x?y", "file:///x#y"),
        *("file:///x%00", "gs:", "gs:bucket", "gs:/bucket", "gs://", "gs:///x", "gs://ab", "gs://UPPER", "gs://a b c"),
        *("gs://-abc", "gs://abc-", "gs://a..b", "gs://1.2.3.4", "gs://[y", "gs://user@bucket", "gs://bucket:80"),
        *("gs://bucket?x", "gs://bucket/a//b", "gs://bucket/../x", "gs://bucket/./x", "gs://bucket/a\nb"),
        *("gs://bucket/\udcff", f"gs://{'a' * 64}"),
    ],
)
def test_what_no_archive_can_be_at_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="ARCHIVE is "):
        open_archive(url)


@pytest.mark.parametrize(
    ("name", "good"),
    [
        *((name, True) for name in ("abc", "a-b_c", "0ab", "a" * 63, "a.b.c", f"{'a' * 63}.{'b' * 63}")),
        *((name, False) for name in ("ab", "a" * 64, f"{'a' * 64}.b", "a.-b", ".ab", "ab.", "Abc", "äbc", "10.0.0.1")),
    ],
)
def test_names_of_buckets(name: str, good: bool) -> None:
    assert is_bucket_name(name) is good


def test_a_bucket_without_the_extra_gcp_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    with pytest.raises(UsageError, match=r"pip install 'mulesoft-audit-collector\[gcp\]'"):
        open_archive("gs://my-logs")
