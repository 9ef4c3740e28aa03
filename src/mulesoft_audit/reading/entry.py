"""An entry as the archive holds it: its bytes, and its fields once somebody asks for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from mulesoft_audit.anypoint.scan import NotJson, scan

if TYPE_CHECKING:
    from mulesoft_audit.reading.view import View

_decode = msgspec.json.Decoder().decode


class Entry(msgspec.Struct, gc=False, eq=False):
    """An entry of an archive.

    Attributes:
        time: Unix milliseconds.
        organization: id of the organization whose log it is in.
        line: its bytes as the source gave them, without a newline.
        view: what it says, once `view.view` was asked.
    """

    time: int
    organization: str
    line: bytes
    view: View | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Its fields by Anypoint's names; see `decode`."""
        return decode(self.line)


def decode(line: bytes) -> dict[str, Any]:
    r"""Return the fields of an entry; of a name given twice, the last counts.

    Everything that JSON allows is read: a surrogate that stands alone stays one (`printable` escapes it), whole numbers
    have any size. A number of thousands of digits, and a member nested deeper than Python reads, stay text: their own
    JSON. What is no JSON object at all has no fields.
    """
    try:
        found = _decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError):
        found = _decode_odd(line.decode("utf-8", "surrogateescape"), line)
    return found if isinstance(found, dict) else {}


def _decode_odd(text: str, line: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return _loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        members = scan(line).values
    except NotJson:
        return None
    return {name: _value(value.decode("utf-8", "surrogateescape")) for name, value in members.items()}


def _value(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return _loads(text)
    except (ValueError, RecursionError):
        return text


def _loads(text: str) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(text, strict=False, parse_int=_whole_number)


def _whole_number(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # more digits than Python turns into a number (sys.set_int_max_str_digits)
        return digits
