"""Who builds, and Google's own accounts: there, with what they need, or named with the command that helps."""

from __future__ import annotations

import pytest
from tests.cloud.deploy.harness import Bench, deployment
from tests.control_plane.world import NUMBER

from mulesoft_audit.doctor.finding import Finding, State, examine
from mulesoft_audit.doctor.google import Cloud
from mulesoft_audit.doctor.roles import AGENT, BUILDS, Roles

PROJECT = "projects/acme-logs"
PUBSUB, SCHEDULER = (
    f"service-{NUMBER}@{AGENT[name][0]}.iam.gserviceaccount.com" for name in ("pubsub", "cloudscheduler")
)


def looked(bench: Bench, *, absent: bool = False) -> dict[str, Finding]:
    cloud = Cloud(bench.google, bench.config)
    if absent:
        del bench.world.things[f"{bench.config.parent}/functions/{bench.config.function}"]
    cloud.check_function()
    roles = Roles(cloud)
    return {one.name: one for one in examine(roles.checks())}


def revoke(bench: Bench, thing: str, role: str, who: str = "") -> None:
    bindings = bench.world.policies[thing]["bindings"]
    bindings[:] = [
        one for one in bindings if one["role"] != role or (who and f"serviceAccount:{who}" not in one["members"])
    ]


def test_all_of_them_hold_what_they_need(bench: Bench) -> None:
    assert {one.state for one in looked(bench).values()} == {State.OK}


@pytest.mark.parametrize("role", BUILDS)
def test_an_account_that_may_not_build_is_named_with_the_role(bench: Bench, role: str) -> None:
    revoke(bench, PROJECT, role)
    found = looked(bench)["roles: build"]
    assert (found.state, found.exit_code) == (State.FAIL, 7)
    assert found.detail == f"mulesoft-build-sa@acme-logs.iam.gserviceaccount.com lacks {role} on the project"
    assert "mulesoft-audit deploy" in found.hint


def test_an_account_of_ones_own_that_may_not_build_is_to_be_granted_its_roles(bench: Bench) -> None:
    who = "b@other.iam.gserviceaccount.com"
    bench.config = deployment(arguments={"build_service_account": who})
    found = looked(bench)["roles: build"]
    assert f"{who} lacks {', '.join(BUILDS)}" in found.detail
    for role in BUILDS:
        command = f"gcloud projects add-iam-policy-binding acme-logs --member serviceAccount:{who} --role {role}"
        assert command in found.hint


def test_a_function_that_the_default_account_built_is_held_against_that_account(bench: Bench) -> None:
    function = bench.world.things[f"{bench.config.parent}/functions/{bench.config.function}"]
    del function["buildConfig"]
    default = f"{NUMBER}-compute@developer.gserviceaccount.com"
    found = looked(bench)["roles: build"]
    assert (found.state, found.detail.split(" lacks ")[0]) == (State.FAIL, default)
    assert f"--member serviceAccount:{default} --role roles/logging.logWriter" in found.hint
    editor = {"role": "roles/editor", "members": [f"serviceAccount:{default}"]}
    bench.world.policies[PROJECT]["bindings"].append(editor)
    assert looked(bench)["roles: build"].state is State.OK


def test_a_condition_on_what_the_build_may_read_is_fine(bench: Bench) -> None:
    for one in bench.world.policies[PROJECT]["bindings"]:
        if one["role"] == "roles/storage.objectViewer":
            one["condition"] = {"title": "build", "expression": '!resource.name.startsWith("x")'}
    assert looked(bench)["roles: build"].state is State.OK


@pytest.mark.parametrize("service", sorted(AGENT))
def test_a_service_agent_that_does_not_show_is_named_with_what_makes_it(bench: Bench, service: str) -> None:
    domain, role = AGENT[service]
    revoke(bench, PROJECT, role)
    found = looked(bench)["service agents"]
    assert found.state is State.WARN
    who = f"service-{NUMBER}@{domain}.iam.gserviceaccount.com"
    assert who in found.detail
    assert f"gcloud beta services identity create --service {service}.googleapis.com --project acme-logs" in found.hint
    assert f"--member serviceAccount:{who} --role {role}" in found.hint


def test_before_the_first_deployment_no_service_agent_is_missed(bench: Bench) -> None:
    for _, role in AGENT.values():
        revoke(bench, PROJECT, role)
    found = looked(bench, absent=True)
    assert {one.state for one in found.values()} == {State.SKIPPED}
    assert "gcp-sa-pubsub" in found["service agents"].detail
    assert list(found) == ["roles", "roles: build", "service agents"]


def test_before_it_an_account_of_ones_own_that_builds_is_looked_at(bench: Bench) -> None:
    bench.config = deployment(arguments={"build_service_account": "b@other.iam.gserviceaccount.com"})
    assert looked(bench, absent=True)["roles: build"].state is State.FAIL


def test_a_role_on_the_project_stands_in_for_that_on_the_single_thing(bench: Bench) -> None:
    revoke(bench, f"{PROJECT}/topics/mulesoft-audit-trigger", "roles/pubsub.publisher", SCHEDULER)
    assert looked(bench)["roles: schedule"].state is State.OK
    revoke(bench, PROJECT, AGENT["cloudscheduler"][1])
    found = looked(bench)["roles: schedule"]
    assert (found.state, found.detail.split(" on ")[0]) == (State.FAIL, f"{SCHEDULER} lacks roles/pubsub.publisher")


def test_in_an_old_project_pubsub_needs_to_be_let_sign(bench: Bench) -> None:
    push = f"{PROJECT}/serviceAccounts/mulesoft-push-sa@acme-logs.iam.gserviceaccount.com"
    revoke(bench, PROJECT, AGENT["pubsub"][1])
    assert looked(bench)["roles: delivery"].state is State.OK, "it is, on the account"
    revoke(bench, push, "roles/iam.serviceAccountTokenCreator")
    found = looked(bench)["roles: delivery"]
    assert found.state is State.FAIL
    assert f"{PUBSUB} lacks roles/iam.serviceAccountTokenCreator" in found.detail


@pytest.mark.parametrize(
    ("thing", "role"),
    [
        ("topics/mulesoft-audit-trigger-dead-letter", "roles/pubsub.publisher"),
        ("subscriptions/mulesoft-audit-trigger-push", "roles/pubsub.subscriber"),
    ],
)
def test_what_cannot_be_delivered_has_to_be_set_aside(bench: Bench, thing: str, role: str) -> None:
    revoke(bench, f"{PROJECT}/{thing}", role)
    found = looked(bench)["roles: dead letters"]
    assert found.state is State.FAIL
    assert f"{PUBSUB} lacks {role}" in found.detail
    assert thing in found.detail


def test_who_may_not_read_the_projects_roles_is_told_so(bench: Bench) -> None:
    bench.plane.refusals["cloudresourcemanager"] = (403, {"message": "The caller does not have permission"})
    found = looked(bench)
    for name in ("roles: build", "service agents"):
        assert found[name].state is State.SKIPPED
        assert "roles/iam.securityReviewer" in found[name].hint
    assert found["roles: bucket"].state is State.OK


def test_where_the_api_that_tells_is_off_the_command_is_said(bench: Bench) -> None:
    bench.world.enabled.remove("cloudresourcemanager.googleapis.com")
    found = looked(bench)["service agents"]
    assert found.state is State.SKIPPED
    assert "gcloud services enable cloudresourcemanager.googleapis.com" in found.hint
