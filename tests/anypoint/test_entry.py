"""Entries are cut out of a page by their bytes and recognized when seen again."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, SupportsBytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulesoft_audit.anypoint.entry import _read_odd_page, as_line, read_page, recognize
from mulesoft_audit.anypoint.response import BadResponse
from mulesoft_audit.archive.layout import day_of, day_start

if TYPE_CHECKING:
    from collections.abc import Iterable

ENTRY = {
    "timestamp": 1759300000000,
    "platform": "CoreServices",
    "action": "Login",
    "userId": "u1",
    "userName": "alice",
    "anypointTransactionId": "tx",
    "objects": [{"objectType": "User", "objectId": "u1", "objectName": "alice"}],
    "payload": {"subaction": "Failure", "properties": {"n": 1}},
}


def identity(entry: object) -> bytes:
    return recognize([json.dumps(entry).encode()]).keys[0][0]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def pages(entries: list[object], **more: object) -> bytes:
    return json.dumps({"data": entries, **more}, indent=1).encode()


def bytes_of(entries: Iterable[SupportsBytes]) -> list[bytes]:
    return [bytes(entry) for entry in entries]


@given(st.lists(json_values, max_size=6), st.integers(0, 10**6))
def test_the_entries_of_a_page_are_its_data_whatever_they_are(entries: list[object], total: int) -> None:
    page = read_page(pages(entries, total=total, cursor="1_a"))
    assert [json.loads(raw) for raw in bytes_of(page.entries)] == entries
    assert page.total == total


@given(st.lists(json_values, max_size=6))
def test_the_patient_reader_cuts_a_page_as_the_fast_one_does(entries: list[object]) -> None:
    body = pages(entries, total=len(entries))
    assert bytes_of(_read_odd_page(body).entries) == bytes_of(read_page(body).entries)


@pytest.mark.parametrize(
    "entry",
    [
        b'{"big":123456789012345678901234567890,"spelled":1.0E+2,"huge":1e999}',
        b'{"lone":"\\ud800","after":"\\"]}"}',
        b'{"escaped":"\\/ \\u0041 \\\\"}',
        b'{"twice":1,"twice":2}',
        b'{"tab":"a\tb"}',
        b'{"n":NaN}',
        b'{"deep":' + b"[" * 300 + b"]" * 300 + b"}",
        b'{"deeper":' + b'{"a":[' * 5000 + b"]}" * 5000 + b',"timestamp":1}',
        b'{"utf8":"\xc3\xa9\xe2\x82\xac"}',
        b'{"data":[{"data":[1,2]}],"total":5,"cursor":"x"}',
    ],
)
def test_odd_but_legal_entries_survive_byte_for_byte(entry: bytes) -> None:
    body = b'{"total":2,"data":[' + entry + b" , \n" + entry + b'],"cursor":"c"}'
    assert bytes_of(read_page(body).entries) == [entry, entry]
    assert recognize([entry, entry]).keys == [recognize([entry]).keys[0]] * 2


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>busy</html>", b'{"data":[{"a":1}', b'{"total":3}', b"[]", b"null", b'{"data":{}}', b'{"data":[]} x'],
)
def test_what_is_not_a_page_is_a_bad_response(body: bytes) -> None:
    with pytest.raises(BadResponse):
        read_page(body)


@given(st.integers(1, 200))
def test_a_page_cut_anywhere_is_a_bad_response(length: int) -> None:
    body = pages([ENTRY, ENTRY], total=2)
    with pytest.raises(BadResponse):
        read_page(body[: min(length, len(body) - 1)])


def test_an_entry_is_recognized_after_its_object_was_renamed() -> None:
    renamed = json.loads(json.dumps(ENTRY))
    renamed["objects"][0]["objectName"] = "bob"
    renamed["userName"] = "bob"
    (before, after) = recognize([json.dumps(ENTRY).encode(), json.dumps(renamed).encode()]).keys
    assert before[0] == after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": 1759300000001},
        {"platform": "Exchange"},
        {"action": "Logout"},
        {"userId": "u2"},
        {"clientId": "c"},
        {"anypointTransactionId": "ty"},
        {"id": "1"},
        {"payload": {"subaction": "Failure", "properties": {"n": 2}}},
        {"objects": [{"objectType": "User", "objectId": "u2", "objectName": "alice"}]},
    ],
)
def test_entries_that_differ_in_what_cannot_change_are_two(change: dict[str, object]) -> None:
    assert identity(ENTRY) != identity(ENTRY | change)


def test_the_order_of_an_entrys_objects_does_not_matter() -> None:
    one, two = {"objectType": "Role", "objectId": "r"}, {"objectType": "User", "objectId": "u"}
    assert identity(ENTRY | {"objects": [one, two]}) == identity(ENTRY | {"objects": [two, one]})


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ('"2026-01-01T00:00:00.250Z"', 1767225600250),
        ('"1767225600250"', 1767225600250),
        ("1767225600250.0", 1767225600250),
        ("null", None),
        ('"soon"', None),
        ("true", None),
        ("1e300", None),
        ("NaN", None),
        ("1e999", None),
        ("-1", None),
        ("-62135596800000", None),
        ("253402214400000", None),
        ("99999999999999999999999", None),
        ("1" * 5001, None),
        ('"' + "1" * 5001 + '"', None),
        ('"²"', None),
        ('"١٢"', None),
        ('"1_000"', None),
        ('"20260101"', 1767225600000),
        ('"0001-01-01T00:00:00+14:00"', None),
        ('"9999-12-31T23:59:59-14:00"', None),
        ('{"seconds":1}', None),
    ],
)
def test_a_time_is_found_in_whatever_way_it_is_spelled(stamp: str, expected: int | None) -> None:
    assert recognize([f'{{"timestamp":{stamp},"action":"x"}}'.encode()]).times == [expected]


@given(st.integers())
def test_every_time_that_is_given_has_a_day_and_one_after_it(stamp: int) -> None:
    (time,) = recognize([b'{"timestamp":%d}' % stamp]).times
    if time is None:
        assert not 0 <= stamp < day_start(date(9999, 12, 31))
    else:
        assert time == stamp
        assert day_start(day_of(time)) <= time


def test_an_entry_that_is_nested_deep_has_its_time() -> None:
    entry = b'{"payload":' + b"[" * 5000 + b"]" * 5000 + b',"timestamp":1767225600250}'
    assert recognize([entry]).times == [1767225600250]


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (b"0", 0),
        (b"7", 7),
        (b"7.0", 7),
        (b"1e3", 1000),
        (b"7.5", None),
        (b"-1", None),
        (b"1e999", None),
        (b"-1e999", None),
        (b"NaN", None),
        (b"Infinity", None),
        (b"1e30", None),
        (b"9" * 5001, None),
        (b"null", None),
        (b'"7"', None),
        (b"true", None),
        (b"[1]", None),
        (b'{"value":7}', None),
    ],
)
@pytest.mark.parametrize("entry", [b"{}", b'{"odd":NaN}'])
def test_a_total_that_cannot_be_one_is_none(total: bytes, expected: int | None, entry: bytes) -> None:
    page = read_page(b'{"data":[' + entry + b'],"total":' + total + b"}")
    assert (bytes_of(page.entries), page.total) == ([entry], expected)


def test_a_page_without_a_total_has_none() -> None:
    assert read_page(b'{"data":[]}').total is None


@pytest.mark.parametrize(
    ("entry", "digest"),
    [
        (ENTRY, "1caf37245d95ee3afdd7fafb4836e540"),
        (
            {
                "timestamp": 1759300000001,
                "id": "7",
                "platform": "API Manager",
                "action": "Grant",
                "clientId": "c1",
                "clientName": "app",
                "anypointTransactionId": "ty",
                "objects": [{"objectType": "User", "objectId": "u"}, {"objectType": "Role", "objectId": "r"}],
                "payload": {},
            },
            "3fc2d97d38b2b4de1982da4cdc4f5cb3",
        ),
        ({"timestamp": "2026-01-01T00:00:00Z", "action": "x"}, "94b9301f15f947c3807def5431d07ed9"),
    ],
)
def test_the_identity_of_an_entry_stays_what_archives_hold(entry: dict[str, object], digest: str) -> None:
    assert identity(entry).hex() == digest


def test_one_odd_entry_does_not_change_what_its_neighbours_are_recognized_by() -> None:
    good, odd = json.dumps(ENTRY).encode(), b'{"timestamp":"soon","x":"\\ud800"}'
    assert recognize([good, odd]).keys[0] == recognize([good]).keys[0]


@given(json_values)
def test_a_line_has_no_newline_and_means_the_same(value: object) -> None:
    pretty = json.dumps({"v": value}, indent=2).replace("\n", "\r\n").encode()
    line = as_line(pretty)
    assert b"\n" not in line
    assert b"\r" not in line
    assert json.loads(line) == {"v": value}
