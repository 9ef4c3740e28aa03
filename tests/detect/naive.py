"""What entries count for, told slowly and plainly: all of an entry decoded, every condition of every rule compared."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import TYPE_CHECKING, Any

from mulesoft_audit.detect.rule import Test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulesoft_audit.detect.rule import Rule


def seen(rules: list[Rule], lists: dict[str, list[str]], line: bytes) -> list[tuple[Any, ...]]:
    """Return rule, step, group, value and what is shown for each step that an entry counts for."""
    try:
        document = json.loads(line, strict=False)
    except (ValueError, RecursionError):
        return []
    if not isinstance(document, dict):
        return []
    fields = fields_of(document)
    return [found for number, rule in enumerate(rules) for found in _of_rule(number, rule, lists, fields)]


def _of_rule(number: int, rule: Rule, lists: dict[str, list[str]], fields: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for place, step in enumerate(rule.steps):
        if not any(_holds(one, fields) for one in step.where) or any(_holds(one, fields) for one in step.unless):
            continue
        if any(_listed(field, fields[field], lists.get(name, [])) for field, name in rule.allow.items()):
            continue
        group = tuple(fields[name] for name in rule.group)
        field = rule.distinct or rule.new
        value = fields[field] if field else ""
        if "" in group or (field and not value):
            continue
        shown = fields.get(f"shown_{field}", value) if field else ""
        yield number, place, group, value, shown, fields["shown_actor"], fields["shown_object"], fields["transaction"]


def _holds(condition: dict[str, Any], fields: dict[str, Any]) -> bool:
    return all(_true(fields, field, test) for field, test in condition.items())


def _true(fields: dict[str, Any], field: str, test: Any) -> bool:
    value = fields[field]
    values = value if field == "payload" else {value}
    if isinstance(test, bool):
        return value is test
    if not isinstance(test, Test):
        return bool({one.lower() for one in ([test] if isinstance(test, str) else test)} & values)
    if test.like is not None:
        return any(re.search(test.like, one, re.IGNORECASE | re.ASCII) for one in values)
    if test.same is not None:
        return fields[test.same] in values - {""}
    return not {one.lower() for one in test.none_of or ()} & values


def _listed(field: str, value: str, members: list[str]) -> bool:
    if field != "ip":
        return value in {one.lower() for one in members}
    networks = [ipaddress.ip_network(one, strict=False) for one in members]
    return bool(value) and any(ipaddress.ip_address(value) in network for network in networks)


def fields_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that rules look at."""
    texts = {name: value if isinstance(value, str) else "" for name, value in document.items()}

    def get(name: str) -> str:
        return texts.get(name, "")

    payload = document.get("payload")
    held = payload if isinstance(payload, dict) else {}
    inner = held.get("subaction")
    subaction = (inner if isinstance(inner, str) else "") or get("subaction")
    objects = document.get("objects")
    held_objects = [one for one in objects if isinstance(one, dict)] if isinstance(objects, list) else []
    things = [{name: value for name, value in one.items() if isinstance(value, str)} for one in held_objects]
    people = [one for one in things if one.get("objectType", "").lower() == "user"]
    others = [one for one in things if one not in people]
    main = (others or people or [{}])[0]
    kinds = [one.get("objectType", "") for one in things]
    kind = kinds[0] if kinds else ""
    if len(kinds) > 1 and kind.lower() == "user":
        kind = next((one for one in kinds if one.lower() != "user"), kind)
    actor = get("userId") or get("userName") or get("clientId") or get("clientName")
    name = get("userName") or ("" if get("userId") else get("clientName"))
    values, address = _values(held.get("properties", held) if isinstance(payload, dict) else None)
    found = {
        "platform": get("platform").lower(),
        "action": get("action").lower(),
        "subaction": subaction.lower(),
        "type": kind.lower(),
        "failed": document.get("failed") is True or bool(re.search(r"failure\s*\Z", subaction, re.IGNORECASE)),
        "staff": name.lower() == "anypoint staff" or not actor,
        **_named("actor", actor, name),
        **_named("object", main.get("objectId") or main.get("objectName", ""), main.get("objectName", "")),
        "environment": (main.get("environmentName") or main.get("environmentId") or "").lower(),
        "payload": values,
        "ip": address,
        "transaction": get("anypointTransactionId"),
    }
    user = people[0] if people else {}
    of_user = _named("user", user.get("objectId") or user.get("objectName", ""), user.get("objectName", ""))
    if not people and found["action"] in ("login", "logout"):
        of_user = _named("user", actor, name)
    return found | of_user


def _named(field: str, id_: str, name: str) -> dict[str, str]:
    return {field: id_.lower(), f"{field}_name": name.lower(), f"shown_{field}": name or id_}


def _values(properties: Any) -> tuple[frozenset[str], str]:
    values, addresses = set(), []
    waiting = [("", properties)]
    for key, value in waiting:
        if isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(key, one) for one in value]
        elif isinstance(value, str):
            values.add(value.lower())
            if re.search(r"(client|source|remote)_?ip(_?address)?\Z", key, re.IGNORECASE):
                addresses += _address(re.split(r"\s*,", value)[0])
        elif value is not None:
            values.add(str(value).lower() if isinstance(value, bool) else str(value))
    return frozenset(values), next(iter(addresses), "")


def _address(text: str) -> list[str]:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return []
    if address.version == 6 and address.ipv4_mapped:
        return [str(address.ipv4_mapped)]
    return [str(address)]
