"""The syntax of CBN, the language of Google SecOps' parsers: from text to a tree of statements.

Source: docs.cloud.google.com/chronicle/docs/reference/parser-syntax, and the parser files of chronicle/content-hub.
What is not known here is refused, never skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*
      |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      |(?P<regex>/(?:[^/\\\n]|\\.)+/)
      |(?P<sign>=>|==|!=|=~|!~|<=|>=|&&|\|\||[{}\[\](),!<>])
      |(?P<word>[@A-Za-z0-9_.\-]+)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\([\\\"'nrt])", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}
COMPARISONS = ("==", "!=", "=~", "!~", "<", ">", "<=", ">=")


class Unknown(Exception):
    """The text uses something that this emulator does not know."""


@dataclass(frozen=True)
class Plugin:
    name: str
    settings: list[tuple[str, Any]]
    line: int


@dataclass(frozen=True)
class If:
    branches: list[tuple[Any, list[Any]]]  #: condition (None: else) and statements
    line: int


@dataclass(frozen=True)
class For:
    names: list[str]
    source: str
    over_map: bool
    body: list[Any]
    line: int


def parse(text: str) -> list[Any]:
    """Return the statements of a parser's `filter { … }`.

    Raises:
        Unknown: it has something that is not known here.
    """
    reader = _Reader(text)
    reader.expect("filter")
    statements = reader.block()
    if reader.peek() is not None:
        raise reader.unknown()
    return statements


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        self._at = 0
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            line = text.count("\n", 0, place) + 1
            if match is None:
                raise Unknown(f"line {line}: {text[place : place + 20]!r}")
            if match.lastgroup:
                self._tokens.append((match.lastgroup, match.group(), line))
            place = match.end()

    def unknown(self) -> Unknown:
        kind, text, line = self._tokens[min(self._at, len(self._tokens) - 1)]
        return Unknown(f"line {line}: {kind} {text!r}")

    def peek(self, ahead: int = 0) -> str | None:
        at = self._at + ahead
        return self._tokens[at][1] if at < len(self._tokens) else None

    def take(self) -> tuple[str, str, int]:
        if self._at >= len(self._tokens):
            raise Unknown("the text ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def expect(self, text: str) -> None:
        if self.peek() != text:
            raise self.unknown()
        self._at += 1

    def accept(self, text: str) -> bool:
        if self.peek() != text:
            return False
        self._at += 1
        return True

    # Statements.

    def block(self) -> list[Any]:
        self.expect("{")
        statements = []
        while not self.accept("}"):
            statements.append(self.statement())
        return statements

    def statement(self) -> Any:
        kind, name, line = self.take()
        if kind != "word":
            self._at -= 1
            raise self.unknown()
        if name == "if":
            return self.choice(line)
        if name == "for":
            return self.loop(line)
        return Plugin(name, self.settings(), line)

    def choice(self, line: int) -> If:
        branches: list[tuple[Any, list[Any]]] = [(self.condition(), self.block())]
        while self.accept("else"):
            if self.accept("if"):
                branches.append((self.condition(), self.block()))
            else:
                branches.append((None, self.block()))
                break
        return If(branches, line)

    def loop(self, line: int) -> For:
        names = [self.take()[1]]
        while self.accept(","):
            names.append(self.take()[1])
        self.expect("in")
        source = self.take()[1]
        over_map = self.accept("map")
        return For(names, source, over_map, self.block(), line)

    # Values.

    def settings(self) -> list[tuple[str, Any]]:
        self.expect("{")
        found = []
        while not self.accept("}"):
            kind, name, _ = self.take()
            self.expect("=>")
            found.append((_text(name) if kind == "string" else name, self.value()))
            self.accept(",")
        return found

    def value(self) -> Any:
        if self.peek() == "{":
            return dict_of_pairs(self.settings())
        if self.accept("["):
            items = []
            while not self.accept("]"):
                items.append(self.value())
                self.accept(",")
            return items
        kind, text, _ = self.take()
        if kind == "string":
            return _text(text)
        if kind != "word":
            self._at -= 1
            raise self.unknown()
        return text

    # Conditions.

    def condition(self) -> Any:
        left = self.conjunction()
        while self.peek() in ("or", "||"):
            self._at += 1
            left = ("or", left, self.conjunction())
        return left

    def conjunction(self) -> Any:
        left = self.negation()
        while self.peek() in ("and", "&&"):
            self._at += 1
            left = ("and", left, self.negation())
        return left

    def negation(self) -> Any:
        if self.accept("!") or (self.peek() == "not" and self.accept("not")):
            return ("not", self.negation())
        if self.accept("("):
            inner = self.condition()
            self.expect(")")
            return inner
        return self.comparison()

    def comparison(self) -> Any:
        left = self.operand()
        if self.peek() in COMPARISONS:
            sign = self.take()[1]
            return (sign, left, self.operand())
        if self.accept("in"):
            return ("in", left, self.value())
        if self.peek() == "not" and self.peek(1) == "in":
            self._at += 2
            return ("not", ("in", left, self.value()))
        return ("is", left)

    def operand(self) -> Any:
        if self.peek() != "[":
            kind, text, _ = self.take()
            if kind == "sign":
                self._at -= 1
                raise self.unknown()
            if kind == "word" and _NUMBER.fullmatch(text):
                return ("text", float(text))
            return ("text", text[1:-1] if kind == "regex" else _text(text))
        path: list[str] = []
        while self.accept("["):
            kind, name, _ = self.take()
            path += name.split(".") if kind == "word" else [_text(name)]
            self.expect("]")
        return ("token", tuple(path))


def dict_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return pairs as a dictionary; of a name given twice, the last counts."""
    return dict(pairs)


def _text(quoted: str) -> str:
    if quoted[:1] not in "\"'":
        return quoted
    return _ESCAPE.sub(lambda match: _CONTROL.get(match[1], match[1]), quoted[1:-1])
