"""What the rules found, for a person and for a script."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime
from typing import TYPE_CHECKING

from mulesoft_audit.detect.rule import SEVERITIES
from mulesoft_audit.printable import json_line, printable
from mulesoft_audit.times import LocalTimes
from mulesoft_audit.words import number_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from mulesoft_audit.detect.finding import Finding
    from mulesoft_audit.detect.rule import Rule

LATEST = 3  #: findings of a rule that are shown, where all rules are
MOST = 200  #: findings of a rule that are shown, where it was asked for
_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}


def as_line(finding: Finding) -> str:
    """Return a finding as one line of JSON."""
    return json_line(finding)


class Shown:
    """Findings on their way to a person: of each rule how many, and the latest.

    Attributes:
        gravest: the weight of the gravest finding, 0 to 4; -1 if there is none.
    """

    def __init__(self, rules: Iterable[Rule], *, all_of_them: bool) -> None:
        self.gravest = -1
        self._rules = {rule.id: rule for rule in rules}
        self._counts: Counter[str] = Counter()
        self._latest: dict[str, deque[Finding]] = {}
        self._most = MOST if all_of_them else LATEST

    def add(self, finding: Finding) -> None:
        """Take a finding."""
        self.gravest = max(self.gravest, SEVERITIES.index(finding.severity))
        self._counts[finding.rule] += 1
        self._latest.setdefault(finding.rule, deque(maxlen=self._most)).append(finding)

    def show(self, looked_at: int, archive: str) -> None:
        """Print the rules that found something, the gravest first, and a sentence that sums up."""
        from rich.console import Console
        from rich.text import Text

        console = Console(highlight=False, soft_wrap=False)
        times = LocalTimes()
        for name in sorted(self._counts, key=lambda name: (-self._rules[name].weight, name)):
            self._show_rule(console, self._rules[name], times)
        total, of_rules = self._counts.total(), len(self._counts)
        found = f"{number_of(total, 'finding')} of {number_of(of_rules, 'rule')}"
        said = f"{found if total else 'Nothing found'} in {number_of(looked_at, 'entry', 'entries')}"
        console.print(Text(f"{said}."))
        console.print(Text(f"Archive: {printable(archive)}"), soft_wrap=True)
        if total > sum(map(len, self._latest.values())):
            console.print(Text("All of a rule's findings: --rule ID. Everything: --json."))

    def _show_rule(self, console: Console, rule: Rule, times: LocalTimes) -> None:
        from rich.cells import set_cell_size
        from rich.text import Text

        count = self._counts[rule.id]
        head = Text.assemble((f"{rule.severity:<8}", _STYLES[rule.severity]), f"  {rule.title}  ")
        head.append(f"{count:,} time{'' if count == 1 else 's'}", "bold")
        lines = [head, Text(f"          --rule {rule.id}", "dim")]
        for finding in reversed(self._latest[rule.id]):
            who, what = _who_and_what(finding)
            lines.append(Text(f"          {times.minute(time_of(finding))}  {set_cell_size(who, 16)}  {what}"))
        for line in lines:
            console.print(line, no_wrap=True, overflow="ellipsis")


def time_of(finding: Finding) -> int:
    """Return the time of a finding's last entry, Unix ms."""
    return round(datetime.fromisoformat(finding.last).timestamp() * 1000)


def _who_and_what(finding: Finding) -> tuple[str, str]:
    """Return who did it and what it was done to, or how often."""
    what = finding.object
    if finding.values:
        shown = ", ".join(finding.values[:3]) + ("…" if len(finding.values) > 3 else "")
        what = f"{len(finding.values)}: {shown}"
    elif finding.count > 1:
        what = f"{finding.count:,} entries, {what}"
    return printable(finding.actor or "nobody named"), printable(what)
