"""What is there already: the bucket for the state, and what somebody made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.cloud.deploy.harness import Bench, deployment
from tests.terraform.workspace import MODULE

from mulesoft_audit.cloud.deploy.existing import places, refuse, settled, unknown
from mulesoft_audit.cloud.deploy.state_bucket import exists, make, named, state_bucket
from mulesoft_audit.doctor.google import NEEDED
from mulesoft_audit.errors import DeploymentError, PermissionMissing, UsageError

NAME = "acme-logs-mulesoft-audit-tfstate"
FUNCTION = "projects/acme-logs/locations/europe-west3/functions/mulesoft-audit-collector"


# The state's bucket.


def test_the_bucket_is_private_versioned_and_of_the_project(empty: Bench) -> None:
    google = empty.google()
    assert not exists(google, "acme-logs", NAME)
    make(google, "acme-logs", NAME, "europe-west3")
    assert exists(google, "acme-logs", NAME)
    made = empty.world.things[f"b/{NAME}"]
    assert (made["location"], made["versioning"]) == ("EUROPE-WEST3", {"enabled": True})
    assert made["iamConfiguration"] == {
        "uniformBucketLevelAccess": {"enabled": True},
        "publicAccessPrevention": "enforced",
    }


def test_a_bucket_that_somebody_else_made_under_its_name_is_not_used(empty: Bench) -> None:
    empty.world.elsewhere.add(NAME)
    google = empty.google()
    assert not exists(google, "acme-logs", NAME)
    with pytest.raises(DeploymentError, match="belongs to another project") as failed:
        make(google, "acme-logs", NAME, "europe-west3")
    assert "--state BUCKET" in failed.value.hint


def test_an_answer_that_was_lost_is_no_conflict(empty: Bench) -> None:
    empty.plane.faults = {1: "lose"}
    make(empty.google(), "acme-logs", NAME, "europe-west3")
    assert f"b/{NAME}" in empty.world.things


def test_where_the_state_is_kept() -> None:
    assert (
        named(None, "example.com:acme") == state_bucket("example.com:acme") == "example-com-acme-mulesoft-audit-tfstate"
    )
    assert named("gs://mine/", "p") == named("mine", "p") == "mine"
    assert named("local", "p") == ""
    with pytest.raises(UsageError):
        named("gs://mine/folder", "p")


# What was made by hand.


def test_nothing_is_there_in_a_new_project(empty: Bench) -> None:
    assert unknown(empty.google(), empty.config, []) == []
    refuse([])


def test_what_terraform_knows_is_not_looked_for(bench: Bench) -> None:
    known = {place.full for place in places(bench.config)}
    assert unknown(bench.google(), bench.config, known) == []
    assert bench.world.log == []
    missing = "module.collector.google_pubsub_topic.trigger"
    (found,) = unknown(bench.google(), bench.config, known - {missing})
    assert (found.imported.address, found.imported.id) == (missing, "projects/acme-logs/topics/mulesoft-audit-trigger")
    with pytest.raises(DeploymentError, match="topic projects/acme-logs/topics/mulesoft-audit-trigger"):
        refuse([found])


@pytest.mark.parametrize("key", ["bucket", "source_bucket"])
def test_a_bucket_of_another_project_that_is_open_to_all_is_never_taken_over(empty: Bench, key: str) -> None:
    """Its name can be guessed: somebody may have made it first, and wait for logs, or for the function's source."""
    name = empty.config.names[key]
    empty.world.elsewhere.add(name)
    empty.world.things[f"b/{name}"] = {"name": name, "location": "EU"}
    with pytest.raises(DeploymentError, match=f"{name} belongs to another project"):
        unknown(empty.google(), empty.config, [])


def test_an_address_is_one_of_the_module() -> None:
    text = "\n".join(file.read_text() for file in MODULE.glob("*.tf"))
    for place in places(deployment()):
        kind, name = place.address.split(".")
        start = text.index(f'resource "{kind}" "{name}" {{')
        body = text[start : text.index("\n}\n", start)]
        assert ("\n  count = " in body) is place.many, place.address
    other = deployment(existing_bucket="b-elsewhere", existing_secret="projects/p/secrets/s")
    assert {place.address for place in places(deployment())} - {place.address for place in places(other)} == {
        *("google_storage_bucket.archive", "google_secret_manager_secret.client")
    }


def test_a_function_with_an_event_trigger_cannot_be_taken_over(bench: Bench) -> None:
    bench.world.things[FUNCTION]["eventTrigger"] = {"pubsubTopic": "t"}
    with pytest.raises(DeploymentError, match="has an event trigger") as failed:
        unknown(bench.google(), bench.config, [])
    assert "gcloud functions delete mulesoft-audit-collector --region europe-west3" in failed.value.hint


def test_a_bucket_that_is_somebody_elses_is_explained(empty: Bench) -> None:
    empty.world.elsewhere.add(empty.config.bucket)
    with pytest.raises(PermissionMissing, match=r"storage\.buckets\.get") as failed:
        unknown(empty.google(), empty.config, [])
    assert "choose another --bucket" in failed.value.hint


def test_what_cannot_be_changed_stays_as_it_is(bench: Bench) -> None:
    assert settled(bench.google(), bench.config) == bench.config
    bench.world.things[f"b/{bench.config.bucket}"]["location"] = "EU"
    bench.world.things[bench.config.secret]["replication"] = {"automatic": {}}
    assert settled(bench.google(), bench.config).arguments == {"bucket_location": "EU", "secret_locations": []}
    said = replace(bench.config, arguments={"bucket_location": "US", "secret_locations": ["us-east1"]})
    assert settled(bench.google(), said) == said


def test_the_apis_that_the_doctor_looks_for_are_those_that_the_module_switches_on() -> None:
    text = (MODULE / "services.tf").read_text()
    listed = text[text.index("toset(concat(") : text.index("var.static_egress_ip")]
    assert sorted(NEEDED) == sorted(line.split('"')[1] for line in listed.splitlines() if '.googleapis.com"' in line)
