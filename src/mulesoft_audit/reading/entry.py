"""An entry as the archive holds it: its bytes, and its fields once somebody asks for them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from mulesoft_audit.reading.view import View

DEEPEST = 100  #: levels of an entry that are read; objects of documented entries are four levels down
_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)
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
    have any size. A number of thousands of digits, and what is nested deeper than `DEEPEST`, stay text: their own JSON.
    What is no JSON object at all has no fields.
    """
    shallow = _shallow(line)
    try:
        found = _decode(shallow)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError):
        found = _decode_odd(shallow.decode("utf-8", "surrogateescape"))
    return found if isinstance(found, dict) else {}


def _shallow(line: bytes) -> bytes:
    """Return a line in which what is nested too deep is a text.

    Python reads about a thousand levels, less the calls under way: what it makes of an entry is not to depend on them.
    """
    if line.count(b"[") + line.count(b"{") <= DEEPEST:
        return line
    pieces, depth, done = [], 0, 0
    for found in _BRACKET.finditer(line):
        bracket = found[0]
        if bracket in (b"[", b"{"):
            depth += 1
            if depth == DEEPEST + 1:
                pieces.append(line[done : found.start()])
                done = found.start()
        elif bracket in (b"]", b"}"):
            if depth == DEEPEST + 1:
                deep = line[done : found.end()].decode("utf-8", "surrogateescape")
                pieces.append(json.dumps(deep).encode())
                done = found.end()
            depth -= 1
    return b"".join([*pieces, line[done:]])


def _decode_odd(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text, strict=False, parse_int=_whole_number)
    except (ValueError, RecursionError):
        return None


def _whole_number(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # more digits than Python turns into a number (sys.set_int_max_str_digits)
        return digits
