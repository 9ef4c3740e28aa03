"""The parser for log type MULESOFT, in the emulator: valid UDM for every kind of entry, mapped as documented."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.cases import cases, entry
from tests.secops.cbn.run import Dropped, Parser
from tests.secops.cbn.syntax import For, If, Plugin, Unknown, parse
from tests.secops.cbn.tokens import Failure
from tests.secops.parsing import TEXT, parser, udm

from anypoint_simulator import World
from anypoint_simulator.catalogue import KINDS
from anypoint_simulator.scenario import Scenario, quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.unit
MOMENT = 1_795_161_600_000

#: What an event of a type must have (Google's "Formatting log data as UDM").
REQUIRED = {
    "USER_LOGIN": ("target.user", "extensions.auth"),
    "USER_LOGOUT": ("target.user",),
    "USER_RESOURCE_CREATION": ("principal.user", "target.resource"),
    "USER_RESOURCE_DELETION": ("principal.user", "target.resource"),
    "USER_RESOURCE_UPDATE_CONTENT": ("principal.user", "target.resource"),
    "USER_RESOURCE_UPDATE_PERMISSIONS": ("principal.user", "target.resource"),
    "GENERIC_EVENT": (),
}


def has(event: dict, path: str) -> bool:
    for name in path.split("."):
        if name not in event:
            return False
        event = event[name]
    return True


def assert_sound(event: dict) -> None:
    kind = event["metadata"]["event_type"]
    assert all(has(event, path) for path in REQUIRED[kind]), event
    assert event["metadata"]["vendor_name"] == "MuleSoft"
    assert event["metadata"]["event_timestamp"]


@pytest.mark.parametrize(
    "kind", KINDS, ids=lambda kind: f"{kind.platform}-{kind.types[0]}-{kind.action}-{kind.subaction}"
)
def test_every_kind_of_entry_of_the_catalogue_gives_a_sound_event(kind):
    world = World(quiet(now=MOMENT / 1000))
    forge = world.forge(world.root.id)
    for number in range(3):
        event = udm(forge.make(kind, MOMENT + number).body)
        assert_sound(event)
        wanted = (
            f"{kind.action} - {kind.subaction}" if kind.subaction and kind.platform != "Anypoint MQ" else kind.action
        )
        assert event["metadata"]["product_event_type"].lower() == wanted.lower()


def test_a_whole_world_with_odd_spellings_gives_sound_events():
    world = World(Scenario(now=MOMENT / 1000, days=1, entries_per_day=60, odd_json=0.3, huge_bytes=10_000))
    kinds: Counter[str] = Counter()
    for log in world.logs.values():
        for body in log.bodies(range(len(log)), current_names=False):
            event = udm(body)
            assert_sound(event)
            kinds[event["metadata"]["event_type"]] += 1
    assert set(kinds) == set(REQUIRED)


def test_the_entries_of_every_rule_give_sound_events():
    for case in cases():
        for line in case.entries:
            assert_sound(udm(line))


def test_a_change_is_mapped_as_documented():
    short = {
        "platform": "Runtime Manager",
        "action": "Modify",
        "subaction": "Scaling",
        "type": "Application",
        "object": "orders",
        "environment": "Production",
        "by": "ana",
        "properties": {
            "a": "x",
            "b": 7,
            "c": True,
            "d": [1.5, {"e": "y"}],
            "f": {"g": "z", "h": ["i"]},
            "j": [],
            "k": None,
        },
    }
    assert udm(entry(short, MOMENT, 0)) == {
        "metadata": {
            "vendor_name": "MuleSoft",
            "product_name": "Anypoint Platform",
            "product_event_type": "Modify - Scaling",
            "event_type": "USER_RESOURCE_UPDATE_CONTENT",
            "event_timestamp": "2026-11-20T08:00:00Z",
        },
        "principal": {"user": {"userid": "id-ana", "user_display_name": "ana"}},
        "target": {
            "application": "Runtime Manager",
            "resource": {"resource_subtype": "Application", "product_object_id": "id-orders", "name": "orders"},
        },
        "security_result": [
            {
                "action": ["ALLOW"],
                "detection_fields": [
                    {"key": "payload.a", "value": "x"},
                    {"key": "payload.b", "value": "7"},
                    {"key": "payload.c", "value": "true"},
                    {"key": "payload.d", "value": "1.5"},
                    {"key": "payload.d.e", "value": "y"},
                    {"key": "payload.f.g", "value": "z"},
                    {"key": "payload.f.h", "value": "i"},
                ],
            }
        ],
        "additional": {
            "environment_name": "Production",
            "environment_id": "id-Production",
            "transaction_id": f"{MOMENT}-0",
        },
    }


def test_a_failed_log_in_is_its_user_s():
    event = udm(entry({"action": "Login", "subaction": "Failure", "user": "ana", "by": "ana"}, MOMENT, 0))
    assert event["metadata"]["event_type"] == "USER_LOGIN"
    assert "principal" not in event
    assert event["target"]["user"] == {"userid": "id-ana", "user_display_name": "ana"}
    assert event["security_result"] == [{"action": ["FAIL"], "category": ["AUTH_VIOLATION"]}]


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::9"])
@pytest.mark.parametrize("key", ["clientIP", "client_ip", "remoteIpAddress"])
def test_the_address_of_a_token_is_the_principal_s(address: str, key: str):
    short = {"action": "Login", "subaction": "Token", "type": "Connected Application", "object": "ci", "app": "ci"}
    for properties in ({key: address}, {"connectedApp": {key: address}}):
        event = udm(entry(short | {"properties": properties}, MOMENT, 0))
        assert event["principal"]["ip"] == event["principal"]["asset"]["ip"] == [address]
        assert event["target"]["user"]["account_type"] == "SERVICE_ACCOUNT_TYPE"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7, 10.0.0.1", "192.0.2.7"),
        ("192.0.2.7,10.0.0.1", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0:0::9", "2001:db8::9"),
    ],
)
def test_the_first_of_several_addresses_counts_in_its_one_spelling(text: str, address: str):
    token = {"action": "Login", "subaction": "Token", "type": "Connected Application", "object": "ci", "app": "ci"}
    for properties in ({"clientIP": text}, {"a": {"clientIP": text}}, {"a": [{"clientIP": text}]}):
        event = udm(entry(token | {"properties": properties}, MOMENT, 0))
        assert event["principal"]["ip"] == [address]


def test_what_is_no_address_is_none():
    short = {"action": "Login", "subaction": "Token", "app": "ci", "properties": {"clientIP": "unknown"}}
    assert "principal" not in udm(entry(short, MOMENT, 0))


def test_an_app_acts_as_a_service_account():
    event = udm(entry({"action": "purge", "type": "Queue", "object": "q", "app": "ci"}, MOMENT, 0))
    assert event["principal"] == {
        "application": "ci",
        "user": {"userid": "id-ci", "user_display_name": "ci", "account_type": "SERVICE_ACCOUNT_TYPE"},
    }


def test_a_second_object_is_kept():
    document = json.loads(entry({"action": "Edit", "type": "Contract", "object": "shop", "by": "ana"}, MOMENT, 0))
    document["objects"].append({"objectType": "API version", "objectId": "v1"})
    assert udm(json.dumps(document).encode())["about"] == [
        {"resource": {"resource_subtype": "API version", "product_object_id": "v1"}}
    ]


@pytest.mark.parametrize("line", ["", "{", "[]", "7", "not JSON"])
def test_what_is_no_json_object_is_dropped(line: str):
    with pytest.raises(Dropped):
        parser().run(line)


names = st.text(max_size=5).filter(lambda name: name != "0")  # by that, lists and maps are told apart
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=60)
@given(st.dictionaries(st.text(max_size=8), values, max_size=4))
def test_whatever_the_properties_are_the_event_is_valid(properties: dict):
    document = json.loads(entry({"action": "Modify", "type": "Application", "object": "a", "by": "ana"}, MOMENT, 0))
    document["payload"] = {"properties": properties}
    assert_sound(udm(json.dumps(document).encode()))


HOSTILE = {
    "null": None,
    "text": "t",
    "empty": "",
    "long": "x" * 1_000_000,
    "half": "\ud83d",
    "lines": "a\nb",
    "number": 7,
    "fraction": 1.5,
    "true": True,
    "list": [],
    "of nulls": [None, None],
    "of texts": ["a"],
    "of lists": [[["a"]]],
    "of maps": [{"a": 1}],
    "map": {},
    "of one": {"a": [1, None, []]},
}
HELD = ("objectType", "objectId", "objectName", "environmentName", "environmentId", "parentId", "parentType")
TOP = (
    *("platform", "action", "payload", "failed", "userId", "userName", "clientId", "clientName", "event", "timestamp"),
    *("anypointTransactionId", "organizationId", "subaction", "message", "values", "object"),
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_value_of_any_kind_anywhere_fails_no_line(name: str):
    value = HOSTILE[name]
    plain = json.loads(entry({"action": "Modify", "type": "Application", "object": "a", "by": "ana"}, MOMENT, 0))
    for field in TOP:
        event = udm(json.dumps(plain | {field: value}).encode())
        assert event["metadata"]["vendor_name"] == "MuleSoft"
        assert field == "timestamp" or event["metadata"]["event_timestamp"]
    for field in HELD:
        assert_sound(udm(json.dumps(plain | {"objects": [plain["objects"][0] | {field: value}]}).encode()))
    for payload in ({"properties": value}, {"subaction": value}, {"a": value}, {"properties": {"a": value}}):
        assert_sound(udm(json.dumps(plain | {"payload": payload}).encode()))
    assert_sound(udm(json.dumps(plain | {"objects": [value, value]}).encode()))
    if value is None or isinstance(value, str | list):  # docs/parser.md says what becomes of others
        assert_sound(udm(json.dumps(plain | {"objects": value}).encode()))


@pytest.mark.parametrize(
    "text", [str(MOMENT), "2026-11-20T08:00:00Z", "2026-11-20T09:00:00.000+01:00", "2026-11-20T08:00:00.000Z"]
)
def test_a_time_in_words_is_a_time(text: str):
    plain = json.loads(entry({"action": "Modify", "by": "ana"}, MOMENT, 0)) | {"timestamp": text}
    assert udm(json.dumps(plain).encode())["metadata"]["event_timestamp"] == "2026-11-20T08:00:00Z"


def test_a_transaction_that_is_a_number_is_kept_as_a_text_and_a_list_is_left_out():
    plain = json.loads(entry({"action": "Modify", "by": "ana"}, MOMENT, 0))
    event = udm(json.dumps(plain | {"anypointTransactionId": 7}).encode())
    assert event["additional"] == {"transaction_id": "7"}
    assert "additional" not in udm(json.dumps(plain | {"anypointTransactionId": ["a"]}).encode())


def test_a_subaction_beside_the_payload_is_one_too():
    plain = json.loads(entry({"action": "Login", "by": "ana"}, MOMENT, 0)) | {"subaction": "Failure"}
    for payload, wanted in (({}, "Failure"), ({"subaction": "Token"}, "Token"), ({"subaction": None}, "Failure")):
        event = udm(json.dumps(plain | {"payload": payload}).encode())
        assert event["metadata"]["product_event_type"] == f"Login - {wanted}"


def test_an_object_without_id_and_name_has_its_type():
    plain = json.loads(entry({"action": "Delete", "by": "ana"}, MOMENT, 0))
    event = udm(json.dumps(plain | {"objects": [{"objectType": "API policy"}]}).encode())
    assert event["target"]["resource"] == {"resource_subtype": "API policy"}
    assert event["metadata"]["event_type"] == "GENERIC_EVENT"


def plugins(statements: list[Any]) -> Iterator[Plugin]:
    for one in statements:
        if isinstance(one, If):
            for _, body in one.branches:
                yield from plugins(body)
        elif isinstance(one, For):
            yield from plugins(one.body)
        else:
            yield one


def test_the_emulator_knows_every_construct_of_the_parser_also_where_no_line_comes():
    names: set[str] = set()
    for plugin in plugins(parse(TEXT)):
        settings = {name for name, _ in plugin.settings} - {"on_error"}
        assert plugin.name in {"json", "date", "drop", "mutate"}
        names |= settings if plugin.name == "mutate" else set()
    assert names == {"replace", "merge", "convert", "copy", "gsub", "lowercase", "remove_field"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("filter { ruby { code => 'x' } }", "plugin ruby"),
        ('filter { mutate { join => { "a" => "," } } }', "operation join"),
        ('filter { mutate { convert => { "message" => "hash" } } }', "convert to hash"),
        ('filter { json { source => "message" skip => "x" } }', "setting skip"),
        ('filter { json { source => "message" array_function => "x" } }', "array_function x"),
        ('filter { date { match => ["message", "CCYY"] } }', "time field"),
        ('filter { drop { tag => "TAG_X" } }', "tag TAG_X"),
        ('filter { grok { match => { "message" => "%{NONESUCH:a}" } } }', "grok pattern NONESUCH"),
        ('filter { if [message] =~ "a(?!b)" { } }', "beyond RE2"),
        ("filter { if [a] ~ 'b' { } }", "~"),
        ("filter { mutate { } } more", "more"),
        ("output { }", "output"),
    ],
)
def test_the_emulator_refuses_what_it_does_not_know(text: str, told: str):
    with pytest.raises(Unknown, match=re.escape(told)):
        Parser(text).run("{}")


@pytest.mark.parametrize("condition", ["[flag]", "![flag]", '[flag] == "x"', "[message] == 'x' or [flag]"])
def test_a_token_that_nothing_set_fails_the_line_where_a_condition_looks_at_it(condition: str):
    with pytest.raises(Failure, match=re.escape("[flag] is missing")):
        Parser(f"filter {{ if {condition} {{ }} }}").run("{}")


def test_a_field_of_the_entry_does_not_stand_in_for_a_token_of_the_parser():
    text = TEXT.split("json {")[1]
    own = set(re.findall(r'"([a-z_0-9]+)" => ""', text.split("# Numbers and booleans")[0]))
    assert {"client_ip", "user_name", "event_type", "is_login"} <= own
    plain = json.loads(entry({"action": "Modify", "type": "Application", "object": "a", "by": "ana"}, MOMENT, 0))
    for value in ("192.0.2.66", {"a": "b"}, ["a"]):
        assert udm(json.dumps(plain | dict.fromkeys(own, value)).encode()) == udm(json.dumps(plain).encode())


def test_the_parser_is_written_as_google_s_style_guide_asks():
    assert "statedump" not in TEXT
    assert "\\" not in TEXT
    assert "\t" not in TEXT
    for plugin in plugins(parse(TEXT)):  # of several, Google's engine chooses the order
        assert plugin.name != "mutate" or len({name for name, _ in plugin.settings} - {"on_error"}) == 1, plugin.line
    flags = [line.split('"')[1] for line in TEXT.splitlines() if "on_error" in line]
    assert [flag for flag, count in Counter(flags).items() if count > 1] == []


def test_the_page_about_the_parser_names_its_event_types():
    page = Path(__file__).parent.parent.parent / "docs" / "parser.md"
    assert set(re.findall(r"^\| ?(`[A-Z_]+`(?:, `[A-Z_]+`)*) \|", page.read_text(), re.MULTILINE)) == {
        *("`USER_LOGIN`, `USER_LOGOUT`", "`USER_RESOURCE_UPDATE_PERMISSIONS`", "`USER_RESOURCE_CREATION`"),
        *("`USER_RESOURCE_DELETION`", "`USER_RESOURCE_UPDATE_CONTENT`", "`GENERIC_EVENT`"),
    }
