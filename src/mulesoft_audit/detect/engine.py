"""Running rules over a stream of entries: which entry counts for which step, in order of time, day by day."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from mulesoft_audit.detect.condition import actions, allowed, matches, needs_payload
from mulesoft_audit.detect.event import SHOWN, event_of, read_entry
from mulesoft_audit.detect.finding import Finding, Named, Seen, iso
from mulesoft_audit.detect.order import Ordered
from mulesoft_audit.detect.windows import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mulesoft_audit.detect.condition import Lists, Predicate
    from mulesoft_audit.detect.event import Entry, Event
    from mulesoft_audit.detect.finding import Stretch
    from mulesoft_audit.detect.rule import Rule


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
        unreadable: those among them that are no JSON, or without a time.
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

    def run(self, days: Iterable[Iterable[tuple[str, bytes]]]) -> Iterator[Finding]:
        """Yield what the rules find, about in order of time.

        Args:
            days: for each day, in order, its entries in any order, each with the id of its organization.
        """
        for day in days:
            yield from self.day(day)
        yield from self.end()

    def day(self, lines: Iterable[tuple[str, bytes]]) -> Iterator[Finding]:
        """Yield what is found by the end of one day; none of its entries may be earlier than those of a day before."""
        ordered = Ordered()
        try:
            for organization, line in lines:
                self._look(organization, line, ordered)
            now = 0
            for seen in ordered:
                now = seen.time
                for stretch in self._watches[seen.rule].take(seen):
                    yield self._finding(seen.rule, stretch)
            yield from self._forget(now)
        finally:
            ordered.close()

    def end(self) -> Iterator[Finding]:
        """Yield what is found once nothing more can come."""
        yield from self._forget(1 << 62)

    def _forget(self, now: int) -> Iterator[Finding]:
        for number, one in enumerate(self._watches):
            for stretch in one.forget(now):
                yield self._finding(number, stretch)

    def _look(self, organization: str, line: bytes, ordered: Ordered) -> None:
        self.looked_at += 1
        entry = read_entry(line)
        if entry is None:
            self.unreadable += 1
            return
        action = entry.action or ""
        looked_for = self._index.get(action) or self._note(action)
        if not looked_for[0]:
            return
        event = event_of(entry, with_payload=looked_for[1])
        for looked in looked_for[0]:
            if looked.matches(event) and not looked.allowed(event):
                seen = self._seen(organization, entry, event, looked)
                if seen:
                    ordered.add(seen)

    def _note(self, action: str) -> tuple[list[_Looked], bool]:
        """Return the steps that an entry of this action can be for, and whether any of them looks into payloads."""
        found = self._any_action + self._by_action.get(action.lower(), [])
        noted = found, any(one.rule in self._payload_rules for one in found)
        if len(self._index) < 10_000:  # the products have some hundred; whoever can write entries can make up more
            self._index[action] = noted
        return noted

    def _seen(self, organization: str, entry: Entry, event: Event, looked: _Looked) -> Seen | None:
        """Return the entry as what counts for a step; None if it lacks what the rule groups by or counts."""
        group = looked.group(event)
        value, shown = looked.value(event) if looked.value else ("", "")
        if "" in group or (looked.value and not value):
            return None
        return Seen(
            entry.timestamp,
            self.looked_at,
            looked.rule,
            looked.step,
            group,
            value,
            shown,
            organization,
            event.shown_actor,
            event.shown_object,
            entry.anypointTransactionId or "",
        )

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


def _getter(fields: Sequence[str]) -> Callable[[Event], tuple[str, ...]]:
    getters = [attrgetter(field) for field in fields]
    return lambda event: tuple(get(event) for get in getters)
