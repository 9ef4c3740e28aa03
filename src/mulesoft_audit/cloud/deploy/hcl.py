"""Values in Terraform's language, laid out as `terraform fmt` does it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expression:
    """What is written as it is, as opposed to a string."""

    text: str


def quoted(text: str) -> str:
    """Return a string literal in which nothing is interpolated."""
    escaped = "".join(_escaped(char) for char in text)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def literal(value: object) -> str:
    """Return a value that fits on a line.

    Raises:
        TypeError: there is no such literal.
    """
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Sequence):
        return f"[{', '.join(literal(one) for one in value)}]"
    raise TypeError(type(value).__name__)


def _key(name: str) -> str:
    """Return an attribute's name, quoted if it is more than a plain word; "for" begins another kind of expression."""
    return name if re.fullmatch(r"[a-z]\w*", name, re.ASCII) and name != "for" else quoted(name)


def attributes(values: Mapping[str, object], indent: str = "  ") -> list[str]:
    """Return a line for each attribute, their signs of equality below each other; maps follow, each set apart."""
    short = {_key(name): literal(value) for name, value in values.items() if not isinstance(value, Mapping)}
    width = max(map(len, short), default=0)
    lines = [f"{indent}{name:{width}} = {value}" for name, value in short.items()]
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += ["", f"{indent}{name} = {{", *attributes(value, f"{indent}  "), f"{indent}}}"]
    return lines
