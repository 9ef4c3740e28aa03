"""What is asked of an audit log, and what becomes of what it responds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.anypoint.raw_server import RawServer, client_of

from mulesoft_audit.anypoint import body
from mulesoft_audit.anypoint.query import LogRefused, QueryRefused, UnknownOrganization, Window
from mulesoft_audit.anypoint.transport import TooLarge
from mulesoft_audit.anypoint.tree import Organization
from mulesoft_audit.errors import AuditError, SourceError

ORGANIZATION, WINDOW = Organization("o1", "Sales"), Window(1_767_225_600_000, 1_767_225_601_000)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"ascending": True, "limit": 200, "offset": 0}),
        ({"offset": 400, "limit": 7}, {"ascending": True, "limit": 7, "offset": 400}),
        ({"newest_first": True}, {"ascending": False, "limit": 200, "offset": 0}),
    ],
)
def test_one_page_is_one_request_in_offset_mode(
    raw: RawServer, options: dict[str, Any], expected: dict[str, object]
) -> None:
    raw.reply = lambda request: request.reply(200, b'{"data":[{"a":1}, {"b":2}],"total":9}')
    client = client_of(raw)
    page = client.query.page(ORGANIZATION, WINDOW, **options)
    (request,) = raw.asked("/audit")
    assert request.path == "/audit/v2/organizations/o1/query?getVersionedObjectsInLogs=true"
    assert json.loads(request.body) == {
        "startDate": "2026-01-01T00:00:00.000Z",
        "endDate": "2026-01-01T00:00:00.999Z",  # inclusive
        **expected,
    }
    assert ([bytes(entry) for entry in page.entries], page.total) == ([b'{"a":1}', b'{"b":2}'], 9)
    assert page.size == len(b'{"data":[{"a":1}, {"b":2}],"total":9}')
    assert (client.query.queries, client.query.fullest) == (1, 2)


def test_a_total_costs_one_request_for_one_entry(raw: RawServer) -> None:
    raw.reply = lambda request: request.reply(200, {"data": [{}], "total": 12})
    client = client_of(raw)
    assert client.query.total(ORGANIZATION, WINDOW) == 12
    assert json.loads(raw.asked("/audit")[0].body)["limit"] == 1


def test_the_fullest_page_is_remembered(raw: RawServer) -> None:
    sizes = iter([3, 50, 10])
    raw.reply = lambda request: request.reply(200, {"data": [{}] * next(sizes)})
    client = client_of(raw)
    assert [client.query.page(ORGANIZATION, WINDOW).total for _ in range(3)] == [None] * 3
    assert client.query.fullest == 50


@pytest.mark.parametrize(
    ("status", "error", "exit_code"),
    [(403, LogRefused, 4), (404, UnknownOrganization, 2), (400, QueryRefused, 5), (422, QueryRefused, 5)],
)
def test_a_refusal_names_the_organization_and_is_not_asked_again(
    raw: RawServer, status: int, error: type[AuditError], exit_code: int
) -> None:
    raw.reply = lambda request: request.reply(status, {"message": "no\x1b[31m"})
    with pytest.raises(error, match=r"Sales \(o1\)") as caught:
        client_of(raw).query.page(ORGANIZATION, WINDOW)
    assert caught.value.exit_code == exit_code
    assert "\x1b" not in str(caught.value)
    assert len(raw.asked("/audit")) == 1


def test_a_page_that_is_too_large_is_left_to_the_caller(raw: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_BODY", 1000)
    raw.reply = lambda request: request.reply(200, {"data": ["x" * 2000]})
    with pytest.raises(TooLarge):
        client_of(raw).query.page(ORGANIZATION, WINDOW)
    assert len(raw.asked("/audit")) == 1


def test_a_page_that_was_cut_is_asked_for_again(raw: RawServer) -> None:
    bodies = iter([b'{"data":[{"deep":' + b"[" * 5000, b'{"data":[{"a":1}', b"<html>", b'{"data":[{"a":1}],"total":1}'])
    raw.reply = lambda request: request.reply(200, next(bodies))
    assert client_of(raw).query.page(ORGANIZATION, WINDOW).total == 1
    raw.reply = lambda request: request.reply(200, b'{"total":1}')
    with pytest.raises(SourceError, match="no list of entries"):
        client_of(raw).query.page(ORGANIZATION, WINDOW)


def test_an_entry_nested_deep_is_given_byte_for_byte(raw: RawServer) -> None:
    deep = b'{"timestamp":7,"payload":' + b'{"a":[' * 5000 + b"]}" * 5000 + b"}"
    raw.reply = lambda request: request.reply(200, b'{"data":[{"a": 1},' + deep + b'],"total":2}')
    page = client_of(raw).query.page(ORGANIZATION, WINDOW)
    assert ([bytes(entry) for entry in page.entries], page.total) == ([b'{"a": 1}', deep], 2)
