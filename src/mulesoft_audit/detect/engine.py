"""Running rules over a stream of entries: which entry counts for which step."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from mulesoft_audit.detect.condition import actions, allowed, matches, needs_payload
from mulesoft_audit.detect.event import SHOWN, event_of, read_entry
from mulesoft_audit.detect.finding import Finding, Named, Seen, iso
from mulesoft_audit.detect.windows import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mulesoft_audit.detect.condition import Lists, Predicate
    from mulesoft_audit.detect.event import Entry, Event
    from mulesoft_audit.detect.finding import Stretch
    from mulesoft_audit.detect.rule import Rule
    from mulesoft_audit.reading.entry import Entry as Stored

FORGET_EVERY = 3_600_000  #: milliseconds of the entries' time
END_OF_TIME = 1 << 62  #: Unix milliseconds, after every entry


class _Looked(NamedTuple):
    """One step of a rule, ready to be compared."""

    rule: int
    step: int
    matches: Predicate
    allowed: Predicate
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
        self._names = names or {}
        self._watches = [watch(rule) for rule in rules]
        self._by_action: dict[str, list[_Looked]] = {}
        self._any_action: list[_Looked] = []
        self._index: dict[str, tuple[list[_Looked], bool]] = {}  # by the action as it is spelled
        self._payload_rules = {number for number, rule in enumerate(rules) if needs_payload(rule)}
        for number, rule in enumerate(rules):
            self._prepare(number, rule, lists or {})

    def _prepare(self, number: int, rule: Rule, lists: Lists) -> None:
        counted = rule.distinct or rule.new
        value = attrgetter(counted, SHOWN.get(counted, counted)) if counted else None
        for place, step in enumerate(rule.steps):
            looked = _Looked(number, place, matches(step), allowed(rule, lists), _getter(rule.group), value)
            named = actions(step)
            if named is None:
                self._any_action.append(looked)
            for action in named or ():
                self._by_action.setdefault(action, []).append(looked)

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
            for seen in self._look(stored):
                for stretch in self._watches[seen.rule].take(seen):
                    yield self._finding(seen.rule, stretch)
        yield from self._forget(END_OF_TIME)

    def _forget(self, now: int) -> Iterator[Finding]:
        for number, one in enumerate(self._watches):
            for stretch in one.forget(now):
                yield self._finding(number, stretch)

    def _look(self, stored: Stored) -> Iterator[Seen]:
        """Yield the entry once for each step that looks for such entries."""
        self.looked_at += 1
        entry = read_entry(stored.line)
        if entry is None:
            self.unreadable += 1
            return
        action = entry.action or ""
        steps, with_payload = self._index.get(action) or self._note(action)
        if not steps:
            return
        event = event_of(entry, with_payload=with_payload)
        for looked in steps:
            if looked.matches(event) and not looked.allowed(event):
                seen = _seen(stored, entry, event, looked)
                if seen:
                    yield seen

    def _note(self, action: str) -> tuple[list[_Looked], bool]:
        """Return the steps that an entry of this action can be for, and whether any of them looks into payloads."""
        found = self._any_action + self._by_action.get(action.lower(), [])
        noted = found, any(one.rule in self._payload_rules for one in found)
        if len(self._index) < 10_000:  # the products have some hundred; whoever can write entries can make up more
            self._index[action] = noted
        return noted

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


def _seen(stored: Stored, entry: Entry, event: Event, looked: _Looked) -> Seen | None:
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
        entry.anypointTransactionId or "",
    )


def _getter(fields: Sequence[str]) -> Callable[[Event], tuple[str, ...]]:
    getters = [attrgetter(field) for field in fields]
    return lambda event: tuple(get(event) for get in getters)
