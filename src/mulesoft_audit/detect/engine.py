"""Running rules over a stream of entries: which entry counts for which step."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from mulesoft_audit.detect.condition import Prepared, allowed, any_in
from mulesoft_audit.detect.event import SHOWN, Event, kind_of, read_entry, spelled_kind
from mulesoft_audit.detect.finding import Finding, Named, Seen, iso
from mulesoft_audit.detect.windows import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mulesoft_audit.detect.condition import Lists, Predicate
    from mulesoft_audit.detect.event import Kind, SpelledKind
    from mulesoft_audit.detect.finding import Stretch
    from mulesoft_audit.detect.rule import Rule
    from mulesoft_audit.reading.entry import Entry as Stored

FORGET_EVERY = 3_600_000  #: milliseconds of the entries' time
MOST_KINDS = 10_000  #: the products have some hundred; whoever can write entries can make up more
END_OF_TIME = 1 << 62  #: Unix milliseconds, after every entry


class _OfKind(NamedTuple):
    """What is to be done with the entries of one kind.

    Attributes:
        kind: the kind.
        steps: those that can be for such entries.
        decoded: whether each entry is decoded in any case: then looking for words in its line saves nothing.
    """

    kind: Kind
    steps: list[_Looked]
    decoded: bool


class _Looked(NamedTuple):
    """One step of a rule, for entries of one kind."""

    rule: int
    step: int
    matches: Predicate
    words: list[bytes]
    allowed: list[Predicate]
    group: Callable[[Event], tuple[str, ...]]
    value: Callable[[Event], tuple[str, str]] | None


class Detector:
    """Rules at work.

    Attributes:
        looked_at: entries so far.
        unreadable: those among them that are no JSON object.
    """

    def __init__(
        self, rules: Sequence[Rule], lists: Lists | None = None, names: Mapping[str, str] | None = None
    ) -> None:
        """Make ready to look for what the rules describe.

        Args:
            rules: what to look for.
            lists: allow lists by name.
            names: names of organizations by id.
        """
        self.looked_at = self.unreadable = 0
        self._rules = rules
        self._lists = lists or {}
        self._names = names or {}
        self._watches = [watch(rule) for rule in rules]
        self._prepared = [[Prepared(step) for step in rule.steps] for rule in rules]
        self._by_kind: dict[SpelledKind, _OfKind] = {}

    def run(self, entries: Iterable[Stored]) -> Iterator[Finding]:
        """Yield what the rules find, each finding once nothing more can belong to it.

        Args:
            entries: in order of time.
        """
        forgotten = 0
        for stored in entries:
            if stored.time >= forgotten + FORGET_EVERY:
                yield from self._forget(stored.time)
                forgotten = stored.time
            self.looked_at += 1
            spelled = spelled_kind(stored.line)
            if spelled is None:
                self.unreadable += 1
                continue
            of_kind = self._by_kind.get(spelled) or self._note(spelled)
            if of_kind.steps:
                yield from self._look(stored, of_kind)
        yield from self._forget(END_OF_TIME)

    def _forget(self, now: int) -> Iterator[Finding]:
        for number, one in enumerate(self._watches):
            for stretch in one.forget(now):
                yield self._finding(number, stretch)

    def _look(self, stored: Stored, of_kind: _OfKind) -> Iterator[Finding]:
        """Compare an entry with the steps that look for entries of its kind; yield what is a finding by now."""
        event, low = None, b""
        for looked in of_kind.steps:
            watching = self._watches[looked.rule]
            if looked.step and watching.idle:
                continue
            if looked.words and not of_kind.decoded:
                low = low or stored.line.lower()
                if b"\\" not in low and not any_in(looked.words, low):
                    continue
            if event is None:
                entry = read_entry(stored.line)
                if entry is None:
                    self.unreadable += 1
                    return
                event = Event(entry, of_kind.kind)
            if looked.matches(event) and not (looked.allowed and any(test(event) for test in looked.allowed)):
                seen = _seen(stored, event, looked)
                if seen:
                    for stretch in watching.take(seen):
                        yield self._finding(looked.rule, stretch)

    def _note(self, spelled: SpelledKind) -> _OfKind:
        """Return what is to be done with a kind of entries, and remember it."""
        kind = kind_of(spelled)
        steps = [
            _Looked(number, place, *compared, allowed(rule, self._lists), _getter(rule.group), _value(rule))
            for number, rule in enumerate(self._rules)
            for place, prepared in enumerate(self._prepared[number])
            if (compared := prepared.for_kind(kind))
        ]
        found = _OfKind(kind, steps, decoded=any(not looked.words for looked in steps if looked.step == 0))
        if len(self._by_kind) < MOST_KINDS:
            self._by_kind[spelled] = found
        return found

    def _finding(self, number: int, stretch: Stretch) -> Finding:
        rule, last = self._rules[number], stretch.last
        assert last is not None  # noqa: S101 - a finding has entries
        return Finding(
            rule=rule.id,
            severity=rule.severity,
            title=rule.title,
            organization=self._names.get(last.organization) or last.organization,
            actor=last.actor,
            object=last.object,
            first=iso(stretch.entries[0].time),
            last=iso(last.time),
            count=stretch.count,
            values=sorted(set(stretch.values.values())),
            entries=[Named(iso(seen.time), seen.transaction) for seen in stretch.entries],
        )


def _seen(stored: Stored, event: Event, looked: _Looked) -> Seen | None:
    """Return the entry as what counts for a step; None if it lacks what the rule groups by or counts."""
    group = looked.group(event)
    value, shown = looked.value(event) if looked.value else ("", "")
    if "" in group or (looked.value and not value):
        return None
    return Seen(
        stored.time,
        looked.rule,
        looked.step,
        group,
        value,
        shown,
        stored.organization,
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
