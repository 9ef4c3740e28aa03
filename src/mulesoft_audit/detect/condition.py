"""Whether an entry is one that a rule's step looks for: a rule's conditions as functions of an event."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from mulesoft_audit.detect import rule as rules
from mulesoft_audit.detect.event import Kind

if TYPE_CHECKING:
    from mulesoft_audit.detect.event import Event

Predicate = Callable[[Any], bool]  #: of an event; of a kind, if it looks at a field of kinds
Lists = Mapping[str, Collection[str]]  #: allow lists by name


#: Fields of an event's `Kind`: conditions on them are compared once a kind.
OF_KIND = frozenset(Kind._fields)


class Step(NamedTuple):
    """What is left to compare of a step once the kind of the entry is known.

    Attributes:
        where: groups of comparisons; all of one group must hold. None if that is known already.
        unless: groups of which none may hold.
    """

    where: list[list[Predicate]] | None
    unless: list[list[Predicate]]

    def matches(self, event: Event) -> bool:
        """Return whether an event of that kind is one that the step looks for."""
        return (self.where is None or _any(self.where, event)) and not (self.unless and _any(self.unless, event))


def step_for(step: rules.Step, kind: Kind) -> Step | None:
    """Return what is left to compare for entries of this kind; None if the step looks for none such."""
    where = [_rest(condition) for condition in step.where if _fits(condition, kind)]
    unless = [_rest(condition) for condition in step.unless if _fits(condition, kind)]
    if not where or [] in unless:
        return None
    return Step(None if [] in where else where, unless)


def allowed(rule: rules.Rule, lists: Lists) -> list[Predicate]:
    """Return the functions that tell whether an event is on a list of what the rule is to let pass."""
    return [_on_list(field, lists[name]) for field, name in rule.allow.items() if lists.get(name)]


def _any(groups: list[list[Predicate]], event: Event) -> bool:
    """Return whether all comparisons of any group hold. Loops, because generators cost more than the comparisons."""
    for tests in groups:
        for test in tests:
            if not test(event):
                break
        else:
            return True
    return False


def _fits(condition: rules.Condition, kind: Kind) -> bool:
    return all(_test(field, value)(kind) for field, value in condition.items() if _is_of_kind(field, value))


def _rest(condition: rules.Condition) -> list[Predicate]:
    return [_test(field, value) for field, value in condition.items() if not _is_of_kind(field, value)]


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
        search = re.compile(test.like, re.IGNORECASE | re.ASCII).search
        if field == "payload":
            return _in_payload(test.like)
        return lambda event: search(get(event)) is not None
    if test.same is not None:
        other: Callable[[Event], str] = attrgetter(test.same)
        if field == "payload":
            return lambda event: other(event) in event.payload and other(event) != ""
        return lambda event: get(event) == other(event) != ""
    texts = frozenset(one.lower() for one in test.none_of or ())
    if field == "payload":
        return lambda event: texts.isdisjoint(event.payload)
    return lambda event: get(event) not in texts


def _in_payload(pattern: str) -> Predicate:
    """Return whether a value of the payload has the pattern. Most need not be decoded to tell that none has."""
    search = re.compile(pattern, re.IGNORECASE | re.ASCII).search
    anywhere = None if "^" in pattern or "$" in pattern else re.compile(pattern.encode(), re.IGNORECASE).search

    def found(event: Event) -> bool:
        raw = event.raw_payload
        if anywhere and b"\\" not in raw and not anywhere(raw):
            return False
        return any(search(value) for value in event.payload)

    return found


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
