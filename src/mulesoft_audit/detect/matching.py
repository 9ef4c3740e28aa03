"""Which entries count for which step of which rule: each entry by itself, so that this can be done on every core."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from mulesoft_audit.detect.condition import Prepared, allowed
from mulesoft_audit.detect.event import SHOWN, Event, kind_of, read_entry, spelled_kind
from mulesoft_audit.detect.finding import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mulesoft_audit.detect.condition import Lists, Predicate
    from mulesoft_audit.detect.event import Kind, SpelledKind
    from mulesoft_audit.detect.rule import Rule

MOST_KINDS = 10_000  #: the products have some hundred; whoever can write entries can make up more


class _Looked(NamedTuple):
    """One step of a rule, for entries of one kind."""

    rule: int
    step: int
    matches: Predicate
    allowed: list[Predicate]
    group: Callable[[Event], tuple[str, ...]]
    value: Callable[[Event], tuple[str, str]] | None


class Matcher:
    """Compares entries with the steps of rules.

    Attributes:
        looked_at: entries so far.
        unreadable: those among them that are no JSON object.
    """

    def __init__(self, rules: Sequence[Rule], lists: Lists) -> None:
        """Make ready to look for what the rules describe; `lists` are allow lists by name."""
        self.looked_at = self.unreadable = 0
        self._rules = rules
        self._lists = lists
        self._prepared = [[Prepared(step) for step in rule.steps] for rule in rules]
        self._by_kind: dict[SpelledKind, tuple[Kind, list[_Looked]]] = {}

    def seen(self, time: int, organization: str, line: bytes) -> Iterable[Seen]:
        """Return an entry as what counts for steps, for each once, in the order of the rules.

        Args:
            time: Unix milliseconds.
            organization: id of the organization in whose log it is.
            line: its bytes.
        """
        self.looked_at += 1
        entry = read_entry(line)
        if entry is None:
            self.unreadable += 1
            return ()
        spelled = spelled_kind(entry)
        kind, steps = self._by_kind.get(spelled) or self._note(spelled)
        return self._compare(steps, Event(entry, kind, line), time, organization) if steps else ()

    def _compare(self, steps: list[_Looked], event: Event, time: int, organization: str) -> list[Seen]:
        """Compare an entry with the steps that look for entries of its kind."""
        found = []
        for looked in steps:
            if looked.matches(event) and not (looked.allowed and any(test(event) for test in looked.allowed)):
                seen = _seen(time, organization, event, looked)
                if seen:
                    found.append(seen)
        return found

    def _note(self, spelled: SpelledKind) -> tuple[Kind, list[_Looked]]:
        """Return a kind of entries with the steps that they can be for, and remember both."""
        kind = kind_of(spelled)
        found = [
            _Looked(number, place, matches, allowed(rule, self._lists), _getter(rule.group), _value(rule))
            for number, rule in enumerate(self._rules)
            for place, prepared in enumerate(self._prepared[number])
            if (matches := prepared.for_kind(kind))
        ]
        if len(self._by_kind) < MOST_KINDS:
            self._by_kind[spelled] = kind, found
        return kind, found


def _seen(time: int, organization: str, event: Event, looked: _Looked) -> Seen | None:
    """Return the entry as what counts for a step; None if it lacks what the rule groups by or counts."""
    group = looked.group(event)
    value, shown = looked.value(event) if looked.value else ("", "")
    if "" in group or (looked.value and not value):
        return None
    return Seen(
        time,
        looked.rule,
        looked.step,
        group,
        value,
        shown,
        organization,
        event.shown_actor,
        event.shown_object,
        event.transaction,
    )


def _value(rule: Rule) -> Callable[[Event], tuple[str, str]] | None:
    """Return the function that gives the value that a rule counts or remembers, and how it is shown."""
    field = rule.distinct or rule.new
    return attrgetter(field, SHOWN.get(field, field)) if field else None


def _getter(fields: Sequence[str]) -> Callable[[Event], tuple[str, ...]]:
    """Return the function that gives these fields of an event."""
    if len(fields) > 1:
        return attrgetter(*fields)
    getters = [attrgetter(field) for field in fields]
    return lambda event: tuple([get(event) for get in getters])
