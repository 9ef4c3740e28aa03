"""Running rules over a stream of entries: what counts for their steps becomes findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.detect.finding import Finding, Named, Seen, iso
from mulesoft_audit.detect.matching import Matcher
from mulesoft_audit.detect.windows import watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mulesoft_audit.detect.condition import Lists
    from mulesoft_audit.detect.finding import Raw, Stretch
    from mulesoft_audit.detect.rule import Rule
    from mulesoft_audit.reading.entry import Entry as Stored

FORGET_EVERY = 3_600_000  #: milliseconds of the entries' time
END_OF_TIME = 1 << 62  #: Unix milliseconds, after every entry


class Detector:
    """Rules at work.

    Attributes:
        matcher: compares entries, and counts them.
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
        self._rules = rules
        self._names = names or {}
        self._watches = [watch(rule) for rule in rules]
        self.matcher = Matcher(rules, lists or {})

    def run(self, entries: Iterable[Stored]) -> Iterator[Finding]:
        """Yield what the rules find, each finding once nothing more can belong to it.

        Args:
            entries: in order of time.
        """
        return self.findings(self.matcher.seen((one.time, one.organization, one.line) for one in entries))

    def findings(self, seen: Iterable[Raw]) -> Iterator[Finding]:
        """Yield what the rules find in what a `Matcher` of the same rules saw, in order of time."""
        forgotten, watches = 0, self._watches
        for raw in seen:
            time, rule = raw[0], raw[1]
            if time >= forgotten + FORGET_EVERY:
                yield from self._forget(time)
                forgotten = time
            if raw[2] and raw[3] not in watches[rule].ready:  # a second step that nothing waits for, as most are
                continue
            for stretch in watches[rule].take(Seen._make(raw)):
                yield self._finding(rule, stretch)
        yield from self._forget(END_OF_TIME)

    def _forget(self, now: int) -> Iterator[Finding]:
        for number, one in enumerate(self._watches):
            for stretch in one.forget(now):
                yield self._finding(number, stretch)

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
