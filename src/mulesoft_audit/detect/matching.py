"""Which entries count for which step of which rule: each entry by itself, so that this can be done on every core."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from mulesoft_audit.detect.condition import Prepared, allowed
from mulesoft_audit.detect.event import REPEATED, SHOWN, Event, kind_of, objects_of, read_entry, spelled_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mulesoft_audit.detect.condition import Lists, Predicate
    from mulesoft_audit.detect.event import Kind, SpelledKind
    from mulesoft_audit.detect.finding import Raw
    from mulesoft_audit.detect.rule import Rule
    from mulesoft_audit.reading.blocks import Line

MOST_KINDS = 10_000  #: the products have some hundred; whoever can write entries can make up more


class _Looked(NamedTuple):
    """One step of a rule, for entries of one kind.

    Attributes:
        rule: which of the rules, by its place.
        step: 0 or 1.
        matches: whether an entry is one of the step's; None if all of the kind are.
        passed: whether it is on a list of what the rule lets pass.
        group: the values of the fields that the rule groups by; an entry that lacks one does not count.
        value: the value that the rule counts or remembers, and how it is shown; likewise.
    """

    rule: int
    step: int
    matches: Predicate | None
    passed: list[Predicate]
    group: Callable[[Event], tuple[str, ...]]
    value: Callable[[Event], tuple[str, str]] | None


class Matcher:
    """Compares entries with the steps of rules.

    Attributes:
        rules: that it looks for.
        lists: allow lists by name.
        looked_at: entries so far.
        unreadable: those among them that are no JSON object.
    """

    def __init__(self, rules: Sequence[Rule], lists: Lists) -> None:
        """Make ready to look for what the rules describe."""
        self.looked_at = self.unreadable = 0
        self.rules = rules
        self.lists = lists
        self._prepared = [[Prepared(step) for step in rule.steps] for rule in rules]
        self._by_kind: dict[SpelledKind, tuple[Kind, list[_Looked]]] = {}

    def seen(self, lines: Iterable[Line]) -> Iterator[Raw]:
        """Yield what entries count for, a `Seen` as a tuple for each step, in the order of the rules."""
        by_kind = self._by_kind
        for time, organization, line in lines:
            self.looked_at += 1
            entry = read_entry(line)
            if entry is None:
                self.unreadable += 1
                continue
            main, user = objects_of(entry)
            spelled = spelled_kind(entry, main)
            kind, steps = by_kind.get(spelled) or self._note(spelled)
            if not steps:
                continue
            event = Event(entry, line, main, user, *kind)
            asked, answer = None, True
            for rule, step, matches, passed, group_of, value_of in steps:
                if matches is not asked:  # steps side by side often ask the same
                    asked, answer = matches, matches is None or matches(event)
                if not answer or (passed and any(test(event) for test in passed)):
                    continue
                group, value, shown = group_of(event), "", ""
                if value_of:
                    value, shown = value_of(event)
                    if not value:
                        continue
                if "" not in group:
                    who, what = event.shown_actor, event.shown_object
                    yield time, rule, step, group, value, shown, organization, who, what, event.transaction

    def count(self, counts: tuple[int, ...]) -> None:
        """Add how many entries another looked at, and how many of them were unreadable."""
        looked_at, unreadable = counts
        self.looked_at += looked_at
        self.unreadable += unreadable

    def _note(self, spelled: SpelledKind) -> tuple[Kind, list[_Looked]]:
        """Return a kind of entries with the steps that they can be for, and remember both."""
        kind = kind_of(spelled)
        found = [
            _Looked(number, place, matches, allowed(rule, self.lists), _getter(rule.group), _value(rule))
            for number, rule in enumerate(self.rules)
            for place, prepared in enumerate(self._prepared[number])
            for matches in prepared.for_kind(kind)
        ]
        if len(self._by_kind) < MOST_KINDS and len(repr(spelled)) <= REPEATED:
            self._by_kind[spelled] = kind, found
        return kind, found


def _value(rule: Rule) -> Callable[[Event], tuple[str, str]] | None:
    """Return the function that gives the value that a rule counts or remembers, and how it is shown."""
    field = rule.distinct or rule.new
    return attrgetter(field, SHOWN.get(field, field)) if field else None


def _getter(fields: Sequence[str]) -> Callable[[Event], tuple[str, ...]]:
    """Return the function that gives these fields of an event."""
    if len(fields) == 1:
        get = attrgetter(fields[0])
        return lambda event: (get(event),)
    return attrgetter(*fields) if fields else lambda _: ()
