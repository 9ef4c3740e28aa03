"""Grok patterns: regular expressions with names, of which a part is called by names of its own."""

from __future__ import annotations

import re
from functools import cache

from tests.secops.cbn.syntax import Unknown

_CALLED = re.compile(r"%\{(\w+)(?::([^}]+))?\}")
_NAMED = re.compile(r"\(\?P?<([A-Za-z_][^>]*)>")
#: Those of Logstash's that Google's files use, as RE2 can hold them.
PATTERNS = {
    "DATA": r".*?",
    "GREEDYDATA": r".*",
    "WORD": r"\b\w+\b",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "INT": r"[+-]?\d+",
    "NUMBER": r"[+-]?\d+(?:\.\d+)?",
    "BASE10NUM": r"[+-]?\d+(?:\.\d+)?",
    "POSINT": r"[1-9]\d*",
    "NONNEGINT": r"\d+",
    "USERNAME": r"[a-zA-Z0-9._-]+",
    "USER": r"[a-zA-Z0-9._-]+",
    "EMAILADDRESS": r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+",
    "UUID": r"[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}",
    "MAC": r"(?:[A-Fa-f0-9]{2}[:-]){5}[A-Fa-f0-9]{2}",
    "IP": r"(?:[0-9A-Fa-f]*:[0-9A-Fa-f:.]+|(?:\d{1,3}\.){3}\d{1,3})",
    "IPV4": r"(?:\d{1,3}\.){3}\d{1,3}",
    "IPV6": r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]+",
    "HOSTNAME": r"[0-9A-Za-z][0-9A-Za-z-]*(?:\.[0-9A-Za-z][0-9A-Za-z-]*)*\.?",
    "HOST": r"[0-9A-Za-z][0-9A-Za-z-]*(?:\.[0-9A-Za-z][0-9A-Za-z-]*)*\.?",
    "IPORHOST": r"(?:[0-9A-Fa-f]*:[0-9A-Fa-f:.]+|[0-9A-Za-z][0-9A-Za-z-]*(?:\.[0-9A-Za-z][0-9A-Za-z-]*)*)",
    "PATH": r"(?:/[\w%!$@:.,+~-]*)+|[A-Za-z]+:\\[^?*]*",
    "URIPATH": r"(?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_\-]*)+",
    "URI": r"[A-Za-z]+://\S+",
    "QS": r'"(?:[^"\\]|\\.)*"',
    "QUOTEDSTRING": r'"(?:[^"\\]|\\.)*"',
    "MONTH": r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b",
    "MONTHNUM": r"0?[1-9]|1[0-2]",
    "MONTHDAY": r"(?:0[1-9]|[12]\d|3[01]|[1-9])",
    "DAY": r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*",
    "YEAR": r"\d{4}|\d{2}",
    "HOUR": r"2[0-3]|[01]?\d",
    "MINUTE": r"[0-5]\d",
    "SECOND": r"[0-5]?\d(?:[:.,]\d+)?",
    "TIME": r"\d{1,2}:\d{2}(?::\d{2}(?:[:.,]\d+)?)?",
    "TZ": r"[A-Z]{3,4}",
    "ISO8601_TIMEZONE": r"Z|[+-]\d{2}:?\d{2}",
    "SYSLOGTIMESTAMP": r"\b[A-Z][a-z]{2} +\d{1,2} \d{2}:\d{2}:\d{2}",
    "TIMESTAMP_ISO8601": r"\d{4}-\d{2}-\d{2}[T ]\d{2}:?\d{2}(?::?\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?",
    "HTTPDATE": r"\d{1,2}/\w+/\d{4}:\d{1,2}:\d{2}:\d{2} [+-]\d{4}",
    "SYSLOGPROG": r"[\w./-]+(?:\[\d+\])?",
    "LOGLEVEL": r"[A-Za-z]+",
}


def match(pattern: str, text: str) -> dict[str, str] | None:
    """Return what the names of a pattern stand for in a text; None if it does not fit."""
    compiled, names = _compiled(pattern)
    found = compiled.search(text)
    if found is None:
        return None
    return {names[group]: value for group, value in found.groupdict().items() if value is not None}


@cache
def _compiled(pattern: str) -> tuple[re.Pattern[str], dict[str, str]]:
    names: dict[str, str] = {}

    def group(name: str) -> str:
        names[f"g{len(names)}"] = name
        return f"(?P<g{len(names) - 1}>"

    def called(found: re.Match[str]) -> str:
        if found[1] not in PATTERNS:
            raise Unknown(f"grok pattern {found[1]}")
        return f"{group(found[2]) if found[2] else '(?:'}{PATTERNS[found[1]]})"

    text = _CALLED.sub(called, _NAMED.sub(lambda found: group(found[1]), pattern))
    try:
        return re.compile(text), names
    except re.error as error:
        raise Unknown(f"regular expression {text!r}: {error}") from None
