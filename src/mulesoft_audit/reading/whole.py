"""One entry whole, indented for people: every number, key and escape as the source wrote it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mulesoft_audit.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable

DEEPEST = 40  #: what is nested deeper is not indented further
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},:]|[^\s\[\]{},:"]++')


def whole(line: bytes, paint: Callable[[str, str], str] = lambda text, _: text) -> str:
    """Return all of an entry as indented JSON, without what could steer a terminal.

    Args:
        line: its bytes.
        paint: is given each token's text and its kind (`key`, `text`, `other`), and returns what to show.
    """
    tokens = _TOKEN.findall(line.decode("utf-8", "surrogateescape"))
    shown: list[str] = []
    depth = 0
    for piece, following in zip(tokens, [*tokens[1:], ""], strict=True):
        if piece in ("]", "}"):
            depth -= 1
            if shown[-1] not in ("[", "{"):
                shown.append(_newline(depth))
            shown.append(piece)
        elif piece in ("[", "{"):
            depth += 1
            shown.append(piece)
            if following not in ("]", "}"):
                shown.append(_newline(depth))
        elif piece == ",":
            shown.append("," + _newline(depth))
        elif piece == ":":
            shown.append(": ")
        else:
            kind = "other" if piece[0] != '"' else "key" if following == ":" else "text"
            shown.append(paint(printable(piece), kind))
    return "".join(shown)


def _newline(depth: int) -> str:
    return "\n" + "  " * min(max(depth, 0), DEEPEST)
