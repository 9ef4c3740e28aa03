"""A JSON object is cut into its members however deep it is nested, and what Python would not read is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulesoft_audit.anypoint.scan import NotJson, scan

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(['"', "\\", "]}", "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
names = st.text(max_size=3) | st.sampled_from(["data", "total"])
documents = st.dictionaries(names, json_values, max_size=5)


def text_of(value: object, *, pretty: bool) -> bytes:
    return json.dumps(value, indent=1 if pretty else None).encode()


@given(documents, st.booleans())
def test_the_members_of_any_object_mean_what_python_reads(document: dict[str, object], pretty: bool) -> None:
    found = scan(text_of(document, pretty=pretty), listed="data")
    assert repr({name: json.loads(value) for name, value in found.values.items()}) == repr(document)
    data = document.get("data")
    assert (found.elements is None) == (not isinstance(data, list))
    if isinstance(data, list):
        assert repr([json.loads(element) for element in found.elements or []]) == repr(data)


@given(documents, st.booleans(), st.integers(0), st.sampled_from([*'"\\[]{},:0-1.eEnt \n', "\t", "ÿ", ""]))
def test_a_document_that_was_damaged_is_refused_where_python_refuses_it(
    document: dict[str, object], pretty: bool, place: int, put: str
) -> None:
    text = text_of(document, pretty=pretty).decode()
    place %= len(text)
    damaged = text[:place] + put + text[place + 1 :]
    try:
        expected = json.loads(damaged, strict=False)
    except ValueError:
        expected = None
    if not isinstance(expected, dict):
        with pytest.raises(NotJson):
            scan(damaged.encode(), listed="data")
        return
    found = scan(damaged.encode(), listed="data")
    assert repr({name: json.loads(value, strict=False) for name, value in found.values.items()}) == repr(expected)


@given(documents.filter(bool), st.integers(0))
def test_a_document_that_was_cut_anywhere_is_refused(document: dict[str, object], length: int) -> None:
    text = text_of(document, pretty=False)
    with pytest.raises(NotJson):
        scan(text[: length % len(text)])


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        (b'{"data":[1],"data":[2,3]}', [b"2", b"3"]),
        (b'{"data":[1],"data":{}}', None),
        (b'{"data":7,"d\\u0061ta":[ [4] , "5" ]}', [b"[4]", b'"5"']),
        (b'{"x":{"data":[1]},"y":[{"data":[2]}]}', None),
        (b'\xef\xbb\xbf{"data":[]}', []),
    ],
)
def test_the_last_list_of_the_name_counts(text: bytes, elements: list[bytes] | None) -> None:
    assert scan(text, listed="data").elements == elements


def test_depth_has_no_limit() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert scan(b'{"data":[' + deep + b",1]}", listed="data").elements == [deep, b"1"]
    with pytest.raises(NotJson):
        scan(b'{"data":[' + deep[:-1] + b"]}")
