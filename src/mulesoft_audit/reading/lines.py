"""Entries as people read them: a line each. Whatever text is in an entry, it stays text."""

from __future__ import annotations

from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING

from isal.isal_zlib import crc32

from mulesoft_audit.printable import printable
from mulesoft_audit.reading.entry import Entry
from mulesoft_audit.reading.every_core import Made
from mulesoft_audit.reading.filters import NOTHING, Wanted, matching
from mulesoft_audit.reading.view import glance, is_failure, joined
from mulesoft_audit.times import LocalTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mulesoft_audit.ledger.names import Names
    from mulesoft_audit.reading.view import Named

LONGEST = 80  #: characters of a name that are shown in a line
MOST_OBJECTS = 3  #: that are named in a line
WIDEST_NAME = 24
SHORT = 8192  #: bytes of an entry whose texts are remembered: they may be keys of thousands
WHAT = 28  #: columns for what it was done to


class Lines:
    """Makes lines of entries: time, organization, who, what was done, to what, where, outcome, reference.

    Called with a chunk of an organization's entries, it takes those that are wanted: see `every_core.made_of`.
    """

    def __init__(
        self,
        names: Names,
        organizations: Sequence[str],
        wanted: Wanted = NOTHING,
        *,
        colour: bool = False,
        times: LocalTimes | None = None,
    ) -> None:
        """Make lines for entries of these organizations (ids); with `colour`, of what failed in red."""
        self._times = times or LocalTimes()
        self._wanted = wanted
        self._colour = colour
        shown = {one: printable(names.of(one), WIDEST_NAME) for one in organizations}
        widest = max((_width(name) for name in shown.values()), default=0)
        self._organizations = {one: _padded(name, widest) for one, name in shown.items()}

    def __call__(self, organization: str, times: list[int], lines: list[bytes]) -> Made[str]:
        """Return the lines of those entries that are wanted."""
        if self._wanted != NOTHING:
            found = list(matching(map(Entry, times, repeat(organization), lines), self._wanted))
            times, lines = [one.time for one in found], [one.line for one in found]
        return Made(times, self.of(organization, times, lines))

    def of(self, organization: str, times: Sequence[int], entries: Sequence[bytes]) -> list[str]:
        """Return entries of an organization as lines, each with its newline; `times` are Unix ms."""
        where, made = self._organizations[organization], []
        for time, entry in zip(self._times.seconds(times), entries, strict=True):
            thing, deed, place = _REMEMBERED if len(entry) <= SHORT else _PLAIN
            said = glance(entry)
            objects, payload = said.objects, said.payload
            subaction = (payload.subaction if payload else None) or said.top_subaction
            failed = said.failed is True or (subaction is not None and is_failure(subaction))
            if objects and len(objects) == 1:
                one = objects[0]
                what = thing(one.object_type, one.object_name)[1]
                environment = one.environment_name or one.environment_id or said.environment_name or said.environment_id
            else:
                what, environment = _padded(things(objects, thing), WHAT), said.environment
            line = (
                f"{time}  {where}  {deed(said.user_name or said.client_name, said.action, subaction)}  {what}  "
                f"{place(said.platform, environment, failed)}  {crc32(entry):08x}\n"
            )
            made.append(f"\x1b[31m{line[:-1]}\x1b[0m\n" if failed and self._colour else line)
        return made


def _thing(kind: str | None, name: str | None) -> tuple[str, str]:
    """Return an object in words, and the same padded."""
    shown = printable(name or "", LONGEST)
    text = f"{printable(kind, LONGEST)} {shown}" if kind else shown
    return text, _padded(text, WHAT)


def things(objects: Sequence[Named] | None, thing: Callable[[str | None, str | None], tuple[str, str]] = _thing) -> str:
    """Return objects in a few words: `User alice, Role Admin and 2 more`."""
    if not objects:
        return "-"
    shown = ", ".join([thing(one.object_type, one.object_name)[0] for one in objects[:MOST_OBJECTS]])
    more = len(objects) - MOST_OBJECTS
    return f"{shown} and {more} more" if more > 0 else shown


def _deed(who: str | None, action: str | None, subaction: str | None) -> str:
    done = joined(action, subaction)
    return f"{_padded(printable(who or '-', LONGEST), 16)}  {_padded(printable(done or '-', LONGEST), 20)}"


def _place(platform: str | None, environment: str | None, failed: bool) -> str:
    shown = printable(platform or "-", LONGEST)
    place = _padded(f"{shown} ({printable(environment, LONGEST)})" if environment else shown, 18)
    return f"{place}  failed" if failed else place


# What is said again and again is put together once.
_PLAIN = _thing, _deed, _place
_REMEMBERED = lru_cache(16384)(_thing), lru_cache(16384)(_deed), lru_cache(4096)(_place)


def _padded(text: str, width: int) -> str:
    return text.ljust(width) if text.isascii() else text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
