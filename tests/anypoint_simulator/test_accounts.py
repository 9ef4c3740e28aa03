from __future__ import annotations

import base64

import pytest
from tests.anypoint_simulator.client import TOKEN_PATH, Client, read, simulated

from anypoint_simulator import Behaviour

REVOKE = "/accounts/api/v2/oauth2/revoke"
ME = "/accounts/api/me"


def test_a_token_is_had_with_json(client: Client) -> None:
    answer = client.ask_token().json()
    assert answer["token_type"] == "bearer"
    assert answer["expires_in"] == 3600
    assert len(answer["access_token"]) == 36


def test_a_token_is_had_with_a_form(client: Client) -> None:
    known = client.anypoint
    fields = {"grant_type": "client_credentials", "client_id": known.client_id, "client_secret": known.client_secret}
    answer = client.http.request("POST", known.url + TOKEN_PATH, fields=fields, encode_multipart=False)
    assert answer.status == 200


def test_a_token_is_had_with_basic_credentials(client: Client) -> None:
    known = client.anypoint
    basic = base64.b64encode(f"{known.client_id}:{known.client_secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    body = b"grant_type=client_credentials&scope=full"
    assert client.http.request("POST", known.url + TOKEN_PATH, headers=headers, body=body).status == 200


@pytest.mark.parametrize("changes", [{"client_secret": "wrong"}, {"client_id": "wrong"}, {"client_secret": "ü"}])
def test_wrong_credentials_are_refused_as_an_invalid_client(reader: Client, changes: dict[str, str]) -> None:
    answer = reader.ask_token(**changes)
    assert answer.status == 401
    assert answer.json()["error"] == "invalid_client"


def test_broken_basic_credentials_are_refused(reader: Client) -> None:
    answer = reader.http.request("POST", reader.anypoint.url + TOKEN_PATH, headers={"Authorization": "Basic %%%"})
    assert answer.status == 401


def test_another_grant_is_refused(reader: Client) -> None:
    answer = reader.ask_token(grant_type="password")
    assert (answer.status, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_expires_in_may_be_missing(client: Client) -> None:
    client.anypoint.change(expires_in=False)
    assert "expires_in" not in client.ask_token().json()


def test_a_token_ends_with_its_lifetime(client: Client) -> None:
    client.anypoint.change(token_seconds=2.5)
    client.log_in()
    client.clock.now += 2
    assert client.send("GET", ME).status == 200
    client.clock.now += 1
    assert client.send("GET", ME).status == 401
    assert client.post(client.anypoint.root).status == 401


def test_a_revoked_token_is_refused(client: Client) -> None:
    answer = client.http.request(
        "POST", client.anypoint.url + REVOKE, fields={"token": client.token}, encode_multipart=False
    )
    assert answer.status == 200
    assert client.send("GET", ME).status == 401


def test_all_tokens_can_be_revoked_by_somebody_else(client: Client) -> None:
    client.anypoint.revoke_tokens()
    assert client.send("GET", ME).status == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic dXNlcjpwYXNz", "nonsense"])
def test_without_a_good_token_nothing_is_told(reader: Client, header: str) -> None:
    for method, path in (("GET", ME), ("POST", f"/audit/v2/organizations/{reader.anypoint.root}/query")):
        answer = reader.http.request(method, reader.anypoint.url + path, headers={"Authorization": header})
        assert answer.status == 401


def test_each_token_leaves_an_entry_in_the_root() -> None:
    with simulated(behaviour=Behaviour()) as client:
        before = len(client.truth(client.anypoint.root))
        for _ in range(3):
            client.log_in()
        added = [e for e in client.truth(client.anypoint.root) if e.get("clientId") == client.anypoint.client_id]
        assert len(client.truth(client.anypoint.root)) == before + 3
        assert added[-1]["action"].lower() == "login"
        assert added[-1]["payload"]["subaction"] == "Token"
        assert added[-1]["timestamp"] == int(client.clock.now * 1000)
        assert added[-1] in client.everything(client.anypoint.root)


@pytest.mark.parametrize("status", ["403", "429"])
def test_at_the_cap_of_active_tokens_the_next_is_refused(status: str) -> None:
    with simulated(behaviour=Behaviour(token_cap=2, over_cap=status, token_seconds=60)) as client:
        assert [client.ask_token().status for _ in range(3)] == [200, 200, int(status)]
        assert client.anypoint.counters.active_tokens == 2
        client.clock.now += 61
        assert client.ask_token().status == 200


def test_at_the_cap_the_oldest_token_may_stop_working() -> None:
    with simulated(behaviour=Behaviour(token_cap=2, over_cap="evict")) as client:
        oldest = client.log_in()
        client.log_in()
        newest = client.log_in()
        client.token = oldest
        assert client.send("GET", ME).status == 401
        client.token = newest
        assert client.send("GET", ME).status == 200


def test_me_names_the_client_the_user_and_the_root(reader: Client) -> None:
    me = read(reader.send("GET", ME).data)
    assert me["client"]["org_id"] == me["user"]["organization"]["id"] == reader.anypoint.root
    assert {item["id"] for item in me["user"]["memberOfOrganizations"]} == set(reader.anypoint.organizations)


def test_me_may_lack_the_user_or_the_organization_or_refuse(client: Client) -> None:
    client.anypoint.change(me="no-user", me_client_org_id=False)
    assert "user" not in (me := read(client.send("GET", ME).data))
    assert "org_id" not in me["client"]
    client.anypoint.change(me="refused")
    assert client.send("GET", ME).status == 401


def walk(node: dict) -> list[str]:
    """Return the ids of a hierarchy."""
    return [node["id"], *(found for child in node["subOrganizations"] for found in walk(child))]


def test_the_hierarchy_nests_every_group(reader: Client) -> None:
    answer = reader.send("GET", f"/accounts/api/organizations/{reader.anypoint.root}/hierarchy")
    assert sorted(walk(read(answer.data))) == sorted(reader.anypoint.organizations)


def test_an_organization_says_who_is_above_and_below(reader: Client) -> None:
    root, group, grandchild = reader.anypoint.organizations[:3]
    found = {key: read(reader.send("GET", f"/accounts/api/organizations/{key}").data) for key in (root, grandchild)}
    assert found[root]["isMaster"]
    assert not found[grandchild]["isMaster"]
    assert found[grandchild]["parentOrganizationIds"] == [root, group]
    assert set(found[root]["subOrganizationIds"]) == set(reader.anypoint.organizations[1:])


def test_environments_are_listed(reader: Client) -> None:
    answer = read(reader.send("GET", f"/accounts/api/organizations/{reader.anypoint.root}/environments").data)
    assert answer["total"] == len(answer["data"]) == 3
    assert sum(item["isProduction"] for item in answer["data"]) == 1


def test_the_hierarchy_may_be_forbidden(client: Client) -> None:
    client.anypoint.change(hierarchy_forbidden=True)
    assert client.send("GET", f"/accounts/api/organizations/{client.anypoint.root}/hierarchy").status == 403
    assert client.send("GET", f"/accounts/api/organizations/{client.anypoint.root}").status == 200


def test_an_audit_log_may_be_forbidden_for_one_group(client: Client) -> None:
    group = client.anypoint.organizations[1]
    client.anypoint.change(forbidden=[group])
    assert client.post(group).status == 403
    assert client.post(client.anypoint.root).status == 200


@pytest.mark.parametrize("path", ["/accounts/api/organizations/{}", "/accounts/api/organizations/{}/hierarchy"])
def test_an_unknown_organization_is_not_found(reader: Client, path: str) -> None:
    assert reader.send("GET", path.format("no-such")).status == 404
    assert reader.post("no-such").status == 404


@pytest.mark.parametrize(
    ("kind", "start"), [("json", b'{"name"'), ("text", b"Organization"), ("html", b"<html>"), ("empty", b"")]
)
def test_error_bodies_are_of_the_chosen_kind(client: Client, kind: str, start: bytes) -> None:
    client.anypoint.change(error_bodies=kind)
    answer = client.post("no-such")
    assert answer.status == 404
    assert answer.data.startswith(start)
    assert bool(answer.data) is (kind != "empty")
