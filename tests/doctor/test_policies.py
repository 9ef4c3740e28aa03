"""Which organization policies would refuse a deployment."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cloud.deploy.harness import Bench, deployment

from mulesoft_audit.doctor.finding import State
from mulesoft_audit.doctor.policies import Demand, Policies, demands, refused

PLACE, ON = Demand("gcp.resourceLocations", ("europe-west3", "eu")), Demand("iam.disableServiceAccountCreation")
DOMAIN = Demand("iam.allowedPolicyMemberDomains", ("C02h8e9nw",))
KEYS = Demand("gcp.restrictNonCmekServices", ("storage.googleapis.com", "pubsub.googleapis.com"))


def allowing(*values: str) -> dict[str, Any]:
    return {"values": {"allowedValues": list(values)}}


def denying(*values: str) -> dict[str, Any]:
    return {"values": {"deniedValues": list(values)}}


@pytest.mark.parametrize(
    ("demand", "rules", "expected"),
    [
        (PLACE, [], []),
        (PLACE, [{"allowAll": True}], []),
        (PLACE, [{"denyAll": True}], ["europe-west3", "eu"]),
        (PLACE, [allowing("europe-west3", "EU")], []),
        (PLACE, [allowing("is:europe-west3"), allowing("eu")], []),
        (PLACE, [allowing("in:eu-locations")], []),
        (PLACE, [allowing("in:europe-west3-locations", "us-east1")], ["eu"]),
        (PLACE, [allowing("in:europe-west3-locations", "in:low-carbon-locations")], None),
        (PLACE, [allowing("us-east1")], ["europe-west3", "eu"]),
        (PLACE, [allowing("in:us-locations")], ["europe-west3", "eu"]),
        (PLACE, [denying("in:europe-locations")], ["europe-west3"]),
        (PLACE, [{"allowAll": True}, denying("eu")], ["eu"]),
        (PLACE, [allowing("in:eu-locations"), denying("europe-west3")], ["europe-west3"]),
        (Demand("gcp.resourceLocations", ("europe-west6",)), [allowing("in:eu-locations")], ["europe-west6"]),
        (Demand("gcp.resourceLocations", ("europe-west6",)), [allowing("in:europe-locations")], []),
        (ON, [{"enforce": True}], ["on"]),
        (ON, [{"enforce": False}], []),
        (ON, [], []),
        (DOMAIN, [allowing("C0123abcd")], ["C02h8e9nw"]),
        (DOMAIN, [allowing("C0123abcd", "is:C02h8e9nw")], []),
        (DOMAIN, [allowing("principalSet://iam.googleapis.com/organizations/1")], None),
        (KEYS, [denying("storage.googleapis.com", "bigquery.googleapis.com")], ["storage.googleapis.com"]),
    ],
)
def test_what_an_effective_policy_refuses(demand: Demand, rules: list[Any], expected: list[str] | None) -> None:
    assert refused(demand, {"spec": {"rules": rules}}) == expected


def wanted(**changes: Any) -> dict[str, tuple[str, ...]]:
    return {one.constraint: one.values for one in demands(deployment(**changes), feed=False)}


def test_what_is_asked_for_follows_from_the_settings() -> None:
    assert wanted()["gcp.resourceLocations"] == ("europe-west3",)
    elsewhere = {"bucket_location": "EU", "secret_locations": []}
    assert wanted(arguments=elsewhere)["gcp.resourceLocations"] == ("europe-west3", "eu", "global")
    kept = wanted(existing_secret="projects/p/secrets/s", arguments=elsewhere)
    assert kept["gcp.resourceLocations"] == ("europe-west3", "eu")
    assert wanted(arguments={"static_egress_ip": True})["run.allowedVPCEgress"] == ("all-traffic",)
    assert "compute.googleapis.com" in wanted(arguments={"static_egress_ip": True})["gcp.restrictServiceUsage"]
    assert "iam.allowedPolicyMemberDomains" not in wanted()


def found(bench: Bench, *, works: bool = False, feed: bool = True) -> list[tuple[State, str]]:
    findings = Policies(bench.google(), bench.config, feed=feed, works=works).check()
    return [(one.state, f"{one.detail} {one.hint}") for one in findings]


@pytest.mark.parametrize(
    ("constraint", "rules", "words"),
    [
        ("gcp.resourceLocations", [allowing("us-east1")], ["refuses europe-west3", "us-east1", "--region"]),
        ("run.allowedIngress", [allowing("internal-and-cloud-load-balancing")], ["refuses internal;"]),
        ("run.allowedVPCEgress", [allowing("all-traffic")], ["no network at all", "--static-ip"]),
        ("gcp.restrictNonCmekServices", [denying("pubsub.googleapis.com")], ["refuses pubsub.googleapis.com"]),
        ("gcp.restrictServiceUsage", [denying("run.googleapis.com")], ["refuses run.googleapis.com"]),
        ("iam.disableServiceAccountCreation", [{"enforce": True}], ["no service account can be made"]),
        ("iam.allowedPolicyMemberDomains", [allowing("C0123abcd")], ["C02h8e9nw", "allow customer ID"]),
    ],
)
def test_a_policy_in_the_way_is_named_with_who_can_lift_it(
    bench: Bench, constraint: str, rules: list[Any], words: list[str]
) -> None:
    bench.world.constraints[constraint] = rules
    ((state, said),) = found(bench)
    assert state is State.FAIL
    for word in (constraint, *words, "roles/orgpolicy.policyAdmin"):
        assert word in said
    ((state, said),) = found(bench, works=True)
    assert state is State.WARN, "policies are not applied to what is there"
    assert "a change to it would be refused" in said


def test_a_policy_about_members_is_nothing_to_who_has_no_feed(bench: Bench) -> None:
    bench.world.constraints["iam.allowedPolicyMemberDomains"] = [allowing("C0123abcd")]
    assert [state for state, _ in found(bench, feed=False)] == [State.OK]


def test_groups_of_locations_that_nobody_knows_are_pointed_out(bench: Bench) -> None:
    bench.world.constraints["gcp.resourceLocations"] = [allowing("in:low-carbon-locations")]
    ((state, said),) = found(bench)
    assert state is State.WARN
    assert "may refuse europe-west3: allowed is in:low-carbon-locations" in said


def test_a_long_list_is_cut(bench: Bench) -> None:
    bench.world.constraints["gcp.resourceLocations"] = [allowing(*(f"us-east{n}" for n in range(9)))]
    assert "us-east4 and 4 more" in found(bench)[0][1]


def test_who_may_not_look_is_told_how(bench: Bench) -> None:
    bench.plane.refusals["orgpolicy"] = (403, {"message": "Permission 'orgpolicy.policy.get' denied on resource"})
    ((state, said),) = found(bench)
    assert (state, "roles/orgpolicy.policyViewer" in said) == (State.SKIPPED, True)


def test_where_the_api_is_off_it_is_told_how_to_look(bench: Bench) -> None:
    bench.world.enabled.remove("orgpolicy.googleapis.com")
    ((state, said),) = found(bench)
    assert state is State.SKIPPED
    assert "gcloud services enable orgpolicy.googleapis.com --project acme-logs" in said


def test_a_project_of_no_organization_has_no_policies(bench: Bench) -> None:
    bench.plane.refusals["orgpolicy"] = (404, {"message": "not found"})
    assert [state for state, _ in found(bench)] == [State.OK]
