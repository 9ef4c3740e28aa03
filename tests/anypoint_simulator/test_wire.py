from __future__ import annotations

import gzip
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.anypoint_simulator.client import Client, read

from anypoint_simulator.wire import MAX_BODY, MalformedError, read_request

if TYPE_CHECKING:
    from collections.abc import Iterator

POST = b"POST /a/b%20c?x=1&x=2&y= HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nX-Thing:  v \r\n\r\nabc"


@given(st.lists(st.integers(1, 40), max_size=10))
def test_requests_are_read_however_they_are_cut(sizes: list[int]) -> None:
    buffer, rest, found = bytearray(), POST * 2, []
    for size in [*sizes, len(rest)]:
        buffer += rest[:size]
        rest = rest[size:]
        while request := read_request(buffer, "ip"):
            found.append(request)
    assert [request.body for request in found] == [b"abc", b"abc"]
    assert found[0] == found[1]
    assert found[0].path == "/a/b c"
    assert found[0].query == {"x": ["1", "2"], "y": [""]}
    assert found[0].headers["x-thing"] == "v"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / SPDY/3\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 10_000, 431),
    ],
)
def test_what_is_no_request_or_too_large_is_refused(client: Client, head: bytes, status: int) -> None:
    with pytest.raises(MalformedError) as problem:
        read_request(bytearray(head), "ip")
    assert problem.value.status == status
    with connected(client) as connection:
        connection.sendall(head)
        assert connection.recv(1000).startswith(b"HTTP/1.1 %d " % status)


def connected(client: Client) -> socket.socket:
    """Open a connection of its own."""
    host, _, port = client.anypoint.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=5)


@settings(max_examples=30, deadline=None)
@given(garbage=st.binary(max_size=300))
def test_garbage_never_ends_the_simulator(reader: Client, garbage: bytes) -> None:
    with connected(reader) as connection:
        connection.sendall(garbage + b"\r\n\r\n")
    assert reader.send("GET", "/accounts/api/me").status == 200


def answers(connection: socket.socket, count: int) -> Iterator[bytes]:
    """Yield that many answers' status lines."""
    with connection.makefile("rb") as stream:
        for _ in range(count):
            yield stream.readline().strip()
            length = 0
            while (line := stream.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            stream.read(length)


def test_requests_sent_at_once_are_answered_in_order(client: Client) -> None:
    client.anypoint.change(latency_ms=5)
    request = b"GET /accounts/api/me HTTP/1.1\r\nAuthorization: Bearer %s\r\n\r\n"
    with connected(client) as connection:
        connection.sendall(request % client.token.encode() + request % b"wrong" + request % client.token.encode())
        lines = list(answers(connection, 3))
    assert [line.split()[1] for line in lines] == [b"200", b"401", b"200"]


def test_a_connection_ends_when_the_client_says_so(client: Client) -> None:
    with connected(client) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b"Connection: close" in received


def test_pages_are_compressed_for_clients_that_accept_it_unless_switched_off(client: Client) -> None:
    path = f"/audit/v2/organizations/{client.anypoint.organizations[1]}/query"

    def ask() -> tuple[str | None, bytes]:
        headers = {"Accept-Encoding": "gzip, deflate"}
        answer = client.send("POST", path, json={"startDate": 0}, headers=headers, decode_content=False)
        return answer.headers.get("Content-Encoding"), answer.data

    coding, packed = ask()
    assert coding == "gzip"
    plain = client.post(client.anypoint.organizations[1]).data
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 2
    client.anypoint.change(gzip=False)
    assert ask() == (None, plain)


def test_a_client_that_waits_for_100_continue_is_told_so(client: Client) -> None:
    with connected(client) as connection:
        connection.sendall(
            b"POST /accounts/api/v2/oauth2/token HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")


def test_a_large_body_is_taken_by_controls(client: Client) -> None:
    big = {"timestamp": 1, "payload": {"text": "x" * (2 * MAX_BODY)}}
    body = {"organizationId": client.anypoint.root, "entries": [big]}
    assert client.http.request("POST", client.anypoint.url + "/simulator/entries", json=body).status == 200
    assert read(client.post(client.anypoint.root, {"startDate": 1, "endDate": 1}).data)["data"] == [big]
