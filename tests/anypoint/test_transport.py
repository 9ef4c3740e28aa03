"""One request ends, whatever the server sends, and takes no more memory or time than it may."""

from __future__ import annotations

import threading
import time
import zlib
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
from tests.anypoint.raw_server import Client, RawServer, Request, client_of

from mulesoft_audit.anypoint import bounds, transport
from mulesoft_audit.anypoint.query import Window
from mulesoft_audit.anypoint.transport import RedirectRefused, Response, TooLarge, unix_time
from mulesoft_audit.anypoint.tree import Organization
from mulesoft_audit.clock import Stop, SystemClock
from mulesoft_audit.errors import AuditError, Interrupted, SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

ORGANIZATION = Organization("0a000000-0000-4000-8000-000000000000", "Root")
WINDOW = Window(0, 1000)
PAGE = b"HTTP/1.1 200 OK\r\n"


def get(client: Client) -> Response:
    return client.transport.request("GET", "/thing", read=lambda response: response, what="a thing")


def drip_headers(request: Request) -> None:
    request.send(PAGE)
    request.drip()


def drip_status(request: Request) -> None:
    request.drip(b"HTTP/1.1 200 OKKKKKKKKKKKKKKKKKKKKKKKKKKKKKK" + b"K" * 1000)


def drip_body(request: Request) -> None:
    request.send(PAGE + b"Content-Length: 100000\r\n\r\n")
    request.drip(b" ")


def drip_chunks(request: Request) -> None:
    request.send(PAGE + b"Transfer-Encoding: chunked\r\n\r\n")
    request.drip(b"0")


def continue_for_ever(request: Request) -> None:
    request.drip(b"HTTP/1.1 100 Continue\r\n\r\n", every=0.001)


DRIPS = [drip_headers, drip_status, drip_body, drip_chunks, continue_for_ever]


@pytest.mark.parametrize("drip", DRIPS)
def test_a_server_that_drips_is_given_up(
    raw: RawServer, monkeypatch: pytest.MonkeyPatch, drip: Callable[[Request], None]
) -> None:
    monkeypatch.setattr(transport, "LONGEST_RESPONSE", 0.4)
    raw.reply = drip
    began = time.monotonic()
    with pytest.raises(SourceError, match="a thing: its response took longer than"):
        get(client_of(raw, timeout=0.08))
    assert time.monotonic() - began < 5
    assert len(raw.requests) == 5


def test_a_token_endpoint_that_drips_is_given_up(raw: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LONGEST_RESPONSE", 0.3)
    raw.token = drip_headers
    with pytest.raises(SourceError, match="a token: its response took longer than"):
        client_of(raw, timeout=0.06).tokens.current()


@pytest.mark.parametrize("drip", [*DRIPS, lambda request: request.over.wait(20)])
@pytest.mark.parametrize("of_token", [False, True])
def test_a_request_under_way_ends_soon_when_it_is_time_to_stop(
    raw: RawServer, drip: Callable[[Request], None], of_token: bool
) -> None:
    if of_token:
        raw.token = drip
    else:
        raw.reply = drip
    client = client_of(raw, timeout=60)
    threading.Timer(0.3, client.stop.ask, ("a signal",)).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        client.query.page(ORGANIZATION, WINDOW)
    assert 0.9 < time.monotonic() - began < 2.5


def test_a_response_that_is_nearly_here_is_still_taken_when_it_is_time_to_stop(raw: RawServer) -> None:
    client = client_of(raw)

    def slowly(request: Request) -> None:
        client.stop.ask("a signal")
        request.send(PAGE)
        time.sleep(0.4)
        request.send(b"Content-Length: 2\r\n\r\n")
        request.send(b"ok")

    raw.reply = slowly
    assert get(client).body == b"ok"


def test_silence_is_noticed(raw: RawServer) -> None:
    raw.reply = lambda request: request.over.wait(20)
    with pytest.raises(SourceError, match="it stopped responding"):
        get(client_of(raw, timeout=0.1))


def test_the_last_request_takes_two_seconds_at_most_and_never_fails(raw: RawServer) -> None:
    client = client_of(raw)
    client.tokens.current()
    raw.reply = drip_headers
    client.stop.ask("a signal")
    began = time.monotonic()
    client.tokens.revoke()
    assert time.monotonic() - began < 4
    assert raw.asked("/accounts/api/v2/oauth2/revoke")


@pytest.mark.parametrize("packed", [False, True])
def test_a_response_that_is_too_large_is_not_asked_for_again(raw: RawServer, packed: bool) -> None:
    content = b" " * (transport.MAX_BODY + 1)
    header = "Content-Encoding: gzip\r\n" if packed else ""
    raw.reply = lambda request: request.reply(200, zlib.compress(content, 1, 31) if packed else content, header)
    with pytest.raises(TooLarge):
        get(client_of(raw))
    assert len(raw.requests) == 1


def test_a_redirect_is_not_followed(raw: RawServer) -> None:
    raw.reply = lambda request: request.reply(302, {}, f"Location: {raw.url}/elsewhere\r\n")
    with pytest.raises(RedirectRefused, match=raw.url):
        get(client_of(raw))
    assert len(raw.requests) == 1


def test_large_responses_are_read_one_at_a_time(raw: RawServer) -> None:
    client = client_of(raw)
    other = client.transport.sharing(client.stop, client.transport.pacer)
    half = b" " * (bounds.LARGE + 1)
    sent, inside, together = [], [], []

    def halves(request: Request) -> None:
        request.send(PAGE + f"Content-Length: {2 * len(half)}\r\n\r\n".encode() + half)
        sent.append(request)
        while len(sent) < 3 and not request.over.wait(0.01):
            pass
        request.send(half)

    def read(response: Response) -> int:
        inside.append(1)
        together.append(len(inside))
        time.sleep(0.1)
        inside.pop()
        return len(response.body)

    raw.reply = halves
    sizes: list[int] = []

    def fetch(through: transport.Transport) -> None:
        sizes.append(through.request("GET", "/large", read=read, what="a large thing"))

    threads = [threading.Thread(target=fetch, args=(one,)) for one in (client.transport, other, client.transport)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == [2 * len(half)] * 3
    assert together == [1, 1, 1]


def test_who_waits_to_read_a_large_response_notices_that_it_is_time_to_stop(raw: RawServer) -> None:
    client = client_of(raw)
    raw.reply = lambda request: request.reply(200, b" " * (bounds.LARGE + 1))
    threading.Timer(0.2, client.stop.ask, ("a signal",)).start()
    with client.transport._shared.large, pytest.raises(Interrupted):
        get(client)


def test_a_failure_while_a_large_response_is_read_lets_the_next_one_go_on(raw: RawServer) -> None:
    client = client_of(raw)
    raw.reply = lambda request: request.reply(200, b" " * (transport.MAX_BODY + 1))
    for _ in range(2):
        with pytest.raises(TooLarge):
            get(client)


class Fast(SystemClock):
    def time(self) -> float:
        return super().time() + 600


def test_the_clock_is_compared_with_the_sources(raw: RawServer) -> None:
    client = client_of(raw, Stop(Fast()))
    other = client.transport.sharing(client.stop, client.transport.pacer)
    raw.reply = lambda request: request.reply(200, {})
    get(client)
    assert (other.clock_ahead, other.source_time()) == (None, None)
    raw.reply = lambda request: request.reply(200, {}, f"Date: {formatdate(usegmt=True)}\r\n")
    get(client)
    assert other.clock_ahead == pytest.approx(600, abs=1)
    assert other.source_time() == pytest.approx(time.time(), abs=1)
    raw.reply = lambda request: request.reply(200, {}, "Date: yesterday\r\n")
    get(client)
    assert other.clock_ahead == pytest.approx(600, abs=1)


@pytest.mark.parametrize(
    "date", ["", "x", "Thu, 01 Jan 99999 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 +9999999999", "1 " * 5000, "²"]
)
def test_a_date_that_is_none_says_nothing(date: str) -> None:
    assert unix_time(date) is None


def test_the_address_of_a_proxy_that_is_malformed_is_said_without_its_password(
    raw: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "x://me:hidden@[y")
    raw.url = "https://anypoint.example"
    with pytest.raises(UsageError, match="HTTPS_PROXY") as caught:
        client_of(raw)
    assert "hidden" not in str(caught.value)


def test_a_fault_is_tried_again_and_an_end_of_trying_is_an_error_of_the_source(raw: RawServer) -> None:
    replies = iter([500, 502, 408, 200])
    raw.reply = lambda request: request.reply(next(replies), {})
    assert get(client_of(raw)).status == 200
    raw.reply = lambda request: request.reply(500, {})
    with pytest.raises(AuditError, match="it responded 500") as caught:
        get(client_of(raw))
    assert caught.value.exit_code == 5
