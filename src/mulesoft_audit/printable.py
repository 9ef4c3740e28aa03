"""Text as it may be shown: without what steers a terminal, and without what UTF-8 and JSON cannot hold."""

from __future__ import annotations

import re

import msgspec

_SURROGATES = re.compile("[\ud800-\udfff]")


def printable(text: object, limit: int = 0, *, keep: str = "") -> str:
    r"""Return `text` with all that is no visible character or space escaped: `\x1b`, `\u202e`, `\n`.

    That is every control character, marks that turn the direction of text, and bytes of a path that are not UTF-8.

    Args:
        text: what to show.
        limit: the most characters to return; 0 for any number. What is cut ends with an ellipsis.
        keep: characters that stay as they are all the same.
    """
    shown = str(text)[: limit + 1] if limit else str(text)
    if not shown.isprintable():
        shown = "".join(char if char.isprintable() or char in keep else _escaped(char) for char in shown)
    return shown if not limit or len(shown) <= limit else shown[: limit - 1] + "…"


def json_line(value: object) -> str:
    """Return `value` as one line of JSON that every reader takes, whatever text is in it."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_encodable(msgspec.to_builtins(value))).decode()


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return _SURROGATES.sub(lambda match: _escaped(match.group()), value)
    if isinstance(value, dict):
        return {_encodable(key): _encodable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_encodable(one) for one in value]
    return value


def _escaped(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # Python's way to keep a byte of a path that is not UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()
