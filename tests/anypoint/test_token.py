"""One token for everybody: fetched once, renewed in time and when refused, and never printed."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest
from tests.anypoint.raw_server import RawServer, Request, client_of

from mulesoft_audit.anypoint.query import Window
from mulesoft_audit.anypoint.token import DEFAULT_LIFETIME, LONGEST_LIFETIME, REVOKE_PATH, TOKEN_PATH, lifetime
from mulesoft_audit.anypoint.tree import Organization
from mulesoft_audit.clock import Stop, SystemClock
from mulesoft_audit.errors import CredentialsError, Interrupted, SourceError
from mulesoft_audit.secret import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

ORGANIZATION, WINDOW = Organization("o1"), Window(0, 1000)


class Moved(SystemClock):
    """A clock that a test moves ahead."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def numbered(raw: RawServer, seconds: object = 3600) -> None:
    """Give another token each time."""
    numbers: Iterator[int] = iter(range(1, 1000))
    raw.token = lambda request: request.reply(200, {"access_token": f"token-{next(numbers)}", "expires_in": seconds})


def test_a_token_is_fetched_once_and_sent_with_each_request(raw: RawServer) -> None:
    numbered(raw)
    client = client_of(raw)
    for _ in range(3):
        client.query.page(ORGANIZATION, WINDOW)
    assert client.tokens.issued == len(raw.asked(TOKEN_PATH)) == 1
    assert all("Authorization: Bearer token-1\r\n" in request.headers for request in raw.asked("/audit"))
    assert json.loads(raw.requests[0].body) == {
        "grant_type": "client_credentials",
        "client_id": "client",
        "client_secret": "the-client-secret",
    }


@pytest.mark.parametrize(
    ("seconds", "ahead", "issued"), [(100, 89.0, 1), (100, 91.0, 2), (3600, 3539, 1), (3600, 3541, 2)]
)
def test_a_token_is_renewed_a_little_before_it_expires(raw: RawServer, seconds: int, ahead: float, issued: int) -> None:
    numbered(raw, seconds)
    clock = Moved()
    client = client_of(raw, Stop(clock))
    client.tokens.current()
    clock.ahead = ahead
    client.tokens.current()
    assert client.tokens.issued == issued


def test_a_token_that_is_refused_is_replaced_by_another(raw: RawServer) -> None:
    numbered(raw)
    raw.reply = lambda request: request.reply(401 if "token-1\r" in request.headers else 200, {"data": [], "total": 5})
    client = client_of(raw)
    assert client.query.page(ORGANIZATION, WINDOW).total == 5
    assert client.tokens.issued == 2


def test_a_token_that_somebody_else_replaced_already_is_kept(raw: RawServer) -> None:
    numbered(raw)
    tokens = client_of(raw).tokens
    first = tokens.current()
    tokens.refused(first)
    second = tokens.current()
    tokens.refused(first)
    assert tokens.current() is second


def test_fresh_tokens_that_are_refused_over_and_over_are_an_error_of_the_credentials(raw: RawServer) -> None:
    numbered(raw)
    raw.reply = lambda request: request.reply(401, {})
    with pytest.raises(CredentialsError, match="fresh tokens"):
        client_of(raw).query.page(ORGANIZATION, WINDOW)


def test_an_endpoint_that_does_not_take_json_is_given_a_form_from_then_on(raw: RawServer) -> None:
    def by_form(request: Request) -> None:
        form = "x-www-form-urlencoded" in request.headers
        request.reply(200 if form else 400, {"access_token": "abcdef", "expires_in": 1000})

    raw.token = by_form
    tokens = client_of(raw).tokens
    tokens.refused(tokens.current())
    tokens.current()
    assert [b"{" in request.body for request in raw.asked(TOKEN_PATH)] == [True, False, False]
    assert parse_qs(raw.requests[-1].body.decode())["client_secret"] == ["the-client-secret"]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_credentials_that_are_refused_are_said_without_the_secret(raw: RawServer, status: int) -> None:
    raw.token = lambda request: request.reply(status, {"error": "the-client-secret"})
    with pytest.raises(CredentialsError, match="'client'") as caught:
        client_of(raw).tokens.current()
    assert "the-client-secret" not in str(caught.value)


def test_many_workers_at_once_fetch_one_token(raw: RawServer) -> None:
    def slowly(request: Request) -> None:
        time.sleep(0.2)
        request.reply(200, {"access_token": "abcdef"})

    raw.token = slowly
    client = client_of(raw)
    other = client.tokens.sharing(client.transport.sharing(client.stop, client.transport.pacer))
    found = []
    threads = [
        threading.Thread(target=lambda source=source: found.append(source.current()))
        for source in [client.tokens, other] * 8
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len({id(token) for token in found}) == len(raw.requests) == other.issued == 1


def test_who_waits_for_anothers_token_notices_that_it_is_time_to_stop(raw: RawServer) -> None:
    raw.token = lambda request: request.over.wait(20)
    client = client_of(raw, timeout=60)
    own = Stop()
    other = client.tokens.sharing(client.transport.sharing(own, client.transport.pacer.sharing(own)))

    def fetch() -> None:
        with suppress(Interrupted):
            client.tokens.current()

    first = threading.Thread(target=fetch)
    first.start()
    while not raw.requests:
        time.sleep(0.01)
    threading.Timer(0.1, own.ask, ("a signal",)).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        other.current()
    assert time.monotonic() - began < 1.0
    client.stop.ask("the end of the test")
    first.join()


@pytest.mark.parametrize("end", ["\n", "\r\nX: y", "\0", "é", "\ud800", " x", "\x7f"])
def test_a_token_that_no_header_can_carry_is_an_error_that_does_not_show_it(raw: RawServer, end: str) -> None:
    token = "hidden-token" + end
    raw.token = lambda request: request.reply(200, {"access_token": token})
    with pytest.raises(SourceError, match="no header can carry") as caught:
        client_of(raw).query.page(ORGANIZATION, WINDOW)
    assert "hidden" not in repr(caught.value) + str(caught.value)
    assert "hidden" not in without_secrets(f"a traceback with {token}")
    assert len(raw.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"access_token":7}',
        b'{"access_token":""}',
        b'{"access_token":' + b"[" * 5000,
        b'{"n":' + b"9" * 5000,
    ],
)
def test_a_response_that_is_no_token_is_an_error_of_the_source(raw: RawServer, body: bytes) -> None:
    raw.token = lambda request: request.reply(200, body)
    with pytest.raises(SourceError):
        client_of(raw).tokens.current()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1800", 1800.0),
        ("1800.5", 1800.5),
        ('"1800"', 1800.0),
        ("null", DEFAULT_LIFETIME),
        ("NaN", DEFAULT_LIFETIME),
        ("1e999", DEFAULT_LIFETIME),
        ("-1e999", DEFAULT_LIFETIME),
        ("-5", DEFAULT_LIFETIME),
        ("0", DEFAULT_LIFETIME),
        ("true", DEFAULT_LIFETIME),
        ("[]", DEFAULT_LIFETIME),
        ('"soon"', DEFAULT_LIFETIME),
        ("1e300", LONGEST_LIFETIME),
        ("9" * 400, DEFAULT_LIFETIME),
    ],
)
def test_a_lifetime_is_a_number_of_seconds_within_reason(raw: RawServer, text: str, expected: float) -> None:
    raw.token = lambda request: request.reply(200, f'{{"access_token":"abcdef","expires_in":{text}}}'.encode())
    client = client_of(raw)
    left = client.tokens.current().renew_at - client.stop.clock.monotonic()
    assert left == pytest.approx(expected - min(60.0, expected / 10), abs=5)
    assert lifetime(json.loads(text)) == expected


def test_the_token_is_given_back_at_the_end(raw: RawServer) -> None:
    client = client_of(raw)
    value = client.tokens.current().value.reveal()
    client.tokens.revoke()
    client.tokens.revoke()
    (request,) = raw.asked(REVOKE_PATH)
    assert parse_qs(request.body.decode()) == {"token": [value], "token_type_hint": ["access_token"]}
