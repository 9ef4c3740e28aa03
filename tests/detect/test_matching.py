"""Quick comparison finds what plain comparison of everything finds, however entries are spelled."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect import naive
from tests.detect.cases import ORGANIZATION, cases

from anypoint_simulator import World
from anypoint_simulator.scenario import Scenario
from mulesoft_audit.detect.condition import _in_payload
from mulesoft_audit.detect.event import Event, kind_of, objects_of, read_entry, spelled_kind
from mulesoft_audit.detect.matching import Matcher
from mulesoft_audit.detect.rule import load_rules

pytestmark = pytest.mark.unit
RULES = load_rules()
LISTS = {"administrators": ["Ana"], "deployers": ["ci"], "known_addresses": ["10.0.0.0/8"]}


def assert_the_same(line: bytes) -> int:
    """Compare, and return for how many steps the entry counts."""
    found = list(Matcher(RULES, LISTS).seen([(7, ORGANIZATION, line)]))
    assert [one[1:6] + one[7:] for one in found] == naive.seen(RULES, LISTS, line)
    assert all(one[0] == 7 and one[6] == ORGANIZATION for one in found)
    return len(found)


def test_the_entries_of_all_cases_and_of_a_simulated_incident():
    lines = [line for case in cases() for line in case.entries]
    world = World(Scenario(now=1_794_000_000, days=1, groups=2, entries_per_day=300, odd_json=0.3, huge=0))
    told = [body for log in world.logs.values() for body in log.bodies(range(len(log)), current_names=False)]
    assert sum(map(assert_the_same, lines)) > 300
    assert sum(map(assert_the_same, told)) > 100


@pytest.mark.parametrize("payload", ['"text"', "[]", "7", "null", "{}", '{"properties":null}', '{"subaction":5}'])
def test_a_payload_of_any_kind(payload: str):
    assert_the_same(f'{{"action":"Permissions change","userId":"u","payload":{payload}}}'.encode())


@pytest.mark.parametrize("text", ["API", "AP\u0130", "\u212aEY", "k\u0130y", "APIS", "ap\\u0069"])
def test_a_word_is_found_in_whatever_has_it_in_small_letters(text: str):
    line = f'{{"payload":{{"a":"{text}"}}}}'.encode()
    entry = read_entry(line)
    assert entry
    main, user = objects_of(entry)
    event = Event(entry, line, main, user, *kind_of(spelled_kind(entry, main)))
    for pattern in (r"\b(api|key)\b", r"\b(api)\b"):
        expected = re.search(pattern, json.loads(f'"{text}"').lower(), re.ASCII)
        assert _in_payload(pattern)(event) == (expected is not None)


def test_long_texts_are_not_remembered():
    matcher = Matcher(RULES, LISTS)
    for number in range(20):
        name = f"{number:09d}" * 1000
        line = {"action": "Edit", "payload": {"subaction": "Add user"}, "objects": [{"objectName": name}]}
        longs = line | {"platform": name}
        list(matcher.seen([(7, ORGANIZATION, json.dumps(one).encode()) for one in (line, longs)]))
    assert len(matcher._by_kind) == 1


WORDS = sorted(
    {"User", "user", "Role", "Ana", "ci", "10.1.2.3", "192.0.2.1", "\ud83d", "to\u212aen", "ADM\u0130N", "", "Failure"}
    | {
        text
        for rule in RULES
        for step in rule.steps
        for one in (*step.where, *step.unless)
        for value in one.values()
        for text in (value if isinstance(value, list) else [value])
        if isinstance(text, str)
    }
    | {"Owner", "org admin", "invalid_client", "full_access", "Public", "Anypoint Staff"}
)
words = st.sampled_from(WORDS)
scalars = words | st.booleans() | st.none() | st.integers(0, 3) | st.just(1.5)
NAMES = ["clientIP", "remote_ip_address", "a", "subaction", "properties"]
inner = st.recursive(
    scalars, lambda one: st.lists(one, max_size=2) | st.dictionaries(st.sampled_from(NAMES), one, max_size=2)
)
things = st.fixed_dictionaries(
    {}, optional={f"object{name}": words | st.none() for name in ("Type", "Id", "Name")} | {"environmentName": words}
)
payloads = st.fixed_dictionaries({}, optional={"subaction": words, "properties": inner, "a": inner})
entries = st.fixed_dictionaries(
    {"action": words},
    optional={
        "platform": words,
        "objects": st.lists(things, max_size=3) | inner,
        "payload": payloads | inner,
        "failed": st.booleans() | scalars,
        "subaction": scalars,
        **{name: words | st.none() for name in ("userId", "userName", "clientId", "clientName")},
        "anypointTransactionId": words,
    },
)


@settings(max_examples=300)
@given(entries, st.data())
def test_whatever_an_entry_holds_and_however_it_is_spelled(document: dict[str, Any], data: st.DataObject):
    text = json.dumps(document, ensure_ascii=data.draw(st.booleans()))
    if data.draw(st.booleans()):  # letters as escapes
        text = re.sub(r"[aeko](?=[^\"]*\")", lambda found: f"\\u{ord(found[0]):04x}", text)
    if data.draw(st.booleans()):  # a name given twice: the last counts
        text = '{"action": "Delete", "objects": null, "payload": {"subaction": "x"}, ' + text[1:]
    if data.draw(st.booleans()):
        text = text.replace(":", " :\t")
    assert_the_same(text.encode("utf-8", "surrogatepass"))
