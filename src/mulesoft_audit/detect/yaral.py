"""A rule as YARA-L 2.0, for Google SecOps: over UDM events as the parser in `secops/parser/` makes them.

Sources: docs.cloud.google.com/chronicle/docs/yara-l (syntax), the style guide of chronicle/detection-rules.
"""

from __future__ import annotations

import csv
import io
import ipaddress
import re
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from mulesoft_audit.detect.lists import ADDRESSES
from mulesoft_audit.detect.rule import Test

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from mulesoft_audit.detect.rule import Condition, Rule, Step

TABLES = "mulesoft_"  #: what the names of data tables begin with
_RISK = {"info": 10, "low": 35, "medium": 65, "high": 85, "critical": 95}  # of the style guide
_TYPE = "metadata.product_event_type"  #: "Action", or "Action - Subaction"
_PATHS = {
    "platform": "target.application",
    "actor": "principal.user.userid",
    "actor_name": "principal.user.user_display_name",
    "user": "target.user.userid",
    "user_name": "target.user.user_display_name",
    "type": "target.resource.resource_subtype",
    "object": "target.resource.product_object_id",
    "object_name": "target.resource.name",
    "environment": 'additional.fields["environment_name"]',
    "ip": "principal.ip",
    "payload": "security_result.detection_fields.value",
}
_OF_LOGIN = {"actor": _PATHS["user"], "actor_name": _PATHS["user_name"]}  #: a log-in is the target's user's


def yaral(rule: Rule, lists: Mapping[str, Collection[str]]) -> str:
    """Return the text of a rule; lists of the settings that are empty are left out of it."""
    sections = {"meta": _meta(rule), "events": _events(rule, lists)}
    if rule.window and not rule.new:
        variables = ", ".join(f"${field}" for field in rule.group)
        sections["match"] = [f"{variables} over {rule.window}"]
    sections["outcome"] = _outcome(rule)
    sections["condition"] = [_condition(rule)]
    body = "\n\n".join(f"  {name}:\n" + "\n".join(f"    {line}" if line else "" for line in lines)
                       for name, lines in sections.items())  # fmt: skip
    return f"rule mulesoft_{rule.id.replace('-', '_')} {{\n\n{body}\n}}\n"


def data_tables(rules: Iterable[Rule], lists: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return the data tables that the rules need, each as CSV by its name: one column, `address` or `name`."""
    needed = {name for rule in rules for name in _tables(rule, lists)}
    return {TABLES + name: _csv(_column(name), sorted(_members(name, lists))) for name in sorted(needed)}


def _tables(rule: Rule, lists: Mapping[str, Collection[str]]) -> list[str]:
    """Return the lists that a rule's text refers to: a rule about what is new needs its own in any case."""
    return [name for field, name in rule.allow.items() if lists.get(name) or field == rule.new]


def _members(name: str, lists: Mapping[str, Collection[str]]) -> set[str]:
    """Return what a list's data table holds: names in small letters; networks, as a column of type CIDR wants them."""
    texts = lists.get(name, ())
    if name == ADDRESSES:
        return {str(ipaddress.ip_network(text, strict=False)) for text in texts}
    return {text.lower() for text in texts}


def _column(name: str) -> str:
    return "address" if name == ADDRESSES else "name"


def _csv(column: str, values: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[column], *([value] for value in values)])
    return out.getvalue()


def _meta(rule: Rule) -> list[str]:
    texts = {
        "author": "mulesoft-audit-collector",
        "description": " ".join(rule.why.split()),
        "rule_id": f"mr_{uuid5(NAMESPACE_URL, f'mulesoft-audit-collector/{rule.id}')}",
        "rule_name": f"Anypoint: {rule.title}",
        "type": "Alert",
        "data_source": "MuleSoft Anypoint",
        "severity": rule.severity.capitalize(),
        "priority": rule.severity.capitalize(),
        "tactic": rule.tactic.split()[0],
        "technique": rule.technique.split()[0],
        "mitre_attack_tactic": rule.tactic.split(" ", 1)[1],
        "mitre_attack_technique": rule.technique.split(" ", 1)[1],
        "false_positives": " ".join(rule.false_positives),
        "response": " ".join(rule.response),
        "confidence": rule.confidence,
    }
    return [f"{name} = {_quoted(text)}" for name, text in texts.items()]


# Events.


def _events(rule: Rule, lists: Mapping[str, Collection[str]]) -> list[str]:
    lines: list[str] = []
    for step in rule.steps:
        paths = _paths(step)
        lines += [f'${step.name}.metadata.log_type = "MULESOFT"', *_alternatives(step)]
        lines += [
            f"not {_on_list(step, field, name)}" for field, name in rule.allow.items() if name in _tables(rule, lists)
        ]
        # Match variables are never empty. What is counted or new is neither, nor is a group without a match section.
        filled = [*rule.group, rule.new] if rule.new else list(filter(None, [rule.distinct]))
        there = [f'${step.name}.{paths[field]} != ""' for field in filled]
        lines += [line for line in there if line not in lines]
        if rule.window and not rule.new:
            lines += [f"${field} = ${step.name}.{paths[field]}" for field in rule.group]
        lines.append("")
    if len(rule.steps) == 2:
        first, second = (f"${step.name}.metadata.event_timestamp.seconds" for step in rule.steps)
        lines.append(f"{first} < {second}")
    return lines if lines[-1] else lines[:-1]


def _paths(step: Step) -> dict[str, str]:
    """Return where the fields of a step's entries are in UDM."""
    actions = [action.lower() for one in step.where for action in _texts(one.get("action", "")) or [""]]
    return _PATHS | (_OF_LOGIN if set(actions) <= {"login", "logout"} else {})


def _alternatives(step: Step) -> Iterator[str]:
    """Yield what must hold for an entry of the step, a line each."""
    where = [_conjunction(step, condition) for condition in step.where]
    yield from _joined(where)
    for condition in step.unless:
        yield from _joined([_conjunction(step, condition)], "not ")


def _joined(groups: list[list[str]], prefix: str = "") -> Iterator[str]:
    if len(groups) == 1 and not prefix:
        yield from groups[0]
        return
    yield f"{prefix}("
    for number, group in enumerate(groups):
        joined = group[0] if len(group) == 1 else f"({' and '.join(group)})"
        yield f"  {joined}{' or' if number < len(groups) - 1 else ''}"
    yield ")"


def _conjunction(step: Step, condition: Condition) -> list[str]:
    """Return the comparisons of one condition."""
    paths, found = _paths(step), []
    if "action" in condition or "subaction" in condition:
        found += _of_type(f"${step.name}.{_TYPE}", condition)
    for field, value in condition.items():
        if field in ("action", "subaction"):
            continue
        if field == "staff":
            found.append(_of_staff(step, yes=value is True))
        elif isinstance(value, bool):
            found.append(f'${step.name}.security_result.action = "{"FAIL" if value else "ALLOW"}"')
        elif isinstance(value, Test):
            found += _of_test(step, f"${step.name}.{paths[field]}", value)
        else:
            found.append(_equal(f"${step.name}.{paths[field]}", _texts(value)))
    return found


def _of_type(path: str, condition: Condition) -> list[str]:
    """Return the comparisons of action and subaction, which UDM holds as one text."""
    actions, subaction = _texts(condition.get("action", "")), condition.get("subaction")
    spelled = _any_of(actions) if actions else ".*"
    if subaction is None:
        return [_like(path, f"^{spelled}( - .*)?$")]
    if isinstance(subaction, Test):
        assert subaction.none_of is not None, "a subaction is compared with none_of alone"  # noqa: S101
        return [_like(path, f"^{spelled}( - .*)?$"), f"not {_like(path, f'^.* - {_any_of(subaction.none_of)}$')}"]
    if subaction == "":
        return [_equal(path, actions)]
    texts = _texts(subaction)
    if len(actions) == len(texts) == 1:
        return [_equal(path, [f"{actions[0]} - {texts[0]}"])]
    return [_like(path, f"^{spelled} - {_any_of(texts)}$")]


def _of_staff(step: Step, *, yes: bool) -> str:
    name, actor = (f"${step.name}.{_paths(step)[field]}" for field in ("actor_name", "actor"))
    return f'{"" if yes else "not "}({name} = "Anypoint Staff" nocase or {actor} = "")'


def _of_test(step: Step, path: str, test: Test) -> list[str]:
    if test.like is not None:
        return [_like(path, f"(?s){test.like}")]  # without it, only the first line of a text is looked at
    if test.same is not None:
        other = f"${step.name}.{_paths(step)[test.same]}"
        return [f"{path} = {other} nocase", f'{other} != ""']
    return [f"{path} != {_quoted(text)}{' nocase' if text else ''}" for text in test.none_of or ()]


def _on_list(step: Step, field: str, name: str) -> str:
    path, table = f"${step.name}.{_paths(step)[field]}", f"%{TABLES}{name}.{_column(name)}"
    return f"{path} in cidr {table}" if name == ADDRESSES else f"{path} in {table} nocase"


def _equal(path: str, texts: list[str]) -> str:
    if len(texts) == 1:
        return f"{path} = {_quoted(texts[0])} nocase"
    return _like(path, f"^{_any_of(texts)}$") if texts else f'{path} = ""'


def _like(path: str, pattern: str) -> str:
    return f"{path} = /{pattern.replace('/', chr(92) + '/')}/ nocase"


def _any_of(texts: list[str]) -> str:
    spelled = [re.sub(r"([\\.*+?()\[\]{}|^$])", r"\\\1", text) for text in texts]
    return spelled[0] if len(spelled) == 1 else f"({'|'.join(spelled)})"


def _texts(value: object) -> list[str]:
    """Return the texts that a field is compared with; none for the empty text, which UDM does not hold."""
    if isinstance(value, str):
        return [value] if value else []
    return list(value) if isinstance(value, list) else []


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# Outcome and condition.


def _outcome(rule: Rule) -> list[str]:
    last = rule.steps[-1]
    paths = _paths(last)
    shown = {"actor": paths["actor_name"], "actor_id": paths["actor"], "object": paths["object_name"], "what": _TYPE}
    risk = _RISK[rule.severity]
    if not rule.window or rule.new:
        return [
            f"$risk_score = {risk}",
            *(f"${_shown(rule, name)} = ${last.name}.{path}" for name, path in shown.items()),
        ]
    lines = [f"$risk_score = max({risk})"]
    lines += [f"${_shown(rule, name)} = array_distinct(${last.name}.{path})" for name, path in shown.items()]
    if rule.distinct:
        path = f"${rule.steps[0].name}.{_paths(rule.steps[0])[rule.distinct]}"
        lines.append(f"$different = count_distinct({path})")
    return lines


def _shown(rule: Rule, name: str) -> str:
    """Return what an outcome is called: not like a variable of the rule."""
    taken = {*rule.group, *(step.name for step in rule.steps)}
    return f"shown_{name}" if name in taken else name


def _condition(rule: Rule) -> str:
    first = rule.steps[0].name
    if rule.distinct:
        return f"${first} and $different >= {rule.count}"
    counted = f"#{first} >= {rule.count}" if rule.count > 1 else f"${first}"
    return counted if len(rule.steps) == 1 else f"{counted} and ${rule.steps[1].name}"
