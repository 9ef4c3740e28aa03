"""A verification on a terminal: a table, then each finding with its path; and progress while it runs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.cli.progress import live
from mulesoft_audit.printable import printable
from mulesoft_audit.secret import without_secrets
from mulesoft_audit.words import number_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from rich.console import Console

    from mulesoft_audit.evidence.finding import Finding
    from mulesoft_audit.evidence.offline import Progress
    from mulesoft_audit.evidence.verification import Verification

NARROWEST = 60  #: columns: in fewer, numbers would be cut
SHOWN = 40  #: findings that are written out; --json has all
REFRESH_SECONDS = 0.2


def as_table(found: Verification, archive: str) -> None:
    """Print what is held and what was found, in at most 80 columns."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, width=max(NARROWEST, min(80, Console().width)))
    table = Table(box=None, pad_edge=False)
    table.add_column("Organization", overflow="ellipsis", no_wrap=True)
    for name in ("Days", "Entries", "Parts", "Removed", "Findings"):
        table.add_column(name, justify="right", no_wrap=True)
    problems = Counter(one.organization for one in found.problems)
    for held in sorted(found.result.held.values(), key=lambda one: (one.name, one.id)):
        numbers = (len(held.counted), held.entries, held.parts, held.transferred, problems[held.id])
        table.add_row(Text(printable(held.name) or held.id), *(f"{number:,}" for number in numbers))
    console.print(table)
    _list(console, found.problems)
    for kind, count in Counter(one.kind for one in found.notes).items():
        first = next(one for one in found.notes if one.kind is kind)
        more = "" if count == 1 else f", and {count - 1:,} more"
        console.print(Text(f"- {kind.value}: {_shown(first.path)}{more}"), soft_wrap=True)
        console.print(Text(f"  {_shown(first.found)}", "dim"))
    console.print(Text(summed(found)))
    console.print(Text(f"Archive: {printable(archive)}"), soft_wrap=True)


def summed(found: Verification) -> str:
    """Return a verification in a sentence."""
    progress = found.result.progress
    held = number_of(progress.entries, "entry", "entries")
    looked = f"{held} in {number_of(progress.parts, 'part')} of {number_of(progress.days, 'day')}"
    count = len(found.problems)
    wrong = "nothing is wrong" if not count else number_of(count, "finding")
    return f"{looked}: {wrong}{_against(found)}{_seals(found)}."


def _against(found: Verification) -> str:
    """Return in words what the archive was compared with beside itself."""
    if found.compared is None:
        return " (offline: Anypoint was not asked)"
    failed = sum(one.failure is not None for one in found.compared)
    until = min((one.window.end for one in found.compared if one.failure is None), default=0)
    text = f"; compared with Anypoint up to {iso(until)}" if until else ""
    return text + (f"; {failed} of {len(found.compared)} organizations could not be compared" if failed else "")


def _seals(found: Verification) -> str:
    """Return in words which seals were checked."""
    seals = found.news.seals
    if not seals.digests:
        return ""
    count = len(seals.digests)
    checked = f"; {count:,} seals were checked" if count > 1 else "; 1 seal was checked"
    if not seals.key:
        return f"{checked}, but no signature, for which --public-key is needed"
    return f"{checked}, {'each' if seals.signed == count else f'of which {seals.signed:,}'} with a signature that holds"


def _list(console: Console, findings: list[Finding]) -> None:
    from rich.text import Text

    for one in findings[:SHOWN]:
        console.print(Text(f"✗ {one.kind.value}: ", "bold red") + Text(_shown(one.path)), soft_wrap=True)
        whose = [f"{printable(one.name)} ({one.organization})" if one.name else one.organization, one.day]
        if where := ", ".join(filter(None, whose)):
            console.print(Text(f"  {where}", "dim"))
        console.print(Text(f"  expected {_shown(one.expected)}"))
        console.print(Text(f"  found    {_shown(one.found)}"))
        if one.repair:
            console.print(Text(f"  → {_shown(one.repair)}", "italic"))
    if len(findings) > SHOWN:
        console.print(f"… and {len(findings) - SHOWN:,} more; --json lists all.")


def _shown(text: str) -> str:
    return without_secrets(printable(text))


def progress_shown() -> AbstractContextManager[Callable[[Progress], None]]:
    """Show a verification on a terminal while it lasts; yields what is to be called with its progress."""
    return live(line, REFRESH_SECONDS)


def line(progress: Progress) -> str:
    """Return how far a verification is."""
    size = progress.size / 1e6
    text = f"{progress.days:,} days  {progress.parts:,} parts  {progress.entries:,} entries  {size:,.0f} MB"
    return text + (f"  {progress.read:,} read" if progress.read else "")
