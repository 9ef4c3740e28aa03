"""What SecOps says of the parser and the rules, and where its events differ from those that are expected."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from mulesoft_audit.cloud.google.errors import Rejected
from mulesoft_audit.errors import DeploymentError
from mulesoft_audit.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mulesoft_audit.cloud.feed.secops import SecOps
    from mulesoft_audit.secops.samples import Sample

T = TypeVar("T")

AT_ONCE = 25  #: logs of one request; the SDK of Google's allows 1,000, but each is a run of the parser
_TABLE = re.compile(r" %(\w+)\.\w+")
SHOWN = 300  #: the most characters of a value or message that are kept
#: What the platform puts into an event, not the parser.
PLATFORM = re.compile(r"metadata\.(id|ingestedTimestamp|collectedTimestamp|logType|tags|baseLabels|enrichmentLabels)\b")


class Difference(msgspec.Struct, frozen=True):
    """A field in which events of SecOps differ from those expected, or what kept it from making any.

    Attributes:
        field: the path in the event; empty if there is none.
        samples: how many logs it concerns.
        sample: the name of the first.
        expected: its value there; empty if no such field is expected.
        found: its value in SecOps; empty if there is none.
        error: what SecOps says, if it made no event.
    """

    field: str
    samples: int
    sample: str
    expected: str = ""
    found: str = ""
    error: str = ""


class ParserResult(msgspec.Struct, frozen=True):
    """What became of the parser.

    Attributes:
        refused: what SecOps says if it does not take the parser at all.
        samples: logs that it was given.
        as_expected: those of which exactly the expected event came.
        differences: what differs, the most frequent first.
    """

    refused: str
    samples: int
    as_expected: int
    differences: list[Difference]

    @property
    def good(self) -> bool:
        """Whether nothing is to be told."""
        return not self.refused and not self.differences


class Diagnostic(msgspec.Struct, frozen=True):
    """What the compiler says of a rule; line and column count from 1, and are 0 where it names none."""

    severity: str
    message: str
    line: int = 0
    column: int = 0


class RuleResult(msgspec.Struct, frozen=True):
    """Whether a rule compiles.

    Attributes:
        tables: the data tables that its text names; it cannot compile where they do not exist.
    """

    rule: str
    compiles: bool
    diagnostics: list[Diagnostic]
    tables: list[str]


# The parser.


def check_parser(
    secops: SecOps, parser: bytes, samples: Sequence[Sample], progress: Callable[[int], None]
) -> ParserResult:
    """Run the parser in SecOps over sample logs and compare the events.

    Args:
        secops: the instance.
        parser: its text.
        samples: logs with the events expected.
        progress: is told how many logs are done.

    Raises:
        AuditError: SecOps cannot be asked.
    """
    found: dict[tuple[str, str], list[tuple[Sample, Difference]]] = {}
    as_expected = 0
    for start in range(0, len(samples), AT_ONCE):
        batch = samples[start : start + AT_ONCE]
        try:
            results = secops.run_parser(parser, [one.log.encode() for one in batch])
        except Rejected as error:
            return ParserResult(error.message, len(samples), 0, [])
        for number, sample in enumerate(batch):
            differences = list(_judged(sample, results[number] if number < len(results) else {}))
            as_expected += not differences
            for one in differences:
                found.setdefault((one.field, one.error), []).append((sample, one))
        progress(start + len(batch))
    grouped = [msgspec.structs.replace(cases[0][1], samples=len(cases)) for cases in found.values()]
    return ParserResult("", len(samples), as_expected, sorted(grouped, key=lambda one: (-one.samples, one.field)))


def _judged(sample: Sample, result: dict[str, Any]) -> Iterator[Difference]:
    """Yield how what SecOps made of a log differs from what is expected."""
    run = _understood(result, _Run)
    events = run.parsedEvents.events
    if run.error is not None:
        yield Difference("", 1, sample.name, error=printable(run.error.message or "an error without words", SHOWN))
    elif len(events) != 1:
        yield Difference("", 1, sample.name, error=f"{len(events) or 'no'} events came of it; one is expected")
    else:
        yield from differences(sample, events[0].event)


def differences(sample: Sample, event: dict[str, Any]) -> Iterator[Difference]:
    """Yield each field in which an event differs from the one that a sample expects. Order in lists does not count."""
    expected, found = _fields(sample.event), _fields(event)
    missing, extra = expected - found, found - expected
    for field in sorted({path for path, _ in missing} | {path for path, _ in extra}):
        yield Difference(field, 1, sample.name, _values(missing, field), _values(extra, field))


def _values(fields: Counter[tuple[str, str]], field: str) -> str:
    return printable(", ".join(sorted(value for path, value in fields.elements() if path == field)), SHOWN)


def _fields(event: dict[str, Any]) -> Counter[tuple[str, str]]:
    return Counter(leaf for leaf in _leaves("", event) if not PLATFORM.match(leaf[0]))


def _leaves(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield the values in an event with their paths; a label's path has its key in brackets."""
    if isinstance(value, dict) and set(value) == {"key", "value"}:
        yield f"{path}[{value['key']}]", _text(value["value"])
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(path, one)
    else:
        yield path, _moment(value) if path.endswith("Timestamp") else _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _moment(value: object) -> str:
    """Return a time as it is always spelled: protobuf writes fractions of a second with 0, 3, 6 or 9 digits."""
    text = _text(value)
    with suppress(ValueError):
        return datetime.fromisoformat(text).isoformat()
    return text


# The rules.


def check_rule(secops: SecOps, rule: str, text: str) -> RuleResult:
    """Have SecOps compile a rule.

    Args:
        secops: the instance.
        rule: its id.
        text: its YARA-L.

    Raises:
        AuditError: SecOps cannot be asked.
    """
    tables = sorted(set(_TABLE.findall(text)))
    try:
        found = _understood(secops.verify_rule(text), _Verified)
    except Rejected as error:
        return RuleResult(rule, compiles=False, diagnostics=[Diagnostic("ERROR", error.message)], tables=tables)
    said = [_diagnostic(one) for one in found.compilationDiagnostics]
    if not found.success and not said:
        said = [Diagnostic("ERROR", "SecOps does not say why")]
    return RuleResult(rule, found.success, said, tables)


def _diagnostic(said: _Said) -> Diagnostic:
    severity, message = printable(said.severity, 40), printable(said.message, SHOWN)
    return Diagnostic(severity, message, said.position.startLine, said.position.startColumn)


# Responses, as far as they are looked at ("logTypes.runParser", "instances.verifyRuleText").


class _Event(msgspec.Struct):
    event: dict[str, Any] = {}


class _Events(msgspec.Struct):
    events: list[_Event] = []


class _Status(msgspec.Struct):
    message: str = ""


class _Run(msgspec.Struct):
    parsedEvents: _Events = msgspec.field(default_factory=_Events)  # noqa: N815 - Google's spelling
    error: _Status | None = None


class _Position(msgspec.Struct):
    startLine: int = 0  # noqa: N815
    startColumn: int = 0  # noqa: N815


class _Said(msgspec.Struct):
    severity: str = "ERROR"
    message: str = ""
    position: _Position = msgspec.field(default_factory=_Position)


class _Verified(msgspec.Struct):
    success: bool = False
    compilationDiagnostics: list[_Said] = []  # noqa: N815


def _understood(found: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise DeploymentError(
            f"SecOps responded with something else than its reference says: {error}.",
            "Nothing was changed there. Update mulesoft-audit, or report this.",
        ) from None
