from __future__ import annotations

import csv
import io

import pytest
from tests.anypoint_simulator.client import NOW, Client, read, simulated

from anypoint_simulator import Behaviour, Scenario


def listed(client: Client, name: str, parameters: str = "") -> dict:
    """Return a list endpoint's answer."""
    answer = client.send("GET", f"/audit/v2/organizations/{client.anypoint.organizations[1]}/{name}{parameters}")
    assert answer.status == 200, answer.data
    return answer.json()


def test_platforms_types_and_actions_cover_every_entry(reader: Client) -> None:
    platforms = {item["name"] for item in listed(reader, "platforms")["data"]}
    types = {item["name"].lower(): item["platforms"] for item in listed(reader, "objectTypes")["data"]}
    actions = {item["name"].lower(): item["objectTypes"] for item in listed(reader, "actions")["data"]}
    for e in reader.truth(reader.anypoint.organizations[1]):
        assert e["platform"] in platforms
        assert e["action"].lower() in actions
        assert all(e["platform"] in types[item["objectType"].lower()] for item in e["objects"])


def test_lists_have_a_total_and_labels(reader: Client) -> None:
    for name in ("platforms", "objectTypes", "actions"):
        answer = listed(reader, name, "?include_internal=false")
        assert answer["total"] == len(answer["data"]) > 10
        assert all(item["label"] for item in answer["data"])


def test_objects_are_found_by_type_platform_id_and_text(reader: Client) -> None:
    everything = listed(reader, "objects")
    assert everything["total"] >= len(everything["data"]) > 20
    first = everything["data"][0]
    assert listed(reader, f"objects?objectId={first['objectId']}")["data"] == [first]
    assert first in listed(reader, "objects", f"?search={first['objectName'][1:6].upper()}&limit=200")["data"]
    queues = listed(reader, "objects?objectType=Application,no-such&platform=Runtime%20Manager")
    assert 0 < queues["total"] < everything["total"]
    assert listed(reader, "objects?platform=no-such") == {"data": [], "total": 0}
    assert listed(reader, "objects?offset=3&limit=2")["data"] == everything["data"][3:5]
    answer = reader.send("GET", f"/audit/v2/organizations/{reader.anypoint.root}/objects?limit=many")
    assert answer.status == 400


def test_retention_is_read_by_all_and_changed_by_the_root_with_notice(client: Client) -> None:
    path = "/audit/v2/organizations/{}/retentionSettings"
    root, group = client.anypoint.organizations[:2]
    assert listed(client, "retentionSettings") == {"data": [{"retentionPeriod": 365, "effectiveFrom": None}]}
    assert client.send("PUT", path.format(group), json={"retentionPeriod": 90}).status == 403
    assert client.send("PUT", path.format(root), json={"retentionPeriod": 29}).status == 400
    changed = client.send("PUT", path.format(root), json={"retentionPeriod": 90}).json()
    assert changed["data"][1] == {"retentionPeriod": 90, "effectiveFrom": "2025-10-11T00:00:00.000Z"}


@pytest.mark.parametrize("name", ["platforms", "objectTypes", "actions", "objects", "retentionSettings"])
def test_lists_are_forbidden_with_the_log(client: Client, name: str) -> None:
    client.anypoint.change(forbidden=[client.anypoint.root])
    assert client.send("GET", f"/audit/v2/organizations/{client.anypoint.root}/{name}").status == 403


def rows(client: Client, **body: object) -> list[dict[str, str]]:
    """Return a CSV answer's rows."""
    path = f"/audit/v2/organizations/{client.anypoint.organizations[1]}/query.csv"
    answer = client.send("POST", path, json={"startDate": 0, **body})
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.data.decode())))


def test_a_csv_has_a_row_for_every_entry_odd_ones_included() -> None:
    scenario = Scenario(now=NOW, odd_json=0.3, huge=0)
    with simulated(scenario, Behaviour(renames=False, token_entries=False)) as client:
        client.log_in()
        entries = client.truth(client.anypoint.organizations[1])
        found = rows(client)
        assert len(found) == len(entries) > 200
        for row, e in zip(found, entries, strict=True):
            assert row["User Name"] == (e["userName"] or "")
            assert row["Action"].startswith(e["action"])
            assert "�" not in row["Object"]
        assert any(row["Action"] == "Modify - Scaling" and row["Product"] == "Runtime Manager" for row in found)


def test_a_csv_pages_by_offset_up_to_its_number_of_rows(client: Client) -> None:
    everything = rows(client)
    assert rows(client, offset=5, limit=7) == everything[5:12]
    client.anypoint.change(csv_rows=10)
    assert rows(client) == everything[:10]


def test_a_csv_may_have_more_rows_than_a_page_has_entries(reader: Client) -> None:
    with simulated(Scenario(now=NOW, huge=0)) as client:
        client.log_in()
        assert len(read(client.post(client.anypoint.organizations[1]).data)["data"]) == 200 < len(rows(client))
