"""The tokens of a CBN parser while it runs: a tree of texts, numbers, lists and maps."""

from __future__ import annotations

import copy
import ipaddress
import re
from decimal import Decimal, InvalidOperation
from typing import Any

_INSERTED = re.compile(r"%\{([^}]*)\}")
MISSING: Any = object()


class Failure(Exception):
    """A step fails: its on_error flag is set, or the whole line fails."""


class Tokens:
    """What a line's tokens hold."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}

    def get(self, path: str | tuple[str, ...]) -> Any:
        """Return what is at a path, or MISSING."""
        if isinstance(path, str) and path in self.root:
            return self.root[path]
        found: Any = self.root
        for name in _names(path):
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            else:
                return MISSING
        return found

    def need(self, path: str) -> Any:
        """Return what is at a path.

        Raises:
            Failure: there is nothing.
        """
        found = self.get(path)
        if found is MISSING:
            raise Failure(f"{path} is missing")
        return found

    def put(self, path: str, value: Any) -> None:
        """Set what is at a path; maps on the way are made, also in place of an empty text."""
        *above, last = _names(path)
        found: Any = self.root
        for name in above:
            inner = found.get(name, "") if isinstance(found, dict) else _item(found, name)
            if inner == "":
                inner = found[name] = {}
            if not isinstance(inner, dict | list):
                raise Failure(f"{path}: {name} is no map")
            found = inner
        if isinstance(found, list):
            found[int(last)] = value
        else:
            found[last] = value

    def overlay(self, path: str, found: dict[str, Any]) -> None:
        """Lay a JSON object over what is at a path, the whole tree if it is empty.

        Maps are laid into maps, and a null leaves what is there: so Google's engine does (google_pairs.py).
        """
        if not path:
            _lay(self.root, found)
            return
        held = self.get(path)
        base: dict[str, Any] = held if isinstance(held, dict) else {}
        _lay(base, found)
        self.put(path, base)

    def remove(self, path: str) -> None:
        """Remove what is at a path, if there is anything."""
        *above, last = _names(path)
        holder = self.get(tuple(above)) if above else self.root
        if isinstance(holder, dict):
            holder.pop(last, None)

    def merge(self, path: str, source: str) -> None:
        """Append a copy of what is at `source` to the list at `path`."""
        value = copy.deepcopy(self.need(source))
        held = self.get(path)
        if held is MISSING or held == "":
            held = []
        elif not isinstance(held, list):
            held = [held]
        self.put(path, [*held, *(value if isinstance(value, list) else [value])])

    def filled(self, template: str) -> str:
        """Return a text with tokens inserted for %{…}.

        Raises:
            Failure: one of them is missing, or no text.
        """

        def insert(match: re.Match[str]) -> str:
            value = self.need(match[1])
            if not isinstance(value, str):
                raise Failure(f"{match[1]} is no text")
            return value

        return _INSERTED.sub(insert, template)


def _lay(base: dict[str, Any], over: dict[str, Any]) -> None:
    for name, value in over.items():
        if value is None:
            continue
        if isinstance(value, dict):
            inner = base.get(name)
            base[name] = inner if isinstance(inner, dict) else {}
            _lay(base[name], value)
        else:
            base[name] = value


def _names(path: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path.split(".")) if isinstance(path, str) else path


def _item(found: Any, name: str) -> Any:
    if isinstance(found, list) and name.isdigit() and int(name) < len(found):
        return found[int(name)]
    raise Failure(f"{name}: no such item")


def number_text(value: float) -> str:
    """Return a number as the engine writes it: shortest digits, without an exponent."""
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def converted(value: Any, kind: str) -> Any:
    """Return a value as another type.

    Raises:
        Failure: it is none.
    """
    if value is None or isinstance(value, dict | list):
        raise Failure("neither a text nor a number")
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else number_text(value)
    try:
        return _CONVERSIONS[kind](text)
    except ValueError as error:
        raise Failure(str(error)) from None


def _whole(text: str) -> int:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text} is no number") from None
    if not number.is_finite() or number != int(number):
        raise ValueError(f"{text} is no whole number")
    return int(number)


def _unsigned(text: str) -> int:
    number = _whole(text)
    if number < 0:
        raise ValueError(f"{text} is negative")
    return number


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text} is no boolean")
    return text.lower() == "true"


def _address(text: str) -> str:
    address = ipaddress.ip_address(text)
    return str(getattr(address, "ipv4_mapped", None) or address)  # as Go's net.IP is written; not seen in an engine


_CONVERSIONS: dict[str, Any] = {
    "string": str,
    "integer": _whole,
    "uinteger": _unsigned,
    "float": float,
    "boolean": _boolean,
    "ipaddress": _address,
}
