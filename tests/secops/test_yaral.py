"""Each rule's YARA-L text: fields and enums are UDM's, its syntax is YARA-L's, and it finds what `detect` finds."""

from __future__ import annotations

import csv
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.cases import ORGANIZATION, Case, cases, entry, in_order
from tests.secops import yaral as meaning
from tests.secops.parsing import udm
from tests.secops.udm import DESCRIPTOR
from yaraast.yaral.parser import YaraLParser

from anypoint_simulator import World
from anypoint_simulator.scenario import Scenario
from mulesoft_audit.detect.engine import Detector
from mulesoft_audit.detect.matching import Matcher
from mulesoft_audit.detect.rule import load_rules
from mulesoft_audit.detect.yaral import data_tables, yaral

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mulesoft_audit.reading.entry import Entry

pytestmark = pytest.mark.unit
RULES = {rule.id: rule for rule in load_rules()}
LISTS = {"administrators": ["Ana"], "deployers": ["ci"], "network_team": ["x"], "publishers": ["y"]}
every_rule = pytest.mark.parametrize("name", RULES)
Fired = set[tuple[tuple[str, str], ...]]


def ingested(line: bytes) -> dict[str, Any]:
    """Return the UDM event of an entry with what the platform adds, not the parser: its log type."""
    event = udm(line)
    event["metadata"]["log_type"] = "MULESOFT"
    return event


def tables_of(lists: dict[str, list[str]], addresses: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return the data tables as a person would upload them; the addresses that are known, into theirs."""
    found: dict[str, list[str]] = {}
    for name, text in data_tables(RULES.values(), lists).items():
        [column], *rows = csv.reader(text.splitlines())
        found[f"%{name}.{column}"] = [row[0] for row in rows]
    found["%mulesoft_known_addresses.address"] += addresses
    return found


def fired_by_detect(name: str, entries: list[Entry], lists: dict[str, list[str]]) -> tuple[Fired, set[str]]:
    """Return the entries of each finding, by time and transaction, and the values found."""
    findings = list(Detector([RULES[name]], lists).run(entries))
    fired = {tuple((one.time[:19], one.transaction) for one in finding.entries) for finding in findings}
    return fired, {value for finding in findings for value in finding.values}


def fired_by_yaral(name: str, events: list[dict[str, Any]], lists: dict[str, list[str]], known: set[str]) -> Fired:
    detections = meaning.found(meaning.read(yaral(RULES[name], lists)), events, tables_of(lists, known))
    return {
        tuple((one["metadata"]["event_timestamp"][:19], one["additional"]["transaction_id"]) for one in events)
        for events in detections
    }


def assert_the_same(
    name: str, entries: list[Entry], events: list[dict[str, Any]], lists: dict[str, list[str]]
) -> Fired:
    here, values = fired_by_detect(name, entries, lists)
    known = {address for event in events for address in event.get("principal", {}).get("ip", ())} - values
    there = fired_by_yaral(name, events, lists, known)
    if RULES[name].new:  # a data table does not learn: each token from the new address is a detection
        assert here <= there
        assert bool(here) == bool(there)
    else:
        assert there == here
    return here


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_rule_s_yaral_finds_in_its_cases_what_detect_finds(case: Case):
    entries = in_order(case.entries)
    fired = assert_the_same(case.rule, entries, [ingested(one.line) for one in entries], case.lists)
    assert bool(fired) == bool(case.findings)


def test_a_word_on_the_second_line_of_a_value_is_found_by_both():
    grant = {"action": "Permissions change", "type": "Resource", "object": "org", "user": "bo", "by": "ana"}
    line = entry(grant | {"properties": {"any": "first line\norg admin"}}, 1_795_000_000_000, 0)
    assert assert_the_same("privileged-role-granted", in_order([line]), [ingested(line)], {})
    assert "/(?s)(^|[^A-Za-z])(admin" in yaral(RULES["privileged-role-granted"], {})


WORDS = sorted(
    {
        text
        for rule in RULES.values()
        for step in rule.steps
        for one in (*step.where, *step.unless)
        for value in one.values()
        for text in (value if isinstance(value, list) else [value])
        if isinstance(text, str)
    }
    | {"User", "ana", "Ana", "ci", "10.1.2.3", "192.0.2.1", "org admin", "OWNER", "invalid_client", "Production"}
    | {"x Failure ", "Anypoint Staff"}
)
words = st.sampled_from(WORDS)
maybe = words | st.none()
OF_OBJECTS = ("objectType", "objectId", "objectName", "environmentName", "environmentId")
inner = (
    maybe | st.booleans() | st.integers(0, 9) | st.lists(words, max_size=2) | st.dictionaries(words, words, max_size=2)
)
properties = st.dictionaries(st.sampled_from(["clientIP", "client_ip", "a"]), inner, max_size=2)
some_entries = st.fixed_dictionaries(
    {"timestamp": st.just(1_795_000_000_000), "action": words},
    optional={
        "objects": st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(OF_OBJECTS, maybe)), max_size=3),
        "payload": st.fixed_dictionaries({}, optional={"subaction": maybe, "properties": properties, "a": inner}),
        "failed": st.booleans() | st.none(),
        **dict.fromkeys(("platform", "userId", "userName", "clientId", "clientName", "subaction"), maybe),
    },
)


@settings(max_examples=150)
@given(some_entries)
def test_an_entry_counts_for_the_same_steps_in_yaral_and_in_detect(document: dict[str, Any]):
    line = json.dumps(document).encode()
    event, tables = ingested(line), tables_of(LISTS)
    here = {(seen[1], seen[2]) for seen in Matcher(list(RULES.values()), LISTS).seen([(7, ORGANIZATION, line)])}
    there = {
        (number, place)
        for number, rule in enumerate(RULES.values())
        for place, step in enumerate(rule.steps)
        if meaning.counts(written(rule.id), step.name, event, tables)
    }
    assert there == here


@cache
def written(name: str) -> meaning.Rule:
    """Return a rule's text, read again."""
    return meaning.read(yaral(RULES[name], LISTS))


def later(line: bytes, number: int) -> bytes:
    """Return an entry of a case put off, so that no case mixes with another."""
    document = json.loads(line)
    document["timestamp"] += number * 4 * 86_400_000
    return json.dumps(document).encode()


@cache
def everything() -> tuple[list[Entry], list[dict[str, Any]]]:
    """Return the entries of all cases and of the simulator's incident, and their events."""
    lines = [later(line, number) for number, case in enumerate(cases()) for line in case.entries]
    world = World(Scenario(now=1_794_000_000, days=1, groups=2, entries_per_day=150, huge=0))
    told = [body for log in world.logs.values() for body in log.bodies(range(len(log)), current_names=False)]
    entries = in_order([*lines, *told])
    return entries, [ingested(one.line) for one in entries]


@every_rule
def test_a_rule_s_yaral_finds_in_all_entries_what_detect_finds(name: str):
    entries, events = everything()
    assert entries[0].organization == ORGANIZATION
    assert assert_the_same(name, entries, events, {})


@every_rule
def test_every_field_is_one_of_udm_and_every_enum_one_of_its_names(name: str):
    rule = meaning.read(yaral(RULES[name], LISTS))
    nodes = [rule.events, rule.outcome, list(rule.placeholders.values())]
    paths = {path for _, path in re.findall(r"(\$\w+)\.([\w.]+)", yaral(RULES[name], LISTS))}
    assert nodes
    assert "metadata.log_type" in paths
    for path in paths:
        _field(path)
    for path, text in re.findall(r'\$\w+\.([\w.]+) = "([A-Z_]+)"(?! nocase)', yaral(RULES[name], LISTS)):
        enum = _field(path).enum_type
        assert path == "metadata.log_type" or text in enum.values_by_name, f"{path} is never {text}"


def _field(path: str) -> Any:
    message, found = DESCRIPTOR, None
    for part in path.split("."):
        assert message is not None, path
        if message.full_name == "google.protobuf.Struct":
            assert part == "fields"
            return None
        found = message.fields_by_name.get(part)
        assert found is not None, f"{path} is no field of UDM"
        message = found.message_type
    return found


@every_rule
def test_another_reader_of_yaral_takes_the_text(name: str):
    text = yaral(RULES[name], LISTS)
    assert YaraLParser(text).parse().rules


@every_rule
def test_a_text_keeps_to_google_s_style_and_limits(name: str):
    text = yaral(RULES[name], LISTS)
    rule = meaning.read(text)
    assert {"author", "description", "rule_id", "rule_name", "type", "data_source", "severity", "priority"} <= set(
        rule.meta
    )
    assert re.fullmatch(r"mr_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", rule.meta["rule_id"])
    assert "\t" not in text
    assert len(rule.outcome) <= 20
    assert rule.window <= 48 * 3600
    aggregated = all(one[0] == "call" for one in rule.outcome.values())
    assert aggregated == bool(rule.match), "with a match section every outcome is an aggregate, and only then"
    variables = {*rule.events, *rule.placeholders}
    assert not variables & set(rule.outcome)
    assert len(variables) == len(rule.events) + len(rule.placeholders)


def test_a_list_that_is_empty_is_left_out_and_one_that_is_not_is_a_table():
    assert "%" not in yaral(RULES["queue-purged"], {})
    passed = "not $purge.principal.user.user_display_name in %mulesoft_deployers.name nocase"
    assert passed in yaral(RULES["queue-purged"], {"deployers": ["CI"]})
    assert data_tables([RULES["queue-purged"]], {"deployers": ["CI", 'a"b']}) == {
        "mulesoft_deployers": 'name\n"a""b"\nci\n'
    }
    known = {"known_addresses": ["203.0.113.7", "10.1.2.3/8", "10.0.0.0/8", "2001:DB8::1"]}
    assert data_tables([RULES["token-from-new-ip"]], known) == {
        "mulesoft_known_addresses": "address\n10.0.0.0/8\n2001:db8::1/128\n203.0.113.7/32\n"
    }
    assert data_tables([RULES["token-from-new-ip"]], {}) == {"mulesoft_known_addresses": "address\n"}


def test_the_page_about_the_parser_names_fields_of_udm():
    page = Path(__file__).parent.parent.parent / "docs" / "parser.md"
    paths = re.findall(
        r"`((?:metadata|principal|target|about|security_result|additional)\.[a-z_.]+)`", page.read_text()
    )
    assert len(paths) > 20
    for path in paths:
        _field(path)
