from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import pytest
import urllib3
from tests.anypoint_simulator.client import Client, simulated

from anypoint_simulator import Behaviour


@pytest.fixture
def group(client: Client) -> str:
    return client.anypoint.organizations[1]


def outcome(client: Client, group: str) -> str:
    """Say in a word what became of one query."""
    try:
        answer = client.post(group)
    except (urllib3.exceptions.HTTPError, ConnectionError) as problem:
        return type(problem).__name__
    if answer.status != 200:
        return str(answer.status)
    try:
        return "ok" if "data" in answer.json() else "no data"
    except ValueError:
        return "not JSON"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("500", "500"),
        ("404", "404"),
        ("reset", "ProtocolError"),
        ("reset_body", "ProtocolError"),
        ("cut", "ProtocolError"),
        ("cut_json", "not JSON"),
        ("html", "not JSON"),
        ("no_data", "no data"),
        ("none", "ok"),
    ],
)
def test_a_scripted_fault_hits_the_next_query_and_only_that(
    client: Client, group: str, fault: str, expected: str
) -> None:
    client.anypoint.change(fault_script=[fault], gzip=False)
    assert [outcome(client, group) for _ in range(2)] == [expected, "ok"]


def test_a_script_is_followed_in_order(client: Client, group: str) -> None:
    client.anypoint.change(fault_script=["none", "503", "html", "502"])
    assert [outcome(client, group) for _ in range(5)] == ["ok", "503", "not JSON", "502", "ok"]
    assert client.anypoint.counters.faults == {"503": 1, "html": 1, "502": 1}


def test_a_cut_body_is_shorter_than_announced(client: Client, group: str) -> None:
    client.anypoint.change(fault_script=["cut"])
    with pytest.raises(urllib3.exceptions.ProtocolError, match="IncompleteRead"):
        client.post(group)


def test_a_reset_amid_the_body_comes_after_the_headers(client: Client, group: str) -> None:
    client.anypoint.change(fault_script=["reset_body"])
    answer = client.send("POST", f"/audit/v2/organizations/{group}/query", json={"startDate": 0}, preload_content=False)
    assert answer.status == 200
    with pytest.raises(urllib3.exceptions.ProtocolError):
        answer.read()


def test_a_cut_json_has_the_announced_length(client: Client, group: str) -> None:
    client.anypoint.change(fault_script=["cut_json"], gzip=False)
    answer = client.post(group)
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_statuses_and_bodies_are_those_allowed(client: Client, group: str) -> None:
    client.anypoint.change(fault_status=1, fault_statuses=[502, 504], fault_bodies=["html", "empty"])
    answers = [client.post(group) for _ in range(40)]
    assert {answer.status for answer in answers} == {502, 504}
    assert {answer.data[:9] for answer in answers} == {b"", b"<!DOCTYPE"}


def test_slow_answers_and_slow_bodies_take_their_time(client: Client, group: str) -> None:
    for fault in ("slow", "slow_body"):
        client.anypoint.change(fault_script=[fault], slow_seconds=0.3)
        started = time.monotonic()
        assert outcome(client, group) == "ok"
        assert 0.25 < time.monotonic() - started < 3


def test_faults_are_drawn_from_their_seed(client: Client, group: str) -> None:
    def run(seed: int) -> list[str]:
        client.anypoint.change(fault_status=0.3, fault_reset=0.2, fault_cut_json=0.2, fault_seed=seed)
        return [outcome(client, group) for _ in range(30)]

    first = run(5)
    assert run(5) == first != run(6)
    assert len(set(first)) >= 4


def test_drawn_faults_may_end_after_a_number(client: Client, group: str) -> None:
    client.anypoint.change(fault_html=1, fault_limit=3)
    assert [outcome(client, group) for _ in range(5)] == ["not JSON"] * 3 + ["ok"] * 2


def test_other_switches_do_not_begin_the_faults_anew(client: Client, group: str) -> None:
    client.anypoint.change(fault_script=["none", "500"])
    assert outcome(client, group) == "ok"
    client.anypoint.change(total_cap=5)
    assert outcome(client, group) == "500"


def test_accounts_endpoints_are_spared_unless_asked_for(client: Client) -> None:
    client.anypoint.change(fault_html=1)
    assert client.send("GET", "/accounts/api/me").headers["Content-Type"].startswith("application/json")
    client.anypoint.change(fault_accounts=True)
    assert client.send("GET", "/accounts/api/me").data.startswith(b"<!DOCTYPE")
    assert client.ask_token().data.startswith(b"<!DOCTYPE")


def test_a_request_that_was_reset_is_counted_as_status_0(client: Client, group: str) -> None:
    client.anypoint.change(fault_script=["reset"])
    outcome(client, group)
    outcome(client, group)
    assert client.anypoint.counters.total("query", 0) == client.anypoint.counters.total("query", 200) == 1


@pytest.mark.parametrize(
    "switches",
    [{"fault_reset": 2}, {"fault_script": ["bang"]}, {"fault_statuses": [200]}, {"no_such_switch": 1}, {"me": "them"}],
)
def test_a_switch_that_cannot_be_is_refused(client: Client, switches: dict[str, Any]) -> None:
    before = client.anypoint.behaviour
    with pytest.raises(msgspec.ValidationError):
        client.anypoint.change(**switches)
    assert client.anypoint.behaviour == before


def test_latency_delays_answers_but_not_each_other() -> None:
    with simulated(behaviour=Behaviour(latency_ms=200)) as client:
        client.log_in()
        import concurrent.futures

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            started = time.monotonic()
            pages = [pool.submit(client.post, client.anypoint.root) for _ in range(8)]
            assert {page.result().status for page in pages} == {200}
        assert 0.2 <= time.monotonic() - started < 1.2
