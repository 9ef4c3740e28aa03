"""Running a CBN parser over a line, as far as its constructs are known; whatever is not known is refused.

Numbers are float64, as JSON's are in Google's engine. Where the documentation leaves a choice, the stricter one is
taken: a missing token in a comparison, or inserted into a text, is an error.
"""

from __future__ import annotations

import copy
import json
import re
import warnings
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.secops.cbn import grok
from tests.secops.cbn.syntax import For, If, Plugin, Unknown, parse
from tests.secops.cbn.tokens import MISSING, Failure, Tokens, converted

if TYPE_CHECKING:
    from collections.abc import Callable

_SURROGATE = re.compile("[\ud800-\udfff]")
_TAGS = {"TAG_MALFORMED_MESSAGE", "TAG_UNSUPPORTED", "TAG_MALFORMED_ENCODING", "TAG_NO_SECURITY_VALUE"}
_JODA = {"yyyy": "%Y", "MMM": "%b", "MM": "%m", "dd": "%d", "d": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_JODA |= {
    "yy": "%y",
    "M": "%m",
    "H": "%H",
    "hh": "%I",
    "h": "%I",
    "a": "%p",
    "A": "%p",
    "EEE": "%a",
    "Z": "%z",
    "ZZ": "%z",
    "z": "%Z",
}
_JODA_FIELD = re.compile(r"'[^']*'|([A-Za-z])\1*")


_BEYOND_RE2 = re.compile(r"\(\?(?!:|P<|[ims]+\))|\\[1-9Z]|[*+?}]\+")


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    if _BEYOND_RE2.search(pattern):
        raise Unknown(f"{pattern} is beyond RE2")
    pattern = re.sub(r"\$\Z", r"\\Z", pattern)  # Python's $ is also before a last line feed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # [[] has no second meaning in RE2
        return re.compile(pattern.replace("[[:space:]]", r"\s"), re.ASCII)


class Dropped(Exception):
    """The parser drops the line."""


class Parser:
    """A parser, ready to run."""

    def __init__(self, text: str) -> None:
        self._statements = parse(text)

    def run(self, line: str) -> list[dict[str, Any]]:
        """Return the events that a line gives, as maps.

        Raises:
            Unknown: something in it is not known here.
            Failure: the line cannot be parsed.
            Dropped: it is dropped.
        """
        tokens = Tokens()
        tokens.root["message"] = line
        tokens.root["@output"] = []
        _run(self._statements, tokens)
        return [copy.deepcopy(event) for event in tokens.root["@output"]]


def _run(statements: list[Any], tokens: Tokens) -> None:
    for statement in statements:
        if isinstance(statement, If):
            for condition, body in statement.branches:
                if condition is None or _holds(condition, tokens, statement.line):
                    _run(body, tokens)
                    break
        elif isinstance(statement, For):
            _loop(statement, tokens)
        else:
            _plugin(statement, tokens)


def _loop(loop: For, tokens: Tokens) -> None:
    source = tokens.get(loop.source)
    if source is MISSING or source == "":
        return  # so Google's engine does: tests/secops/google_pairs.py
    pairs: list[tuple[Any, Any]]
    if loop.over_map:
        if not isinstance(source, dict):
            raise Failure(f"line {loop.line}: {loop.source} is no map")
        pairs = sorted(source.items())  # so Google's engine does, too
    else:
        if not isinstance(source, list):
            raise Failure(f"line {loop.line}: {loop.source} is no list")
        pairs = [(float(index), value) for index, value in enumerate(source)]
    for key, value in pairs:
        if len(loop.names) == 2:
            tokens.root[loop.names[0]] = key
        tokens.root[loop.names[-1]] = copy.deepcopy(value)
        _run(loop.body, tokens)


# Conditions.


def _holds(condition: Any, tokens: Tokens, line: int) -> bool:
    kind = condition[0]
    if kind == "and":
        return _holds(condition[1], tokens, line) and _holds(condition[2], tokens, line)
    if kind == "or":
        return _holds(condition[1], tokens, line) or _holds(condition[2], tokens, line)
    if kind == "not":
        return not _holds(condition[1], tokens, line)
    left = _operand(condition[1], tokens, line)
    if kind == "is":
        return left is True or (isinstance(left, str) and left not in ("", "false"))
    if kind == "in":
        return left in condition[2] if isinstance(condition[2], list) else left == condition[2]
    return _compared(kind, left, _operand(condition[2], tokens, line))


def _compared(sign: str, left: Any, right: Any) -> bool:
    if sign == "==":
        return bool(left == right)
    if sign == "!=":
        return bool(left != right)
    if sign in ("=~", "!~"):
        if not isinstance(left, str):
            raise Failure("a regular expression is compared with what is no text")
        return (_regex(right).search(left) is not None) == (sign == "=~")
    try:
        low, high = float(left), float(right)
    except (TypeError, ValueError):
        raise Failure("an order is asked for of what is no number") from None
    return {"<": low < high, ">": low > high, "<=": low <= high, ">=": low >= high}[sign]


def _operand(operand: Any, tokens: Tokens, line: int) -> Any:
    kind, value = operand
    if kind == "text":
        return value
    found = tokens.get(value)
    if found is MISSING:
        raise Failure(f"line {line}: [{']['.join(value)}] is missing")
    return found


# Plugins.


def _plugin(plugin: Plugin, tokens: Tokens) -> None:
    run = _PLUGINS.get(plugin.name)
    if run is None:
        raise Unknown(f"line {plugin.line}: plugin {plugin.name}")
    flags = [value for name, value in plugin.settings if name == "on_error"]
    settings = [(name, value) for name, value in plugin.settings if name != "on_error"]
    try:
        run(settings, tokens)
    except Failure as failure:
        if not flags:
            raise Failure(f"line {plugin.line}: {failure}") from None
        tokens.put(flags[-1], True)
        return
    if flags:
        tokens.put(flags[-1], False)


def _known(settings: list[tuple[str, Any]], *names: str) -> dict[str, Any]:
    unknown = {name for name, _ in settings} - set(names)
    if unknown:
        raise Unknown(f"setting {min(unknown)}")
    return dict(settings)


def _json(settings: list[tuple[str, Any]], tokens: Tokens) -> None:
    known = _known(settings, "source", "target", "array_function")
    if known.get("array_function", "split_columns") != "split_columns":
        raise Unknown(f"array_function {known['array_function']}")
    text = tokens.need(known["source"])
    try:
        found = json.loads(text, parse_int=float) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Failure(f"{known['source']} is no JSON object")
    tokens.overlay(known.get("target", ""), _characters(found))


def _characters(value: Any) -> Any:
    """Replace halves of surrogate pairs, which are no characters, as Go's JSON reader does."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_characters(name): _characters(one) for name, one in value.items()}
    return [_characters(one) for one in value] if isinstance(value, list) else value


def _grok(settings: list[tuple[str, Any]], tokens: Tokens) -> None:
    known = _known(settings, "match", "overwrite")
    overwrite = known.get("overwrite", [])
    for source, patterns in known["match"].items():
        text = tokens.need(source)
        if not isinstance(text, str):
            raise Failure(f"{source} is no text")
        for pattern in patterns if isinstance(patterns, list) else [patterns]:
            found = grok.match(pattern, text)
            if found is not None:
                for name, value in found.items():
                    if name in overwrite or tokens.get(name) in (MISSING, ""):
                        tokens.put(name, value)
                return
    raise Failure("no pattern fits")


def _date(settings: list[tuple[str, Any]], tokens: Tokens) -> None:
    known = _known(settings, "match", "target", "timezone", "rebase")
    source, *formats = known["match"]
    text = tokens.need(source)
    if not isinstance(text, str):
        raise Failure(f"{source} is no text")
    for form in formats:
        moment = _moment(text, form)
        if moment is not None:
            tokens.put(known.get("target", "@timestamp"), moment.isoformat(timespec="milliseconds") + "Z")
            return
    raise Failure(f"{text!r} is no time")


def _moment(text: str, form: str) -> datetime | None:
    try:
        if form in ("UNIX", "UNIX_MS"):
            seconds = float(text) / (1000 if form == "UNIX_MS" else 1)
            return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
        if form in ("ISO8601", "RFC3339"):
            found = datetime.fromisoformat(text)
        else:
            found = datetime.strptime(text, _strptime(form))  # noqa: DTZ007 - a zone may be in it
    except (ValueError, OverflowError):
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def _strptime(form: str) -> str:
    def field(match: re.Match[str]) -> str:
        if match[0].startswith("'"):
            return match[0].strip("'")
        if set(match[0]) == {"S"}:
            return "%f"
        if match[0] == "T":
            return "T"
        if match[0] not in _JODA:
            raise Unknown(f"time field {match[0]}")
        return _JODA[match[0]]

    return _JODA_FIELD.sub(field, form)


def _drop(settings: list[tuple[str, Any]], tokens: Tokens) -> None:
    tag = _known(settings, "tag").get("tag", "")
    if tag and tag not in _TAGS:
        raise Unknown(f"tag {tag}")
    raise Dropped(tag)


def _mutate(settings: list[tuple[str, Any]], tokens: Tokens) -> None:
    for name, value in settings:
        operation = _OPERATIONS.get(name)
        if operation is None:
            raise Unknown(f"operation {name}")
        operation(value, tokens)


def _replace(pairs: dict[str, str], tokens: Tokens) -> None:
    for path, template in pairs.items():
        tokens.put(path, tokens.filled(template))


def _rename(pairs: dict[str, str], tokens: Tokens) -> None:
    for source, path in pairs.items():
        value = tokens.get(source)
        if value is not MISSING:
            tokens.remove(source)
            tokens.put(path, value)


def _copy(pairs: dict[str, str], tokens: Tokens) -> None:
    for path, source in pairs.items():
        tokens.put(path, copy.deepcopy(tokens.need(source)))


def _merge(pairs: dict[str, str], tokens: Tokens) -> None:
    for path, source in pairs.items():
        tokens.merge(path, source)


def _convert(pairs: dict[str, str], tokens: Tokens) -> None:
    for path, kind in pairs.items():
        if kind not in ("string", "integer", "uinteger", "float", "boolean", "ipaddress"):
            raise Unknown(f"convert to {kind}")
        tokens.put(path, converted(tokens.need(path), kind))


def _gsub(items: list[str], tokens: Tokens) -> None:
    for path, pattern, replacement in zip(items[::3], items[1::3], items[2::3], strict=True):
        text = tokens.need(path)
        if not isinstance(text, str):
            raise Failure(f"{path} is no text")
        tokens.put(path, _regex(pattern).sub(replacement, text))


def _lowercase(paths: list[str], tokens: Tokens) -> None:
    for path in [paths] if isinstance(paths, str) else paths:
        text = tokens.need(path)
        if not isinstance(text, str):
            raise Failure(f"{path} is no text")
        tokens.put(path, text.lower())


def _uppercase(paths: list[str], tokens: Tokens) -> None:
    for path in [paths] if isinstance(paths, str) else paths:
        text = tokens.need(path)
        if not isinstance(text, str):
            raise Failure(f"{path} is no text")
        tokens.put(path, text.upper())


def _remove_field(paths: list[str], tokens: Tokens) -> None:
    for path in [paths] if isinstance(paths, str) else paths:
        tokens.remove(path)


def _split(setting: dict[str, str], tokens: Tokens) -> None:
    text = tokens.need(setting["source"])
    if not isinstance(text, str):
        raise Failure(f"{setting['source']} is no text")
    tokens.put(setting["target"], text.split(setting["separator"]))


_PLUGINS = {"json": _json, "grok": _grok, "date": _date, "drop": _drop, "mutate": _mutate}
_OPERATIONS: dict[str, Callable[[Any, Tokens], None]] = {
    "replace": _replace,
    "rename": _rename,
    "copy": _copy,
    "merge": _merge,
    "convert": _convert,
    "gsub": _gsub,
    "lowercase": _lowercase,
    "uppercase": _uppercase,
    "remove_field": _remove_field,
    "split": _split,
}
