"""The engine: any JSON is taken, and windows are what they are defined to be."""

import json
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.detect.cases import ORGANIZATION, entry, in_order

from mulesoft_audit.detect import windows
from mulesoft_audit.detect.engine import Detector
from mulesoft_audit.detect.event import Event, kind_of, objects_of, read_entry, spelled_kind
from mulesoft_audit.detect.finding import MOST_ENTRIES, Seen
from mulesoft_audit.detect.rule import load_rules
from mulesoft_audit.reading.entry import Entry

pytestmark = pytest.mark.unit
RULES = load_rules()
MINUTE = 60_000


def failures(minutes: list[int], user: str = "ana") -> list[bytes]:
    short = {"action": "Login", "subaction": "Failure", "user": user, "by": user}
    return [entry(short, 1_795_000_000_000 + minute * MINUTE, number) for number, minute in enumerate(minutes)]


def found(lines: list[bytes], *names: str) -> list[tuple[str, int, str, str]]:
    detector = Detector(load_rules(names) if names else RULES)
    return sorted((one.rule, one.count, one.first, one.last) for one in detector.run(in_order(lines)))


@given(st.lists(st.integers(0, 600), max_size=40))
def test_findings_are_the_stretches_of_windows_that_hold_enough(minutes: list[int]):
    minutes = sorted(set(minutes))
    told: list[list[int]] = []
    for start in range(len(minutes) - 4):
        five = minutes[start : start + 5]
        if five[-1] - five[0] > 10:
            continue
        if told and told[-1][-1] in five:
            told[-1] += [minute for minute in five if minute > told[-1][-1]]
        else:
            told.append(list(five))
    counts = [one.count for one in Detector(load_rules(["login-failures"])).run(in_order(failures(minutes)))]
    assert counts == [len(one) for one in told]


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=60))
def test_a_sequence_is_enough_of_the_first_step_and_then_one_of_the_second(steps: list[tuple[int, bool]]):
    rule = load_rules(["failures-then-success"])[0]
    entries = [
        Seen(minute * MINUTE, 0, int(success), ("ana",), "", "", ORGANIZATION, "ana", "", str(number))
        for number, (minute, success) in enumerate(sorted(steps, key=itemgetter(0)))
    ]
    told: list[list[str]] = []
    failed: list[Seen] = []
    for seen in entries:
        before = [one for one in failed if seen.time - rule.window_ms <= one.time < seen.time]
        if not seen.step:
            failed.append(seen)
        elif len(before) >= rule.count:
            told.append([one.transaction for one in [*before[-rule.count :], seen]])
            failed = []
    found = Detector([rule]).findings(entries)
    assert [[one.transaction for one in finding.entries] for finding in found] == told


def test_a_failure_in_the_millisecond_of_the_success_hides_none_of_those_before():
    success = {"action": "Login", "user": "ana", "by": "ana"}
    lines = [*failures([0, 1, 2, 3, 4, 5]), entry(success, 1_795_000_000_000 + 5 * MINUTE, 9)]
    assert [(rule, count) for rule, count, _, _ in found(lines, "failures-then-success")] == [
        ("failures-then-success", 6)
    ]


@pytest.mark.parametrize("name", ["login-failures", "failures-then-success", "token-from-new-ip"])
@pytest.mark.parametrize("of_one", [False, True])
def test_groups_and_values_beyond_number_are_not_all_remembered(
    name: str, of_one: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(windows, "MOST_GROUPS", 50)
    monkeypatch.setattr(windows, "MOST_IN_WINDOW", 50)
    watch = windows.watch(load_rules([name])[0])
    for number in range(1000):
        seen = Seen(number, 0, 0, ("one" if of_one else f"u{number}",), f"v{number}", "", ORGANIZATION, "", "", "")
        list(watch.take(seen))
        held = vars(watch)["_groups"]
        assert len(held) <= 50
        assert all(len(known) <= 50 for known in held.values() if isinstance(known, dict))


def test_a_finding_that_is_crowded_out_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(windows, "MOST_GROUPS", 10)
    lines = failures([0] * 5, "ana") + [line for number in range(50) for line in failures([1], f"u{number}")]
    assert [count for _, count, _, _ in found(lines, "login-failures")] == [5]


def test_a_finding_names_a_hundred_entries_and_counts_all():
    [one] = Detector(load_rules(["login-failures"])).run(in_order(failures([0] * 5000)))
    assert one.count == 5000
    assert len(one.entries) == MOST_ENTRIES


def test_a_finding_goes_on_over_midnight():
    start = 1_795_046_400_000 - 1_795_046_400_000 % 86_400_000
    short = {"action": "Login", "subaction": "Failure", "user": "ana", "by": "ana"}
    lines = [entry(short, start + number * MINUTE, number) for number in range(-3, 3)]
    assert [count for _, count, _, _ in found(lines, "login-failures")] == [6]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"timestamp":1,"payload":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_is_no_entry_is_counted_and_left_out(line: bytes):
    detector = Detector(RULES)
    assert list(detector.run([Entry(1, ORGANIZATION, line)])) == []
    assert detector.matcher.looked_at == 1
    assert detector.matcher.unreadable == 1


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
NAMES = ("platform", "action", "userId", "userName", "clientId", "failed", "objects", "payload", "subaction")


@given(st.dictionaries(st.sampled_from(NAMES), values), st.sampled_from(["Login", "Permissions change", "Delete"]))
def test_fields_of_any_kind_are_taken(fields: dict[str, object], action: str):
    detector = Detector(RULES)
    line = json.dumps({"action": action, **fields, "timestamp": 1.0}).encode()
    list(detector.run([Entry(1, ORGANIZATION, line)]))
    assert detector.matcher.unreadable == 0


def test_an_odd_spelling_is_read_like_a_plain_one():
    plain = {
        "timestamp": 1,
        "action": "Edit",
        "objects": [{"objectType": "Role", "objectName": "Admins"}, {"objectType": "User", "objectId": "u"}],
        "payload": {"subaction": "Add user", "properties": {"b": {}, "a": [1, {"clientIP": "10.0.0.1"}]}},
    }
    odd = json.loads(json.dumps(plain)) | {"timestamp": 1.0}
    odd["payload"]["properties"]["b"]["\ud83d"] = None
    for line in (json.dumps(one).encode() for one in (plain, odd)):
        entry = read_entry(line)
        assert entry
        main, user = objects_of(entry)
        event = Event(entry, line, main, user, *kind_of(spelled_kind(entry, main)))
        assert (event.action, event.subaction, event.type, event.failed) == ("edit", "add user", "role", False)
        assert (event.object_name, event.user, event.actor) == ("admins", "u", "")
        assert event.ip == "10.0.0.1"
        assert event.payload == {"1", "10.0.0.1"}


def test_words_are_found_however_they_are_spelled():
    grant = {"action": "Permissions change", "type": "Resource", "object": "org", "user": "bo", "by": "ana"}
    plain = entry(grant | {"properties": {"any": "Org OWNER"}}, 1_795_000_000_000, 0)
    escaped = plain.replace(b"OWNER", rb"\u004fWNER")
    other = plain.replace(b"OWNER", b"VIEWER")
    assert [len(found([line], "privileged-role-granted")) for line in (plain, escaped, other)] == [1, 1, 0]


@pytest.mark.parametrize(
    ("name", "payload", "unreadable"),
    [
        (b'"\xff"', b"{}", 1),
        (b'"a"', b'{"properties":{"a":"\xff admin"}}', 0),
        (b'"a"', b'{"properties":{"a":"admin","b":1' + b"0" * 5000 + b"}}", 0),
        (b'"a"', b'{"properties":{"a":"admin","b":' + b"[" * 5000 + b"]" * 5000 + b"}}", 1),
    ],
)
def test_text_that_is_no_utf_8_and_values_beyond_reason_end_nothing(name: bytes, payload: bytes, unreadable: int):
    objects = b'[{"objectType":"Role","objectName":' + name + b"}]"
    line = b'{"action":"Permissions change","userName":"admin","objects":' + objects + b',"payload":' + payload + b"}"
    detector = Detector(RULES)
    list(detector.run([Entry(1, ORGANIZATION, line)]))
    assert detector.matcher.unreadable == unreadable
