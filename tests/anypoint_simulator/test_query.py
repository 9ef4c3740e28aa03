from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.anypoint_simulator.client import NOW, NOW_MS, Client, entry, simulated

from anypoint_simulator import quiet
from anypoint_simulator.query import read_date
from anypoint_simulator.refusal import RefusedError

VERSIONED = "&getVersionedObjectsInLogs=true"


@pytest.mark.parametrize(
    "date",
    [
        1485893801250,
        "1485893801250",
        "2017-01-31T20:16:41.250Z",
        "2017-01-31T20:16:41.250",
        "2017-01-31 20:16:41.250",
        "2017-01-31T21:16:41.250+01:00",
        "2017-01-31T20:16:41.250999Z",
    ],
)
def test_dates_are_read_in_every_accepted_spelling(date: object) -> None:
    assert read_date("startDate", date) == 1485893801250


@pytest.mark.parametrize("date", ["", "yesterday", "2017-01-31T20:16:41+00:00Z", 1.5, True, [], "2017-02-31"])
def test_other_dates_are_refused(date: object) -> None:
    with pytest.raises(RefusedError, match="startDate"):
        read_date("startDate", date)


@given(milliseconds=st.integers(-(10**12), 10**13), hours=st.integers(-12, 14))
def test_an_iso_date_is_the_millisecond_it_says_in_any_zone(milliseconds: int, hours: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert read_date("startDate", moment.astimezone(timezone(timedelta(hours=hours))).isoformat()) == milliseconds
    assert read_date("startDate", moment.replace(tzinfo=None).isoformat()) == milliseconds


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"startDate": None},
        {"startDate": "soon"},
        {"startDate": 0, "endDate": "later"},
        {"startDate": 0, "limit": 0},
        {"startDate": 0, "limit": "10"},
        {"startDate": 0, "offset": -1},
        {"startDate": 0, "ascending": "yes"},
        {"startDate": 0, "platforms": "CoreServices"},
        {"startDate": 0, "actions": [1]},
        {"startDate": 0, "failed": "no"},
        {"startDate": 0, "cursor": 7},
        [],
    ],
)
def test_a_malformed_query_is_refused(reader: Client, body: Any) -> None:
    assert reader.post(reader.anypoint.root, body).status == 400


def test_a_body_that_is_not_json_is_refused(reader: Client) -> None:
    path = f"/audit/v2/organizations/{reader.anypoint.root}/query"
    for body in (b"", b"{", b"startDate=0", b'{"startDate":"\xff"}'):
        assert reader.send("POST", path, body=body).status == 400


def test_the_default_is_200_entries_ascending_with_the_total() -> None:
    with simulated(quiet(now=NOW, groups=0, entries_per_day=450)) as client:
        client.log_in()
        page = client.query(client.anypoint.root, "?getVersionedObjectsInLogs=true")
        assert page["data"] == client.truth(client.anypoint.root)[:200]
        assert page["total"] == len(client.truth(client.anypoint.root)) > 200
        assert "cursor" not in page
        assert len(client.query(client.anypoint.root, limit=500)["data"]) == 200
        client.anypoint.change(limit_over_200="refuse")
        assert client.post(client.anypoint.root, {"startDate": 0, "limit": 201}).status == 400
        assert client.post(client.anypoint.root, {"startDate": 0, "limit": 200}).status == 200


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_both_bounds_are_included_in_any_window(reader: Client, data: st.DataObject) -> None:
    group = reader.anypoint.organizations[1]
    entries = reader.truth(group)
    moments = [e["timestamp"] for e in entries]
    bound = st.sampled_from(moments).flatmap(lambda moment: st.sampled_from([moment - 1, moment, moment + 1]))
    start, end = data.draw(bound), data.draw(bound)
    expected = [e for e in entries if start <= e["timestamp"] <= end]
    page = reader.query(group, "?getVersionedObjectsInLogs=true", startDate=start, endDate=end)
    assert page == {"data": expected, "total": len(expected)}
    assert reader.truth(group, start, end) == expected


ODD = entry(
    NOW_MS - 5,
    platform="Anypoint MQ",
    action="purge",
    userId="U-1",
    clientId="C-1",
    anypointTransactionId="T-1",
    failed=True,
    payload={"subaction": "Everything"},
    objects=[
        {"objectType": "Queue", "objectId": "Q-1", "objectName": "q", "environmentId": "E-1", "parentId": "P-1"},
        {"objectType": "Resource", "objectId": "R-1", "objectName": "r"},
    ],
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("platforms", "Anypoint MQ"),
        ("objectTypes", "Queue"),
        ("objectTypes", "Resource"),
        ("actions", "purge"),
        ("objectIds", "Q-1"),
        ("objectIds", "R-1"),
        ("parentIds", "P-1"),
        ("userIds", "U-1"),
        ("clientIds", "C-1"),
        ("environmentIds", "E-1"),
        ("anypointTransactionIds", "T-1"),
        ("subactions", "Everything"),
    ],
)
def test_each_filter_finds_its_entry_whatever_the_casing(name: str, value: str) -> None:
    with simulated(quiet(now=NOW, groups=0, entries_per_day=0)) as client:
        client.log_in()
        root = client.anypoint.root
        client.anypoint.add_entries(root, [entry(NOW_MS - 9), ODD, entry(NOW_MS)])
        assert client.query(root, **{name: [value]})["data"] == [ODD]
        assert client.query(root, **{name: ["other", value.swapcase()]})["total"] == 1
        assert client.query(root, **{name: ["other"]}) == {"data": [], "total": 0}
        assert client.query(root, **{name: []})["total"] == 3
        client.anypoint.change(case_sensitive=True)
        assert client.query(root, **{name: [value.swapcase()]})["total"] == 0
        assert client.query(root, **{name: [value]})["total"] == 1


def test_filters_are_all_required_and_failed_is_one_of_them(client: Client) -> None:
    root = client.anypoint.root
    client.anypoint.add_entries(root, [ODD, {**ODD, "failed": False, "userId": "U-2"}])
    assert client.query(root, actions=["purge"], userIds=["U-2", "U-1"])["total"] == 2
    assert client.query(root, actions=["purge"], userIds=["U-2"])["total"] == 1
    assert client.query(root, actions=["purge"], failed=True)["data"] == [ODD]
    assert client.query(root, actions=["purge"], failed=False, userIds=["U-1"])["total"] == 0
    assert client.query(root, failed=True)["total"] + client.query(root, failed=False)["total"] == len(
        client.truth(root)
    )


def test_entries_without_a_subaction_are_found_as_none(client: Client) -> None:
    group = client.anypoint.organizations[1]
    expected = [e for e in client.truth(group) if not e["payload"].get("subaction")]
    assert client.everything(group, VERSIONED, subactions=["None"]) == expected


def test_a_form_is_as_good_as_json_and_may_carry_the_token(client: Client) -> None:
    path = f"/audit/v2/organizations/{client.anypoint.root}/query"
    form = {"startDate": "0", "platforms": "CoreServices,other", "limit": "5", "ascending": "false", "failed": "true"}
    expected = client.query(client.anypoint.root, platforms=["CoreServices"], limit=5, ascending=False, failed=True)
    assert client.send("POST", path, fields=form, encode_multipart=False).json() == expected
    token, client.token = client.token, ""
    assert client.send("POST", path, fields=form, encode_multipart=False).status == 401
    answer = client.send("POST", path, fields=form | {"accessToken": token}, encode_multipart=False)
    assert answer.json() == expected


def test_entries_come_without_payload_if_asked_for(reader: Client) -> None:
    group = reader.anypoint.organizations[1]
    full, lean = reader.query(group)["data"], reader.query(group, full=False)["data"]
    assert lean == [{name: value for name, value in e.items() if name != "payload"} for e in full]


def test_the_bytes_of_an_entry_are_those_of_the_truth(client: Client) -> None:
    group = client.anypoint.organizations[1]
    spelled = b'{"timestamp":1, "n" : 1.0E+2,"big":18446744073709551617,"t":"\\ud83d \\/","d":{"a":1,"a":2}}'
    client.anypoint.add_entries(group, [spelled])
    assert client.anypoint.truth(group, 1, 1) == [spelled]
    assert client.post(group, {"startDate": 1, "endDate": 1}).data == b'{"data":[' + spelled + b'],"total":1}'


def test_a_parent_does_not_show_its_groups_unless_rolled_up(client: Client) -> None:
    root, group, grandchild = client.anypoint.organizations[:3]
    own = len(client.truth(root))
    assert client.query(root)["total"] == own
    client.anypoint.change(roll_up=True)
    everything = [e for key in client.anypoint.organizations for e in client.truth(key)]
    rolled_up = client.everything(root, VERSIONED)
    assert [e["timestamp"] for e in rolled_up] == sorted(e["timestamp"] for e in everything)
    assert len(rolled_up) == len(everything)
    assert client.query(group)["total"] == len(client.truth(group)) + len(client.truth(grandchild))
    client.anypoint.add_entries(grandchild, [entry(NOW_MS)])
    assert client.query(group)["total"] == len(client.truth(group)) + len(client.truth(grandchild))


def test_unknown_paths_and_methods_are_not_found(reader: Client) -> None:
    root = reader.anypoint.root
    for method, path in (
        ("GET", "/"),
        ("GET", f"/audit/v2/organizations/{root}/query"),
        ("POST", f"/audit/v1/organizations/{root}/query"),
        ("GET", f"/audit/v2/organizations/{root}/users"),
    ):
        assert reader.send(method, path).status == 404
