"""The collector against the bundled Anypoint, with each of its unknowns either way."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.archives import collect, lines

from anypoint_simulator import Anypoint, Behaviour, Scenario, World, running

if TYPE_CHECKING:
    from pathlib import Path


def truth(anypoint: Anypoint, organization: str) -> Counter[bytes]:
    return Counter(raw.replace(b"\n", b"").replace(b"\r", b"") for raw in anypoint.truth(organization))


def run(anypoint: Anypoint, archive: Path, *arguments: str) -> None:
    done = collect(
        anypoint.url, archive, *arguments, CLIENT_ID=anypoint.client_id, CLIENT_SECRET=anypoint.client_secret
    )
    assert done.returncode == 0, done.stderr


SCENARIO = Scenario(groups=3, days=2, entries_per_day=150, twins=5, burst=500, odd_json=0.1, huge=1)


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"entry_ids": True},
        {"roll_up": True},
        {"total_cap": 100},
        {"limit_over_200": "refuse"},
        {"total_on_empty_page": False, "cursor_bound_to": "query"},
        {"me_client_org_id": False},
        {"expires_in": False, "gzip": False},
        {"fault_status": 0.05, "fault_reset": 0.02, "fault_cut": 0.02, "fault_html": 0.02, "fault_cut_json": 0.02},
    ],
    ids=lambda switches: ",".join(switches) or "as documented",
)
def test_the_archive_equals_the_source(switches: dict[str, Any], tmp_path: Path) -> None:
    content = {"entry_ids": switches.pop("entry_ids")} if "entry_ids" in switches else {}
    scenario = Scenario(**{name: getattr(SCENARIO, name) for name in ("groups", "days", "entries_per_day")}, **content)
    with running(World(scenario), Behaviour(token_entries=False, **switches)) as anypoint:
        run(anypoint, tmp_path, "--since", "5d")
        run(anypoint, tmp_path)
        for organization in anypoint.organizations:
            assert lines(tmp_path, organization) == truth(anypoint, organization)


def test_twins_bursts_and_odd_entries_arrive_as_they_are(tmp_path: Path) -> None:
    with running(World(SCENARIO), Behaviour(token_entries=False)) as anypoint:
        run(anypoint, tmp_path, "--since", "5d")
        for organization in anypoint.organizations:
            assert lines(tmp_path, organization) == truth(anypoint, organization)


def test_a_rolled_up_log_is_kept_where_it_comes_from_even_if_the_groups_were_found_later(tmp_path: Path) -> None:
    with running(World(SCENARIO), Behaviour(token_entries=False, roll_up=True)) as anypoint:
        run(anypoint, tmp_path, "--since", "5d", "--org", anypoint.root)
        run(anypoint, tmp_path, "--since", "5d")
        everything: Counter[bytes] = Counter()
        for organization in anypoint.organizations:
            everything += truth(anypoint, organization)
        assert lines(tmp_path) == everything


def test_an_entry_keeps_its_identity_when_its_object_is_renamed(tmp_path: Path) -> None:
    with running(World(SCENARIO), Behaviour(token_entries=False, renames=True)) as anypoint:
        run(anypoint, tmp_path, "--since", "5d")
        before = lines(tmp_path)
        run(anypoint, tmp_path, "--since", "5d")
        assert lines(tmp_path) == before
