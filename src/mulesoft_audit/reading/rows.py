"""Entries as people and spreadsheets read them. Whatever text is in an entry, it stays text."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from isal.isal_zlib import crc32

from mulesoft_audit.printable import printable
from mulesoft_audit.reading.view import glance, is_failure, joined
from mulesoft_audit.times import LocalTimes, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mulesoft_audit.ledger.names import Names
    from mulesoft_audit.reading.entry import Entry
    from mulesoft_audit.reading.view import Named, View

LONGEST = 80  #: characters of a name that are shown in a line
MOST_OBJECTS = 3  #: that are named in a line
WIDEST_NAME = 24

COLUMNS = (
    "time",
    "organization",
    "organization_name",
    "platform",
    "action",
    "subaction",
    "user_name",
    "user_id",
    "client_name",
    "client_id",
    "object_type",
    "object_name",
    "object_id",
    "environment",
    "failed",
    "ip",
    "transaction",
    "entry",
)


def reference(line: bytes) -> str:
    """Return what `show --entry` takes: the CRC-32 of an entry's bytes, 8 hex digits. Two entries may share one."""
    return f"{crc32(line):08x}"


def columns(entry: Entry, said: View, names: Names) -> tuple[str | bool | None, ...]:
    """Return an entry's values in the order of `COLUMNS`; its time is ISO 8601 in UTC."""
    first = said.first
    return (
        iso(entry.time),
        entry.organization,
        names.of(entry.organization),
        said.platform,
        said.action,
        said.subaction,
        said.user_name,
        said.user_id,
        said.client_name,
        said.client_id,
        first.object_type,
        first.object_name,
        first.object_id,
        said.environment,
        said.has_failed,
        said.ip,
        said.transaction,
        reference(entry.line),
    )


class Lines:
    """Entries as lines of text: time, organization, who, what was done, to what, where, outcome, reference."""

    def __init__(self, names: Names, organizations: Sequence[str], times: LocalTimes | None = None) -> None:
        """Make lines for entries of these organizations (ids)."""
        self._times = times or LocalTimes()
        shown = {one: printable(names.of(one), WIDEST_NAME) for one in organizations}
        widest = max((_width(name) for name in shown.values()), default=0)
        self._organizations = {one: _padded(name, widest) for one, name in shown.items()}

    def lines(self, found: Iterable[Entry], mark: Callable[[str], str] = str) -> Iterator[str]:
        """Yield each entry as one line, with its newline; `mark` is given the lines of what failed."""
        second, organizations = self._times.second, self._organizations
        for entry in found:
            said = glance(entry)
            objects, subaction = said.objects, said.subaction
            what = (
                _alone(objects[0].object_type, objects[0].name) if objects and len(objects) == 1 else _several(objects)
            )
            failed = said.failed is True or (subaction is not None and is_failure(subaction))
            text = (
                f"{second(entry.time)}  {organizations[entry.organization]}  "
                f"{_deed(said.who, said.action, subaction)}  {what}  "
                f"{_place(said.platform, said.environment, failed)}  {crc32(entry.line).to_bytes(4).hex()}\n"
            )
            yield mark(text) if failed else text


def things(objects: Sequence[Named] | None) -> str:
    """Return objects in a few words: `User alice, Role Admin and 2 more`."""
    if not objects:
        return "-"
    shown = ", ".join([_thing(one.object_type, one.name) for one in objects[:MOST_OBJECTS]])
    more = len(objects) - MOST_OBJECTS
    return f"{shown} and {more} more" if more > 0 else shown


# What is said again and again is put together once: an object, who did what, and where.


@lru_cache(16384)
def _thing(kind: str | None, name: str) -> str:
    shown = printable(name, LONGEST)
    return f"{printable(kind, LONGEST)} {shown}" if kind else shown


@lru_cache(16384)
def _alone(kind: str | None, name: str) -> str:
    return _padded(_thing(kind, name), 28)


@lru_cache(16384)
def _deed(who: str, action: str | None, subaction: str | None) -> str:
    done = joined(action, subaction)
    return f"{_padded(printable(who or '-', LONGEST), 16)}  {_padded(printable(done or '-', LONGEST), 20)}"


@lru_cache(4096)
def _place(platform: str | None, environment: str | None, failed: bool) -> str:
    shown = printable(platform or "-", LONGEST)
    place = _padded(f"{shown} ({printable(environment, LONGEST)})" if environment else shown, 18)
    return f"{place}  failed" if failed else place


def _several(objects: Sequence[Named] | None) -> str:
    return _padded(things(objects), 28)


def _padded(text: str, width: int) -> str:
    return text.ljust(width) if text.isascii() else text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def spreadsheet_cell(value: str | bool | None) -> str:
    """Return a value as a cell that a spreadsheet shows and does not run: a formula gets an apostrophe before it.

    A program that calculates what begins with =, +, -, @ is what OWASP calls CSV injection.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = printable(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
