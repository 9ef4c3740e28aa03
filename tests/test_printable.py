"""What is shown steers no terminal, and can always be encoded."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulesoft_audit.printable import json_line, printable

ANY_TEXT = st.text(st.characters())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zahlungen, 決済 & Söhne ✓", "Zahlungen, 決済 & Söhne ✓"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\r\n\tb", "a\\r\\n\\tb"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("\u2066x\u2069\u200b", "\\u2066x\\u2069\\u200b"),
        ("\ud800", "\\ud800"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
        ("\U000e0001", "\\U000e0001"),
        ("", ""),
    ],
)
def test_what_is_no_visible_character_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_is_long_is_cut_and_what_is_kept_stays() -> None:
    assert printable("a" * 99, 10) == "a" * 9 + "…"
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"


@given(ANY_TEXT)
def test_any_text_becomes_one_that_can_be_shown_and_encoded(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()
    assert printable(shown) == shown


@given(
    st.recursive(
        ANY_TEXT | st.integers(0, 9) | st.none(), lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner)
    )
)
def test_any_value_becomes_one_line_of_json(value: object) -> None:
    line = json_line(value)
    assert "\n" not in line
    json.loads(line.encode())


def test_what_can_be_encoded_is_not_changed() -> None:
    value = {"a": ["\x1b", "ä", 1, None, True]}
    assert json.loads(json_line(value)) == value


def test_a_path_that_is_not_utf8_is_shown_escaped_in_json() -> None:
    assert json.loads(json_line({"archive": os.fsdecode(b"/x/\xff")})) == {"archive": "/x/\\xff"}
