"""An entry's fields, whatever JSON allows it to be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulesoft_audit.reading.entry import Entry, decode
from mulesoft_audit.reading.view import glance, view

pytestmark = pytest.mark.unit

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-16")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=())), JSON | st.text(st.characters(exclude_categories=())))
)
def test_the_fields_are_those_that_python_reads(fields):
    line = json.dumps(fields).encode()
    assert decode(line) == json.loads(line)


def test_a_surrogate_that_stands_alone_is_read_and_the_rest_of_the_entry_with_it():
    assert decode(rb'{"a":"x\ud83dy","b":1}') == {"a": "x\ud83dy", "b": 1}


def test_numbers_of_any_size_are_read():
    assert decode(b'{"a":340282366920938463463374607431768211457}') == {"a": 2**128 + 1}
    assert decode(b'{"a":%s,"b":1}' % (b"7" * 9000)) == {"a": "7" * 9000, "b": 1}
    assert decode(b'{"a":1e999,"b":-0.0}')["b"] == 0


def test_of_a_name_given_twice_the_last_counts_whatever_reads_it():
    assert decode(rb'{"a":1,"a":2,"\u0061":3}') == {"a": 3}
    assert decode(rb'{"a":"\ud83d","a":2,"\u0061":3}') == {"a": 3}


@pytest.mark.parametrize("depth", [30, 900, 5000, 200_000])
def test_an_entry_nested_as_deep_as_you_like_is_read_and_what_is_beside_the_depth_too(depth):
    deep = b"[" * depth + b"]" * depth
    found = decode(b'{"action":"Delete","payload":%s,"userName":"x"}' % deep)
    assert (found["action"], found["userName"]) == ("Delete", "x")
    assert found["payload"]


def at_another_depth(call, calls: int):
    return at_another_depth(call, calls - 1) if calls else call()


@pytest.mark.parametrize("inner", [b"1", rb'"]\ud83d\"["', b'{"a":1}'])
@pytest.mark.parametrize("depth", [90, 300, 700, *range(850, 960, 10), 5000])
def test_what_is_read_does_not_depend_on_the_calls_under_way(depth, inner):
    deep = b'[{"x":' * (depth // 2) + inner + b"}]" * (depth // 2)
    line = b'{"userName":?,"payload":{"x":?,"subaction":"Failure"},"objects":[{"objectName":?}]}'.replace(b"?", deep)
    for read in (decode, glance, lambda one: view(Entry(0, "", one))):
        assert repr(read(line)) == repr(at_another_depth(lambda read=read: read(line), 300))
    assert glance(line).has_failed
    if depth <= 90:
        assert decode(line) == json.loads(line)


@pytest.mark.parametrize("line", [b"", b"[1]", b"null", b"\xff", b"{", b'{"a":\xff}'])
def test_what_is_no_object_has_no_fields(line):
    assert decode(line) == {}


def test_a_byte_that_is_no_utf8_is_kept():
    assert decode(b'{"a":"x\xffy"}') == {"a": "x\udcffy"}
