"""What a YARA-L rule means, for the subset that our rules are written in; anything else is refused.

It is read from the rule's text, so that a mistake in writing the text shows. A repeated field is compared element by
element, and an absent one is the empty text, as Google's documentation of YARA-L 2.0 has it.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_TOKEN = re.compile(
    r"""\s+
      |(?P<string>"(?:[^"\\]|\\.)*")
      |(?P<regex>/(?:[^/\\]|\\.)+/)
      |(?P<event>\$\w+(?:\.\w+|\["[^"]*"\])+)
      |(?P<variable>[$\#]\w+)
      |(?P<table>%\w+\.\w+)
      |(?P<number>\d+)
      |(?P<word>[a-z_]+(?:\.[a-z_]+)*)
      |(?P<sign>!=|>=|<|=|[(),])""",
    re.VERBOSE,
)
_SECTION = re.compile(r"^  (meta|events|match|outcome|condition):\n(.*?)(?=^  \w+:\n|^})", re.DOTALL | re.MULTILINE)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Unknown(Exception):
    """The text has something that is not known here."""


@dataclass
class Rule:
    """A rule as it was read.

    Attributes:
        meta: texts by name.
        events: what must hold of each event variable by itself.
        placeholders: of each, the field of each event variable that it stands for.
        order: pairs of event variables: the first is earlier.
        match: the placeholders that it groups by.
        window: seconds.
        outcome: expressions by name.
        condition: comparisons, all of which must hold.
    """

    meta: dict[str, str]
    events: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    placeholders: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    order: list[tuple[str, str]] = field(default_factory=list)
    match: list[str] = field(default_factory=list)
    window: int = 0
    outcome: dict[str, Any] = field(default_factory=dict)
    condition: list[tuple[str, int]] = field(default_factory=list)


def read(text: str) -> Rule:
    """Return the rule that a text holds.

    Raises:
        Unknown: it is not of the subset.
    """
    sections = dict(_SECTION.findall(text))
    names = [name for name in ("meta", "events", "match", "outcome", "condition") if name in sections]
    if not re.match(r"rule \w+ \{\n", text) or list(sections) != names:
        raise Unknown("sections")
    meta = dict(re.findall(r'^    (\w+) = "(.*)"$', sections["meta"], re.MULTILINE))
    rule = Rule(meta)
    reader = _Reader(sections["events"])
    while reader.more():
        _take(rule, reader.either())
    if "match" in sections:
        matched = re.fullmatch(r"\s*(\$\w+(?:, \$\w+)*) over (\d+)([smhd])\s*", sections["match"])
        if matched is None:
            raise Unknown("match")
        rule.match = [name.strip()[1:] for name in matched[1].split(",")]
        rule.window = int(matched[2]) * _UNITS[matched[3]]
    for name, expression in re.findall(r"^    \$(\w+) = (.+)$", sections["outcome"], re.MULTILINE):
        rule.outcome[name] = _Reader(expression).operand()
    for part in sections["condition"].strip().split(" and "):
        counted = re.fullmatch(r"([$#]\w+)(?: >= (\d+))?", part)
        if counted is None:
            raise Unknown(f"condition {part}")
        rule.condition.append((counted[1], int(counted[2] or 1)))
    return rule


def _take(rule: Rule, statement: Any) -> None:
    if statement[0] == "=" and statement[1][0] == "variable" and statement[2][0] == "event":
        rule.placeholders[statement[1][1]][statement[2][1]] = statement[2][2]
        return
    variables = {variable for variable, _ in fields_of(statement)}
    if statement[0] == "<" and len(variables) == 2:
        rule.order.append((statement[1][1], statement[2][1]))
        return
    if len(variables) != 1:
        raise Unknown(f"{statement}")
    rule.events[variables.pop()].append(statement)


def fields_of(node: Any) -> Iterator[tuple[str, str]]:
    """Yield the event variables and field paths in an expression."""
    if isinstance(node, tuple) and node[0] == "event":
        yield node[1], node[2]
    elif isinstance(node, tuple | list):
        for one in node:
            yield from fields_of(one)


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._at = place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise Unknown(text[place : place + 30])
            place = match.end()
            if match.lastgroup:
                self._tokens.append((match.lastgroup, match.group()))

    def more(self) -> bool:
        return self._at < len(self._tokens)

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self.more() else ""

    def _next(self) -> tuple[str, str]:
        self._at += 1
        return self._tokens[self._at - 1]

    def either(self) -> Any:
        groups = [self.both()]
        while self._peek() == "or":
            self._next()
            groups.append(self.both())
        return groups[0] if len(groups) == 1 else ("or", groups)

    def both(self) -> Any:
        groups = [self.one()]
        while self._peek() == "and":
            self._next()
            groups.append(self.one())
        return groups[0] if len(groups) == 1 else ("and", groups)

    def one(self) -> Any:
        if self._peek() == "not":
            self._next()
            return ("not", self.one())
        if self._peek() == "(":
            self._next()
            inner = self.either()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Any:
        left = self.operand()
        sign = self._next()[1]
        if sign == "in":
            networks = self._peek() == "cidr"
            if networks:
                self._next()
            table = self._expect_kind("table")
            if networks:
                return ("in", left, table, "cidr")
            return ("in", left, table, *self._nocase())
        if sign not in ("=", "!=", "<"):
            raise Unknown(sign)
        return (sign, left, self.operand(), *self._nocase())

    def _nocase(self) -> tuple[str, ...]:
        if self._peek() != "nocase":
            return ()
        self._next()
        return ("nocase",)

    def operand(self) -> Any:
        kind, text = self._next()
        if kind == "event":
            variable, path = re.match(r"\$(\w+)\.(.*)", text).groups()  # type: ignore[union-attr]
            return ("event", variable, path)
        if kind == "variable":
            return ("variable", text[1:])
        if kind == "string":
            return ("text", re.sub(r"\\(.)", r"\1", text[1:-1]))
        if kind == "number":
            return ("number", int(text))
        if kind == "regex":
            return ("regex", text[1:-1].replace("\\/", "/"))
        if kind == "word":
            self._expect("(")
            inner = self.operand()
            self._expect(")")
            return ("call", text, inner)
        raise Unknown(text)

    def _expect(self, text: str) -> None:
        if self._next()[1] != text:
            raise Unknown(f"no {text}")

    def _expect_kind(self, kind: str) -> str:
        found, text = self._next()
        if found != kind:
            raise Unknown(text)
        return text


# Running it.


def found(rule: Rule, events: Iterable[dict[str, Any]], tables: Mapping[str, Collection[str]]) -> list[list[dict]]:
    """Return the detections of a rule, each as its events, in order of time; those that overlap are one.

    Args:
        rule: what to look for.
        events: UDM events as JSON documents.
        tables: the values of each data table's column, by `%table.column`.
    """
    ordered = sorted(events, key=seconds)
    matching = {
        variable: [event for event in ordered if all(_holds(one, event, tables) for one in conditions)]
        for variable, conditions in rule.events.items()
    }
    if not rule.match:
        [only] = matching.values()
        return [[event] for event in only]
    groups: dict[tuple[str, ...], dict[str, list[dict]]] = defaultdict(lambda: defaultdict(list))
    for variable, held in matching.items():
        for event in held:
            key = tuple(_first(event, rule.placeholders[name][variable]) for name in rule.match)
            if "" not in key:  # match variables are not empty
                groups[key][variable].append(event)
    return [one for group in groups.values() for one in _in_group(rule, group)]


def counts(rule: Rule, variable: str, event: dict[str, Any], tables: Mapping[str, Collection[str]]) -> bool:
    """Whether an event is one that an event variable stands for, and has what is grouped by."""
    needed = [rule.placeholders[name][variable] for name in rule.match]
    return all(_holds(one, event, tables) for one in rule.events[variable]) and all(
        _first(event, path) for path in needed
    )


def _in_group(rule: Rule, group: dict[str, list[dict]]) -> Iterator[list[dict]]:
    needed = {name[1:]: count for name, count in rule.condition if name[1:] not in rule.outcome}
    distinct = [(rule.outcome[name[1:]], count) for name, count in rule.condition if name[1:] in rule.outcome]
    if rule.order:
        [(first, second)] = rule.order
        yield from _in_sequence(group[first], group[second], needed[first], rule.window)
        return
    [(variable, count)] = needed.items()
    stretch: list[dict] = []
    for start in group[variable]:
        inside = [one for one in group[variable] if 0 <= seconds(one) - seconds(start) <= rule.window]
        different = all(len({_first(one, call[2][2]) for one in inside}) >= least for call, least in distinct)
        if len(inside) < count or not different:
            continue
        if stretch and not any(one is inside[0] for one in stretch):
            yield stretch
            stretch = []
        stretch += [one for one in inside if not any(one is other for other in stretch)]
    if stretch:
        yield stretch


def _in_sequence(first: list[dict], second: list[dict], count: int, window: int) -> Iterator[list[dict]]:
    told = 0.0  # what is part of a detection makes no second one
    for last in second:
        before = [one for one in first if max(told, seconds(last) - window) <= seconds(one) < seconds(last)]
        if len(before) >= count:
            told = seconds(last)
            yield [*before[-count:], last]


def seconds(event: dict[str, Any]) -> float:
    """Return the time of an event, Unix seconds."""
    return datetime.fromisoformat(event["metadata"]["event_timestamp"]).timestamp()


def _holds(node: Any, event: dict[str, Any], tables: Mapping[str, Collection[str]]) -> bool:
    kind = node[0]
    if kind in ("or", "and"):
        return (any if kind == "or" else all)(_holds(one, event, tables) for one in node[1])
    if kind == "not":
        return not _holds(node[1], event, tables)
    left = _values(node[1], event)
    if kind == "in":
        members = tables[node[2]]
        if "cidr" in node:
            return any(_in_networks(one, members) for one in left)
        if "nocase" in node:
            left, members = [one.lower() for one in left], [one.lower() for one in members]
        return any(one in members for one in left)
    if node[2][0] == "regex":
        pattern = re.compile(node[2][1], re.ASCII | (re.IGNORECASE if "nocase" in node else 0))
        return any(pattern.search(one) is not None for one in left)
    right = _values(node[2], event)
    if "nocase" in node:
        left, right = [one.lower() for one in left], [one.lower() for one in right]
    if kind == "=":
        return any(one in right for one in left)
    if kind == "!=":
        return any(one not in right for one in left)
    raise Unknown(kind)


def _in_networks(text: str, members: Collection[str]) -> bool:
    return text != "" and any(ipaddress.ip_address(text) in ipaddress.ip_network(one, strict=False) for one in members)


def _values(node: Any, event: dict[str, Any]) -> list[str]:
    if node[0] == "text":
        return [node[1]]
    if node[0] != "event":
        raise Unknown(f"{node}")
    return _at(event, _names(node[2])) or [""]


def _first(event: dict[str, Any], path: str) -> str:
    return (_at(event, _names(path)) or [""])[0]


def _names(path: str) -> list[str]:
    keyed = re.fullmatch(r'additional\.fields\["([^"]*)"\]', path)
    return ["additional", keyed[1]] if keyed else path.split(".")


def _at(value: Any, names: list[str]) -> list[str]:
    if isinstance(value, list):
        return [found for one in value for found in _at(one, names)]
    if not names:
        return [str(value)]
    return _at(value[names[0]], names[1:]) if isinstance(value, dict) and names[0] in value else []
