"""What an entry says is found whatever its shape, and compared as people mean it."""

from __future__ import annotations

import json
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulesoft_audit.ledger.names import Names
from mulesoft_audit.printable import printable
from mulesoft_audit.reading.entry import Entry
from mulesoft_audit.reading.filters import Wanted, matching
from mulesoft_audit.reading.lines import _REMEMBERED, SHORT, Lines
from mulesoft_audit.reading.view import View, view
from mulesoft_audit.times import LocalTimes

pytestmark = pytest.mark.unit

LOGIN = {
    "timestamp": 1,
    "platform": "CoreServices",
    "action": "Login",
    "objects": [{"objectType": "User", "objectId": "u-2", "objectName": "bob", "environmentName": None}],
    "payload": {"subaction": "Failure", "properties": {"clientIP": "192.0.2.1", "x": [1]}},
    "failed": False,
    "userId": "u-1",
    "userName": "Alice Größe",
    "anypointTransactionId": "t-1",
}
DEPLOY = {
    "platform": "Runtime Manager",
    "action": "Deploy",
    "objects": [
        {"objectType": "Application", "objectName": "a*b", "environmentName": "Production", "environmentId": "e-1"},
        {"objectType": "Role", "objectId": "r-9"},
    ],
    "payload": {"properties": None},
    "userName": None,
    "clientName": "ci",
    "clientId": "c-1",
}


def entry(fields: object) -> Entry:
    return Entry(0, "o", fields if isinstance(fields, bytes) else json.dumps(fields).encode())


def test_what_an_entry_says():
    said = view(entry(LOGIN))
    assert (said.who, said.what_was_done, said.first.object_name) == ("Alice Größe", "Login - Failure", "bob")
    assert (said.has_failed, said.ip, said.environment, said.transaction) == (True, "192.0.2.1", None, "t-1")
    said = view(entry(DEPLOY))
    assert (said.who, said.what_was_done, said.environment, said.has_failed) == ("ci", "Deploy", "Production", False)


TEXTS = st.sampled_from([None, "", "Failure", "b\x1bb", "ünï 東京", "x\ud83d", 7, True, [1], {"a": 1}])
THINGS = st.lists(
    st.dictionaries(st.sampled_from(["objectType", "objectName", "objectId", "environmentName", "parentId"]), TEXTS)
    | st.none(),
    max_size=5,
)
NAMES = (
    *("platform", "action", "userId", "userName", "clientId", "clientName", "failed", "subaction"),
    *("environmentName", "environmentId", "anypointTransactionId"),
)
PAYLOADS = st.dictionaries(st.sampled_from(["subaction", "properties"]), TEXTS)
ENTRIES = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(NAMES, TEXTS), "objects": THINGS | TEXTS, "payload": PAYLOADS | TEXTS}
)


@given(ENTRIES)
def test_a_line_shows_what_a_full_look_at_the_entry_says(fields):
    one = entry(fields)
    said = view(one)
    (shown,) = Lines(Names({"o": "Payments"}), ["o"], times=LocalTimes(UTC)).of("o", [0], [one.line])
    for text in (said.who, said.what_was_done, said.platform, said.environment):
        assert printable(text or "-", 80) in shown
    for thing in (said.objects or ())[:3]:
        assert " ".join(printable(text, 80) for text in (thing.object_type, thing.name) if text) in shown
    assert shown.startswith("1970-01-01 00:00:00 UTC  Payments  ")
    assert ("  failed  " in shown) == said.has_failed
    assert shown.rstrip("\n").isprintable()


def test_long_texts_are_shown_like_short_ones_and_not_kept():
    lines = Lines(Names({"o": "Payments"}), ["o"], times=LocalTimes(UTC))
    fields = {"userName": "bob", "action": "Edit", "objects": [{"objectType": "Role", "objectName": "a" * 90}]}
    kept = [cache.cache_info().currsize for cache in _REMEMBERED]
    long = entry(fields | {"userName": "x" * SHORT})
    (shown,) = lines.of("o", [0], [long.line])
    assert "x" * 79 + "…" in shown
    assert f"Role {'a' * 79}…" in shown
    assert [cache.cache_info().currsize for cache in _REMEMBERED] == kept


def test_an_entry_that_says_nothing_says_nothing():
    said = view(entry({}))
    assert (said.who, said.what_was_done, said.first.object_name, said.environment, said.ip) == (
        "",
        "",
        None,
        None,
        None,
    )
    assert not said.has_failed


@pytest.mark.parametrize(
    "odd",
    [
        {"payload": "text"},
        {"payload": {"subaction": "Failure", "properties": [1]}},
        {"objects": {"objectType": "User", "objectId": "u-2", "objectName": "bob"}},
        {"objects": [None, {"objectType": "User", "objectId": "u-2", "objectName": "bob"}]},
        {"userId": 7},
        {"failed": "true"},
        {"x": "\ud83d"},
    ],
)
def test_an_entry_of_another_shape_is_read_as_far_as_it_goes(odd):
    said = view(entry({**LOGIN, **odd}))
    assert (said.platform, said.user_name, said.first.object_name) == ("CoreServices", "Alice Größe", "bob")


KEYS = st.sampled_from(["subaction", "properties", "objectName", "clientIP"])
VALUES = st.recursive(
    st.none() | st.integers() | st.text() | st.booleans(), lambda one: st.lists(one) | st.dictionaries(KEYS, one)
)


@given(st.dictionaries(st.sampled_from(sorted(LOGIN)), VALUES))
def test_no_shape_is_too_odd(fields):
    said = view(entry(fields))
    for name in View.__struct_fields__:
        value = getattr(said, name)
        assert value is None or isinstance(value, str | bool | list) or name == "payload"
    assert isinstance(said.who + said.what_was_done, str)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, "LD"),
        ({"user": ["alice*"]}, "L"),
        ({"user": ["ALICE GRÖßE"]}, "L"),
        ({"user": ["alice"]}, ""),
        ({"user": ["u-1", "CI"]}, "LD"),
        ({"user": ["c-1"]}, "D"),
        ({"action": ["login"]}, "L"),
        ({"action": ["failure"]}, "L"),
        ({"action": ["login - failure"]}, "L"),
        ({"action": ["log", "deploy"]}, "D"),
        ({"object": ["bob"]}, "L"),
        ({"object": ["user"]}, "L"),
        ({"object": ["R-9"]}, "D"),
        ({"object": ["a*b"]}, "D"),
        ({"object": ["*"]}, "LD"),
        ({"object": ["a.b"]}, ""),
        ({"platform": ["*services"]}, "L"),
        ({"environment": ["production"]}, "D"),
        ({"environment": ["e-1"]}, "D"),
        ({"failed": True}, "L"),
        ({"user": ["ci"], "action": ["login"]}, ""),
        ({"user": ["*"], "action": ["*"], "failed": True}, "L"),
        ({"grep": "192.0.2.1"}, "L"),
        ({"grep": "ALICE"}, "L"),
        ({"grep": "größe"}, "L"),
        ({"grep": '"action": "dep'}, "D"),
        ({"grep": "nothing"}, ""),
    ],
)
def test_which_entries_are_wanted(wanted, found):
    entries = {"L": entry(LOGIN), "D": entry(DEPLOY)}
    matched = list(matching(entries.values(), Wanted(**wanted)))
    assert "".join(name for name, one in entries.items() if one in matched) == found


def test_text_is_found_however_it_is_escaped():
    line = rb'{"a":"\u0041lice \u00e9 \"quoted\" \ud83d","b":1}'
    for text in ("alice", "É", 'alice é "quoted'):
        assert list(matching([entry(line)], Wanted(grep=text))), text
