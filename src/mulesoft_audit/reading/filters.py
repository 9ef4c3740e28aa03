"""Which entries are wanted: what they say is compared with patterns, whatever the case."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit.printable import json_line
from mulesoft_audit.reading.view import View, view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mulesoft_audit.reading.entry import Entry


@dataclass(frozen=True, slots=True)
class Wanted:
    """What entries are to say. Of the patterns of one field, one must fit; of several fields, all.

    A pattern is a whole value in any case; `*` stands for any text.

    Attributes:
        user: of the names and ids of the person and of the connected app.
        action: of the action, the subaction, or both: `Login - Failure`.
        object: of the types, names and ids of the objects.
        platform: of the product.
        environment: of the names and ids of environments.
        failed: only what failed.
        grep: text that is somewhere in the entry, in any case.
    """

    user: Sequence[str] = ()
    action: Sequence[str] = ()
    object: Sequence[str] = ()
    platform: Sequence[str] = ()
    environment: Sequence[str] = ()
    failed: bool = False
    grep: str = ""


NOTHING = Wanted()  #: in particular


def matching(entries: Iterable[Entry], wanted: Wanted) -> Iterator[Entry]:
    """Return the entries that are wanted, one after the other."""
    tests = _tests(wanted)
    text = _containing(wanted.grep) if wanted.grep else None
    found = filter(text, entries) if text else entries
    return (entry for entry in found if _passes(view(entry), tests)) if tests else iter(found)


def _passes(said: View, tests: list[Callable[[View], bool]]) -> bool:
    for test in tests:  # noqa: SIM110 - a generator costs as much as the tests
        if not test(said):
            return False
    return True


def _tests(wanted: Wanted) -> list[Callable[[View], bool]]:
    """Return what an entry has to pass."""
    tests: list[Callable[[View], bool]] = []
    values = {"user": _users, "action": _actions, "object": _objects, "platform": _platform, "environment": _places}
    for name, values_of in values.items():
        if patterns := getattr(wanted, name):
            tests.append(_any_fits(pattern(patterns), values_of))
    if wanted.failed:
        tests.append(lambda said: said.has_failed)
    return tests


def _any_fits(fits: re.Pattern[str], values_of: Callable[[View], Iterable[str | None]]) -> Callable[[View], bool]:
    return lambda said: any(value is not None and fits.fullmatch(value) for value in values_of(said))


def pattern(patterns: Iterable[str]) -> re.Pattern[str]:
    """Return what matches a whole value that fits one of the patterns."""
    each = (".*".join(re.escape(piece) for piece in one.strip().split("*")) for one in patterns)
    return re.compile("|".join(each), re.IGNORECASE | re.DOTALL)


def _users(said: View) -> Iterable[str | None]:
    return said.user_name, said.user_id, said.client_name, said.client_id


def _actions(said: View) -> Iterable[str | None]:
    return said.action, said.subaction, said.what_was_done


def _objects(said: View) -> Iterable[str | None]:
    for one in said.objects or ():
        yield one.object_name
        yield one.object_type
        yield one.object_id


def _platform(said: View) -> Iterable[str | None]:
    return (said.platform,)


def _places(said: View) -> Iterable[str | None]:
    yield said.environment_name
    yield said.environment_id
    for one in said.objects or ():
        yield one.environment_name
        yield one.environment_id


def _containing(text: str) -> Callable[[Entry], bool]:
    """Return whether an entry has a text, as it is written there or as its escapes read."""
    sought = text.casefold()
    ascii_only = text.lower().encode() if text.isascii() else b""

    def found(entry: Entry) -> bool:
        line = entry.line
        if ascii_only:
            if ascii_only in line.lower():
                return True
        elif sought in line.decode("utf-8", "replace").casefold():
            return True
        return b"\\" in line and sought in _unescaped(entry).casefold()

    return found


def _unescaped(entry: Entry) -> str:
    return json_line(entry.fields).replace('\\"', '"').replace("\\\\", "\\")
