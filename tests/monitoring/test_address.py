"""The URL of a check: what is one, where pings go, and that it is told nobody."""

from __future__ import annotations

import pytest

from mulesoft_audit.errors import UsageError
from mulesoft_audit.monitoring.address import Kind, address
from mulesoft_audit.secret import without_secrets
from mulesoft_audit.settings import load

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("url", "base", "path", "query"),
    [
        ("https://hc-ping.com/uuid-1", "https://hc-ping.com", "/uuid-1", ""),
        ("https://hc-ping.com/key/slug/", "https://hc-ping.com", "/key/slug", ""),
        ("http://127.0.0.1:8000/ping/u", "http://127.0.0.1:8000", "/ping/u", ""),
        ("https://host/key/slug?create=1", "https://host", "/key/slug", "?create=1"),
    ],
)
def test_what_a_ping_says_is_added_to_the_path(url: str, base: str, path: str, query: str) -> None:
    found = address(url)
    assert found.base == base
    ends = ["/start", "", "/fail", "/log"]
    kinds = (Kind.START, Kind.SUCCESS, Kind.FAIL, Kind.LOG)
    assert [found.target(kind) for kind in kinds] == [f"{path}{end}{query}" for end in ends]


def test_a_check_may_be_a_host_alone() -> None:
    assert address("https://host").target(Kind.SUCCESS) == "/"
    assert address("https://host/").target(Kind.FAIL) == "/fail"


@pytest.mark.parametrize(
    "url",
    [
        "hc-ping.com/secret-uuid",
        "ftp://hc-ping.com/secret-uuid",
        "http://hc-ping.com/secret-uuid",
        "https:///secret-uuid",
        "https://user:password@hc-ping.com/secret-uuid",
        "https://hc-ping.com:port/secret-uuid",
        "https://hc-ping.com:0/secret-uuid",
        "https://[::1/secret-uuid",
        "https://hc-ping.com/secret uuid",
        "https://hc-ping.com/secret-uuid\r\nX: y",
        "https://hc-ping.com/secret-ü",
    ],
)
def test_what_is_no_address_of_a_check_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        load({}, {"PING_URL": url})
    assert "PING_URL" in caught.value.message
    assert "secret-" not in str(caught.value).replace("https://HOST/PATH", "")


def test_url_and_path_are_struck_out_of_whatever_is_printed() -> None:
    found = address("https://hc-ping.com/0f5e2b9c-aaaa")
    assert "0f5e2b9c" not in without_secrets("POST https://hc-ping.com/0f5e2b9c-aaaa/start and /0f5e2b9c-aaaa?x")
    assert "0f5e2b9c" not in repr(found)
    assert "0f5e2b9c" not in repr(load({}, {"PING_URL": "https://hc-ping.com/0f5e2b9c-aaaa"}))
