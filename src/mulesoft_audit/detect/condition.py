"""Whether an entry is one that a rule's step looks for: a rule's conditions as functions of an event."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from functools import cache, lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from mulesoft_audit.detect import rule as rules
from mulesoft_audit.detect.event import REPEATED, Kind, read_properties

if TYPE_CHECKING:
    from mulesoft_audit.detect.event import Event

Predicate = Callable[[Any], bool]  #: of an event; of a kind, if it looks at a field of kinds
Lists = Mapping[str, Collection[str]]  #: allow lists by name


#: Fields of an event's `Kind`: conditions on them are compared once a kind.
OF_KIND = frozenset(Kind._fields)
#: A pattern that is a list of words, with or without what they must stand apart from.
_LISTED = re.compile(r"(?:\\b|\(\^\|\[\^A-Za-z\]\))?\(([a-z_ |?]+)\)(?:\\b|\(\[\^A-Za-z\]\|\$\))?")


class Prepared:
    """A step of a rule as comparisons: those of the kind apart from the rest."""

    def __init__(self, step: rules.Step) -> None:
        self._where = [_split(condition) for condition in step.where]
        self._unless = [_split(condition) for condition in step.unless]

    def for_kind(self, kind: Kind) -> list[Predicate | None]:
        """Return whether an event of this kind is one of the step's: None if each is; nothing if none is."""
        where = tuple(rest for of_kind, rest in self._where if all(test(kind) for test in of_kind))
        unless = tuple(rest for of_kind, rest in self._unless if all(test(kind) for test in of_kind))
        if not where or () in unless:
            return []
        wanted, unwanted = (None if () in where else _either(where)), _either(unless)
        if not unless:
            return [wanted]
        return [lambda event: (wanted is None or wanted(event)) and not unwanted(event)]


def allowed(rule: rules.Rule, lists: Lists) -> list[Predicate]:
    """Return the functions that tell whether an event is on a list of what the rule is to let pass."""
    return [_on_list(field, lists[name]) for field, name in rule.allow.items() if lists.get(name)]


# Rules that ask the same share one function: `Matcher` calls it once an entry where they stand side by side.


@cache
def _either(groups: tuple[tuple[Predicate, ...], ...]) -> Predicate:
    """Return whether all comparisons of any group hold."""
    if len(groups) == 1:
        return _every(groups[0])
    each = [_every(tests) for tests in groups]

    def either(event: Event) -> bool:
        for test in each:  # a loop, because a generator costs more than the comparison  # noqa: SIM110
            if test(event):
                return True
        return False

    return either


def _every(tests: tuple[Predicate, ...]) -> Predicate:
    """Return whether all comparisons hold."""
    return tests[0] if len(tests) == 1 else lambda event: all(test(event) for test in tests)


def _split(condition: rules.Condition) -> tuple[list[Predicate], tuple[Predicate, ...]]:
    """Return the comparisons of a kind, and those of an event."""
    of_kind = [_test(field, value) for field, value in condition.items() if _is_of_kind(field, value)]
    rest = tuple(_test(field, value) for field, value in condition.items() if not _is_of_kind(field, value))
    return of_kind, rest


def _is_of_kind(field: str, value: object) -> bool:
    return field in OF_KIND and not (isinstance(value, rules.Test) and value.same is not None)


def _test(field: str, value: bool | str | list[str] | rules.Test) -> Predicate:
    """Return one comparison of one field."""
    get: Callable[[Event], object] = attrgetter(field)
    if isinstance(value, bool):
        return lambda event: get(event) is value
    if isinstance(value, rules.Test):
        return _special(field, value)
    texts = frozenset(one.lower() for one in ([value] if isinstance(value, str) else value))
    if field == "payload":
        return lambda event: not texts.isdisjoint(event.payload)
    return lambda event: get(event) in texts


def _special(field: str, test: rules.Test) -> Predicate:
    get: Callable[[Event], str] = attrgetter(field)
    if test.like is not None:
        return _in_payload(test.like) if field == "payload" else _in_field(field, test.like)
    if test.same is not None:
        other: Callable[[Event], str] = attrgetter(test.same)
        if field == "payload":
            return lambda event: other(event) in event.payload and other(event) != ""
        return lambda event: get(event) == other(event) != ""
    texts = frozenset(one.lower() for one in test.none_of or ())
    if field == "payload":
        return lambda event: texts.isdisjoint(event.payload)
    return lambda event: get(event) not in texts


@cache
def _in_field(field: str, pattern: str) -> Predicate:
    """Return whether a field's value has the pattern."""
    get: Callable[[Event], str] = attrgetter(field)
    search = re.compile(pattern, re.IGNORECASE | re.ASCII).search
    remembered = lru_cache(maxsize=4096)(search)  # names come again

    def found(event: Event) -> bool:
        text = get(event)
        return (remembered if len(text) <= REPEATED else search)(text) is not None

    return found


@cache
def _in_payload(pattern: str) -> Predicate:
    """Return whether a value of the payload has the pattern."""
    search = re.compile(pattern, re.IGNORECASE | re.ASCII).search
    words = _shortest(_listed(pattern))

    def has(raw: bytes) -> bool:
        if words:
            low = raw.lower()
            if b"\\" not in low and not any_in(words, low):
                return False
        return any(search(value) for value in read_properties(raw)[1])

    remembered = lru_cache(maxsize=1024)(has)

    def found(event: Event) -> bool:
        raw = event.properties
        return (remembered if len(raw) <= REPEATED else has)(raw)

    return found


def _listed(pattern: str) -> list[bytes]:
    """Return words of which a text must hold one, in small letters, for a pattern to be in it; none if it lists none.

    A word with a `k` is none of them: the sign for kelvin, which is other bytes, is a `k` in small letters. Nor is one
    that ends with an `i`, with which the small letters of a Turkish capital one begin.
    """
    listed = _LISTED.fullmatch(pattern)
    if not listed:
        return []
    words = [re.sub(r".\?.*", "", word).encode() for word in listed[1].split("|")]  # up to a letter that may be missing
    return [] if any(b"k" in word or word.endswith(b"i") for word in words) else words


def any_in(words: list[bytes], line: bytes) -> bool:
    """Return whether a line holds one of the words."""
    for word in words:  # a loop, because a generator costs more than the comparison  # noqa: SIM110
        if word in line:
            return True
    return False


def _shortest(words: list[bytes]) -> list[bytes]:
    """Return the words that have no other one within them: where a longer one is, that one is too."""
    different = list(dict.fromkeys(words))
    return [word for word in different if not any(other in word for other in different if other != word)]


def _on_list(field: str, members: Collection[str]) -> Predicate:
    """Return whether a field's value is a member; an address also if it lies in a member's network."""
    get: Callable[[Event], str] = attrgetter(field)
    texts = frozenset(one.lower() for one in members)
    if field != "ip":
        return lambda event: get(event) in texts
    networks = [ipaddress.ip_network(one, strict=False) for one in members]

    def in_network(event: Event) -> bool:
        if not event.ip:
            return False
        address = ipaddress.ip_address(event.ip)
        return any(address in network for network in networks if network.version == address.version)

    return in_network
