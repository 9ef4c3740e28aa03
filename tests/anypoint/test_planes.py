"""The address of a plane is one host, and nothing else."""

from __future__ import annotations

import pytest

from mulesoft_audit.anypoint.pacer import Pacer
from mulesoft_audit.anypoint.planes import PLANES, plane_at
from mulesoft_audit.anypoint.transport import Transport
from mulesoft_audit.backoff import backoff
from mulesoft_audit.clock import Stop
from mulesoft_audit.errors import UsageError


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://anypoint.example", "https://anypoint.example"),
        (" https://anypoint.example:8443/ ", "https://anypoint.example:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://[2001:db8::1]:443", "https://[2001:db8::1]:443"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_the_address_of_a_host_is_taken(url: str, base: str) -> None:
    plane = plane_at(url)
    assert (plane.base_url, plane.requests_per_minute) == (base, 40)
    stop = Stop()
    Transport(plane, Pacer(40, stop), stop).close()


def test_a_known_plane_keeps_its_own_limit() -> None:
    assert plane_at(PLANES["us"].base_url + "/") == PLANES["us"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x://[y",
        "https://[",
        "https://[::1",
        "https://[x]",
        "https://",
        "https://:443",
        "https://host:port",
        "https://host:99999",
        "https://host:-1",
        "https://host:0",
        "https://host:²",
        "https://ho st",
        "https://höst",
        "https://host\x00",
        "https://user@host",
        "https://user:password@host",
        "https://@host",
        "https://host/path",
        "https://host?query",
        "https://host#fragment",
        "http://host",
        "ftp://host",
        "host",
    ],
)
def test_anything_else_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(UsageError, match="ANYPOINT_BASE_URL"):
        plane_at(url)


@pytest.mark.parametrize(
    ("failures", "chance", "expected"),
    [
        (0, 0.0, 0.4),
        (1, 0.0, 0.4),
        (1, 1.0, 0.2),
        (2, 0.0, 0.8),
        (3, 0.5, 1.2),
        (6, 0.0, 12.8),
        (7, 0.0, 15.0),
        (10**9, 0.0, 15.0),
    ],
)
def test_waits_double_up_to_the_longest(failures: int, chance: float, expected: float) -> None:
    assert backoff(failures, chance) == pytest.approx(expected)


def test_waits_may_begin_and_end_elsewhere() -> None:
    assert [backoff(n, 0.0, first=1.0, longest=5.0) for n in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 5.0]
