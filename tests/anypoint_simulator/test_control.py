from __future__ import annotations

import json
from typing import Any

import pytest
from tests.anypoint_simulator.client import NOW_MS, Client, entry, read, simulated

from anypoint_simulator import Behaviour


def control(client: Client, name: str, body: Any = None, method: str = "POST") -> Any:
    """Send a control request without a token, and return its answer."""
    answer = client.http.request(method, f"{client.anypoint.url}/simulator/{name}", json=body)
    assert answer.status == 200, answer.data
    return answer


def get(client: Client, name: str) -> Any:
    """Return what a control tells."""
    return control(client, name, method="GET").json()


def test_the_truth_is_told_as_exact_bytes(client: Client) -> None:
    group = client.anypoint.organizations[1]
    answer = control(client, f"truth?organizationId={group}", method="GET")
    assert answer.data == b"".join(body + b"\n" for body in client.anypoint.truth(group))
    moment = client.truth(group)[4]["timestamp"]
    answer = control(client, f"truth?organizationId={group}&startDate={moment}&endDate={moment}", method="GET")
    assert [read(line)["timestamp"] for line in answer.data.splitlines()] == [moment]


def test_the_truth_can_be_told_without_newlines_inside_entries(client: Client) -> None:
    spelled = b'{\n  "timestamp": 3,\r\n  "platform": "a \\n b"\n}'
    client.anypoint.add_entries(client.anypoint.root, [spelled])
    path = f"truth?organizationId={client.anypoint.root}&endDate=3"
    assert control(client, path, method="GET").data == spelled + b"\n"
    lines = control(client, path + "&compact=true", method="GET").data.splitlines()
    assert [read(line) for line in lines] == [read(spelled)]


def test_organizations_are_told_with_their_number_of_entries(client: Client) -> None:
    told = get(client, "organizations")
    assert [item["id"] for item in told] == client.anypoint.organizations
    assert [item["entries"] for item in told] == [len(client.truth(key)) for key in client.anypoint.organizations]


def test_entries_are_added_with_their_exact_bytes_at_once_or_later(client: Client) -> None:
    root = client.anypoint.root
    spelled = b'{"timestamp": 3,\n "n":1.0E+2}'
    body = b'{"organizationId":"%s","entries":[%s]}' % (root.encode(), spelled)
    url = client.anypoint.url + "/simulator/entries"
    assert client.http.request("POST", url, body=body).json() == {"added": 1}
    assert client.anypoint.truth(root, 3, 3) == [spelled]
    control(client, "entries", {"organizationId": root, "entries": [entry(4)], "visibleAfterSeconds": 60})
    assert client.query(root, endDate=4)["total"] == 1
    path = f"truth?organizationId={root}&endDate=4"
    assert len(control(client, path, method="GET").data.splitlines()) == 3
    assert len(control(client, path + "&visible=true", method="GET").data.splitlines()) == 2


def test_switches_are_told_and_changed(client: Client) -> None:
    assert get(client, "behaviour")["total_cap"] == 0
    assert control(client, "behaviour", {"total_cap": 3}).json()["total_cap"] == 3
    assert client.query(client.anypoint.organizations[1])["total"] == 3


def test_objects_are_renamed_and_the_allowance_spent(client: Client) -> None:
    root = client.anypoint.root
    client.anypoint.add_entries(root, [entry(4)])
    control(client, "rename", {"organizationId": root, "objectId": "u-1", "objectName": "new"})
    assert client.query(root, endDate=4)["data"][0]["objects"][0]["objectName"] == "new"
    control(client, "behaviour", {"requests_per_minute": 2})
    control(client, "spend", {"requests": 2})
    assert client.post(root).status == 503
    control(client, "revoke", {})
    client.clock.now += 60
    assert client.post(root).status == 401


def test_counters_are_told(client: Client) -> None:
    client.query(client.anypoint.organizations[1])
    client.post("no-such")
    told = get(client, "counters")
    assert told["requests"] == {"token": {"200": 1}, "query": {"200": 1, "404": 1}}
    assert (told["pages"], told["entries"]) == (1, len(client.truth(client.anypoint.organizations[1])))
    assert (told["tokens_issued"], told["active_tokens"], told["max_in_a_minute"]) == (1, 1, 2)


def test_controls_are_neither_limited_nor_faulty_nor_audited() -> None:
    with simulated(behaviour=Behaviour(requests_per_minute=1, accounts_per_minute=1, fault_html=1)) as client:
        before = client.truth(client.anypoint.root)
        for _ in range(5):
            get(client, "counters")
        assert client.truth(client.anypoint.root) == before
        assert get(client, "counters")["requests"] == {}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("behaviour", {"no_such": 1}),
        ("behaviour", {"fault_reset": 3}),
        ("behaviour", [1]),
        ("entries", {"organizationId": "ROOT", "entries": [{"timestamp": "3"}]}),
        ("entries", {"organizationId": "ROOT", "entries": [1]}),
        ("entries", {"entries": []}),
        ("spend", {"requests": "2"}),
    ],
)
def test_a_malformed_control_is_refused_with_a_reason(client: Client, name: str, body: Any) -> None:
    text = json.dumps(body).replace("ROOT", client.anypoint.root)
    answer = client.http.request("POST", f"{client.anypoint.url}/simulator/{name}", body=text)
    assert answer.status == 400
    assert answer.json()["message"]


@pytest.mark.parametrize("name", ["truth?organizationId=no-such", "truth", "nothing"])
def test_an_unknown_control_or_organization_is_not_found(client: Client, name: str) -> None:
    assert client.http.request("GET", f"{client.anypoint.url}/simulator/{name}").status == 404


def test_counters_and_truth_are_for_programs_in_this_process_too(client: Client) -> None:
    client.query(client.anypoint.root)
    assert client.anypoint.counters.total("query") == 1
    assert client.anypoint.truth(client.anypoint.root, end=NOW_MS) == client.anypoint.truth(client.anypoint.root)
