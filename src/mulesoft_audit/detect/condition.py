"""Whether an entry is one that a rule's step looks for: a rule's conditions as functions of an event."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING

from mulesoft_audit.detect.rule import Test

if TYPE_CHECKING:
    from mulesoft_audit.detect.event import Event
    from mulesoft_audit.detect.rule import Condition, Rule, Step

Predicate = Callable[["Event"], bool]
Lists = Mapping[str, Collection[str]]  #: allow lists by name


def matches(step: Step) -> Predicate:
    """Return the function that tells whether an event is one that the step looks for."""
    wanted = [_all(condition) for condition in step.where]
    unwanted = [_all(condition) for condition in step.unless]
    return lambda event: any(one(event) for one in wanted) and not any(one(event) for one in unwanted)


def allowed(rule: Rule, lists: Lists) -> Predicate:
    """Return the function that tells whether an event is on a list of what the rule is to let pass."""
    tests = [_on_list(field, lists[name]) for field, name in rule.allow.items() if lists.get(name)]
    return lambda event: any(test(event) for test in tests)


def actions(step: Step) -> frozenset[str] | None:
    """Return the actions, in small letters, that an entry of the step can have; None if they are not named."""
    found: set[str] = set()
    for condition in step.where:
        value = condition.get("action")
        if not isinstance(value, str | list):
            return None
        found.update(one.lower() for one in ([value] if isinstance(value, str) else value))
    return frozenset(found)


def needs_payload(rule: Rule) -> bool:
    """Return whether the rule looks into payloads."""
    looked_at = {"payload", "ip"}
    conditions = [one for step in rule.steps for one in (*step.where, *step.unless)]
    return bool(
        looked_at & {rule.new, rule.distinct, *rule.group, *rule.allow, *(f for one in conditions for f in one)}
    )


def _all(condition: Condition) -> Predicate:
    tests = [_test(field, value) for field, value in condition.items()]
    return lambda event: all(test(event) for test in tests)


def _test(field: str, value: bool | str | list[str] | Test) -> Predicate:
    """Return one comparison of one field."""
    get: Callable[[Event], object] = attrgetter(field)
    if isinstance(value, bool):
        return lambda event: get(event) is value
    if isinstance(value, Test):
        return _special(field, value)
    texts = frozenset(one.lower() for one in ([value] if isinstance(value, str) else value))
    if field == "payload":
        return lambda event: not texts.isdisjoint(event.payload)
    return lambda event: get(event) in texts


def _special(field: str, test: Test) -> Predicate:
    get: Callable[[Event], str] = attrgetter(field)
    if test.like is not None:
        search = re.compile(test.like, re.IGNORECASE).search
        if field == "payload":
            return lambda event: any(search(value) for value in event.payload)
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
