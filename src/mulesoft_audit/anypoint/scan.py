"""A JSON object cut into its members by their bytes, however deep it is nested.

Other readers go one level of their own down for each level of the document, and refuse what is nested deeper than they
may go. This one keeps a list of brackets instead. It accepts what Python's `json.loads(…, strict=False)` does: JSON,
and NaN, Infinity and control characters in texts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

_SCALAR = (
    rb'"[^"\\]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\]*+)*+"'
    rb"|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][-+]?[0-9]++)?+"
    rb"|true|false|null|NaN|-?Infinity"
)
_TOKEN = re.compile(rb"[ \t\n\r]*+(" + _SCALAR + rb"|[\[\]{},:])")
_BLANK = re.compile(rb"[ \t\n\r]*+")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What may come next.
_VALUE, _VALUE_OR_END, _NAME, _NAME_OR_END, _COLON, _NEXT = range(6)
_MAY_COME = {
    b":": {_COLON},
    b",": {_NEXT},
    b"]": {_NEXT, _VALUE_OR_END},
    b"}": {_NEXT, _NAME_OR_END},
}
_VALUES, _NAMES = {_VALUE, _VALUE_OR_END}, {_NAME, _NAME_OR_END}


class NotJson(ValueError):
    """The text is no JSON object, or was cut."""


@dataclass(slots=True)
class Members:
    """The members of one JSON object; the last of two of one name counts, as it does for every reader.

    Attributes:
        values: by name, the bytes of each value.
        elements: the bytes of each element of the member asked for; None if it is missing or no list.
    """

    values: dict[str, bytes] = field(default_factory=dict)
    elements: list[bytes] | None = None


def scan(text: bytes, listed: str = "") -> Members:
    """Cut a JSON object into its members, and the member `listed` into its elements.

    Raises:
        NotJson: it is none.
    """
    return _Scanner(text, listed).run()


class _Scanner:
    def __init__(self, text: bytes, listed: str) -> None:
        self._text = text
        self._listed = listed
        self._members = Members()
        self._open: list[bytes] = []  # the brackets that are open
        self._may_come = _VALUE
        self._name = ""
        self._member_start = self._element_start = 0
        self._in_list = False  # within the member that is cut into its elements

    def run(self) -> Members:
        text, take = self._text, self._take
        position = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0
        more = True
        while more:
            match = _TOKEN.match(text, position)
            if match is None:
                raise NotJson(f"no JSON at byte {position}")
            position = match.end()
            more = take(match[1], match.start(1), position)
        if _BLANK.fullmatch(text, position) is None:
            raise NotJson(f"something follows at byte {position}")
        return self._members

    def _take(self, token: bytes, start: int, end: int) -> bool:
        """Take one token; return whether more must come."""
        if token[:1] == b'"' and self._may_come in _NAMES:
            if len(self._open) == 1:
                self._name = json.loads(token.decode("utf-8", "surrogateescape"), strict=False)
            self._may_come = _COLON
            return True
        if self._may_come not in _MAY_COME.get(token, _VALUES):
            raise NotJson(f"not JSON at byte {start}")
        if token == b":":
            self._may_come = _VALUE
            return True
        if token == b",":
            self._may_come = _NAME if self._open[-1] == b"{" else _VALUE
            return True
        if token in (b"]", b"}"):
            self._close(token, start)
            return self._end_value(end)
        self._begin_value(token, start)
        return True if token in (b"[", b"{") else self._end_value(end)

    def _begin_value(self, token: bytes, start: int) -> None:
        depth = len(self._open)
        if depth == 0 and token != b"{":
            raise NotJson("no object")
        if depth == 1:
            self._member_start = start
            if self._name == self._listed:
                self._in_list = token == b"["
                self._members.elements = [] if self._in_list else None
        elif depth == 2:
            self._element_start = start
        if token in (b"[", b"{"):
            self._open.append(token)
            self._may_come = _VALUE_OR_END if token == b"[" else _NAME_OR_END

    def _close(self, token: bytes, start: int) -> None:
        if self._open.pop() != (b"[" if token == b"]" else b"{"):
            raise NotJson(f"not JSON at byte {start}")

    def _end_value(self, end: int) -> bool:
        depth = len(self._open)
        self._may_come = _NEXT
        if depth == 1:
            self._members.values[self._name] = self._text[self._member_start : end]
            self._in_list = False
        elif depth == 2 and self._in_list and self._members.elements is not None:
            self._members.elements.append(self._text[self._element_start : end])
        return depth > 0
