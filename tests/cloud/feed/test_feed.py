"""The feed: access before it, found by what it reads, created once, changed in place, verified."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from tests.cloud.deploy.harness import INSTANCE, Bench, acting, feed
from tests.control_plane.chronicle import ACCOUNT

from mulesoft_audit.cloud.feed import feed_stack
from mulesoft_audit.cloud.feed.managed import ADOPTED, LABEL, MADE
from mulesoft_audit.cloud.feed.secops import SecOps
from mulesoft_audit.cloud.feed.settings import ON_SUCCESS, FeedSettings
from mulesoft_audit.cloud.feed.verify import FeedReport, verify
from mulesoft_audit.errors import DeploymentError, UsageError

BUCKET = "acme-logs-mulesoft-audit-logs"
URI = f"gs://{BUCKET}/audit/"
PARENT = f"projects/acme-logs/locations/eu/instances/{INSTANCE}"
NEW = ["change access bucket acme-logs-mulesoft-audit-logs (feed)", "create feed MuleSoft Logs"]


def feeds(bench: Bench) -> list[dict[str, Any]]:
    return [thing for name, thing in sorted(bench.world.things.items()) if "/feeds/" in name]


def put(bench: Bench, number: int, uri: str, **changes: Any) -> dict[str, Any]:
    """Put a feed of somebody else's into the tenant."""
    name = f"{PARENT}/feeds/other-{number}"
    settings = {"bucketUri": uri, "sourceDeletionOption": "NEVER", "maxLookbackDays": 30}
    details = {
        "feedSourceType": "GOOGLE_CLOUD_STORAGE_V2",
        "logType": f"projects/123456789012/locations/eu/instances/{INSTANCE}/logTypes/MULESOFT",
        "gcsV2Settings": {**settings, "chronicleServiceAccount": ACCOUNT},
        **changes.pop("details", {}),
    }
    thing = {
        "name": name,
        "displayName": f"other {number}",
        "details": details,
        "state": "ACTIVE",
        "pulls": 0,
        **changes,
    }
    bench.world.things[name] = thing
    return thing


def creates(bench: Bench) -> int:
    return sum(verb == "POST" and path.endswith("/feeds") for verb, path, _, _ in bench.world.log)


def reports(bench: Bench) -> list[FeedReport]:
    secops = SecOps(bench.google(), bench.feed)
    return verify(secops, feed_stack(secops))


def test_the_account_is_granted_both_roles_before_the_feed_is_created(bench: Bench) -> None:
    assert acting(bench.apply()) == NEW
    paths = [path for verb, path, _, _ in bench.world.log if verb in ("POST", "PUT")]
    assert paths[-2].endswith(f"/b/{BUCKET}/iam")
    assert paths[-1] == f"chronicle.eu.rep.googleapis.com/v1/{PARENT}/feeds"
    granted = [
        b["role"]
        for b in bench.world.policies[f"b/{BUCKET}"]["bindings"]
        if f"serviceAccount:{ACCOUNT}" in b["members"]
    ]
    assert sorted(granted) == ["roles/storage.legacyBucketReader", "roles/storage.objectViewer"]


def test_the_body_is_what_the_api_describes(bench: Bench) -> None:
    bench.feed = feed(namespace="prod", labels={"env": "prod"}, max_age_days=7, display_name="Mule")
    bench.apply()
    body = bench.world.log[-1 - next(i for i, entry in enumerate(reversed(bench.world.log)) if entry[0] == "POST")][3]
    assert body == {
        "displayName": "Mule",
        "details": {
            "feedSourceType": "GOOGLE_CLOUD_STORAGE_V2",
            "logType": f"{PARENT}/logTypes/MULESOFT",
            "assetNamespace": "prod",
            "labels": {"env": "prod", LABEL: MADE},
            "gcsV2Settings": {"bucketUri": URI, "sourceDeletionOption": "NEVER", "maxLookbackDays": 7},
        },
    }


def test_the_state_lies_outside_what_the_feed_reads(bench: Bench) -> None:
    assert all(not f"gs://{BUCKET}/{bench.config.state_prefix}".startswith(target.uri) for target in bench.feed.targets)


def test_deleting_what_was_read_needs_the_writing_role(bench: Bench) -> None:
    bench.feed = feed(deletion=ON_SUCCESS)
    bench.apply()
    assert bench.world.granted(f"b/{BUCKET}", "roles/storage.legacyBucketWriter", ACCOUNT)
    assert feeds(bench)[0]["details"]["gcsV2Settings"]["sourceDeletionOption"] == "ON_SUCCESS"


@pytest.mark.parametrize("fault", ["lose", "break"])
def test_a_create_whose_answer_is_lost_is_not_repeated(bench: Bench, fault: str) -> None:
    bench.apply()
    total = bench.plane.writes[-1]
    bench.destroy()
    with_create = Bench(bench.plane)
    start = bench.plane.calls
    with_create.apply()
    create = bench.plane.writes[-1] - start
    assert total
    with_create.destroy()
    before = creates(bench)
    bench.plane.faults = {bench.plane.calls + create: fault}
    with_create.apply()
    with_create.close()
    assert (creates(bench) - before, len(feeds(bench))) == (1, 1)
    assert any("Looking whether the feed was made all the same" in text for text in with_create.told)


@pytest.mark.parametrize("fault", ["refuse", "limit"])
def test_a_create_that_did_not_take_effect_is_repeated_after_looking(bench: Bench, fault: str) -> None:
    start = bench.plane.calls
    bench.apply()
    create = bench.plane.writes[-1] - start
    bench.world.things = {name: thing for name, thing in bench.world.things.items() if "/feeds/" not in name}
    bench.world.policies[f"b/{BUCKET}"]["bindings"] = [
        b for b in bench.world.policies[f"b/{BUCKET}"]["bindings"] if f"serviceAccount:{ACCOUNT}" not in b["members"]
    ]
    bench.plane.faults = {bench.plane.calls + create: fault}
    bench.apply()
    assert len(feeds(bench)) == 1
    assert acting(bench.plan()) == []


def test_access_that_takes_a_while_to_spread_is_waited_for(bench: Bench) -> None:
    bench.world.unseen["grant feed"] = 3
    bench.apply()
    assert len(feeds(bench)) == 1
    assert any("let the feed's access to the bucket spread" in text for text in bench.told)


def test_a_second_apply_changes_nothing_although_the_answer_has_the_projects_number(bench: Bench) -> None:
    bench.apply()
    assert "projects/123456789012/" in feeds(bench)[0]["details"]["logType"]
    before = len(bench.mutations())
    assert acting(bench.apply()) == []
    assert bench.mutations()[before:] == []


def test_settings_are_changed_in_place_without_the_name(bench: Bench) -> None:
    bench.apply()
    bench.feed = feed(max_age_days=90, labels={"env": "prod"}, namespace="n", display_name="Renamed")
    assert acting(bench.apply()) == ["change feed Renamed"]
    (only,) = feeds(bench)
    assert only["displayName"] == "Renamed"
    assert only["details"]["gcsV2Settings"]["maxLookbackDays"] == 90
    assert only["details"]["labels"] == {"env": "prod", LABEL: MADE}
    patches = [
        (query["updateMask"], body)
        for verb, _, query, body in bench.world.log
        if verb == "PATCH" and "updateMask" in query
    ]
    assert patches[-1] == (["displayName"], {"displayName": "Renamed"})
    assert set(patches[-2][1] or {}) == {"details"}
    assert creates(bench) == 1


def test_a_disabled_feed_is_enabled_by_its_own_verb(bench: Bench) -> None:
    bench.apply()
    feeds(bench)[0]["state"] = "INACTIVE"
    bench.apply()
    assert feeds(bench)[0]["state"] == "ACTIVE"


@pytest.mark.parametrize("uri", [URI, URI.rstrip("/")])
def test_an_existing_feed_is_found_by_what_it_reads(bench: Bench, uri: str) -> None:
    for number in range(5):
        put(bench, number, f"gs://elsewhere-{number}/x/")
    theirs = put(bench, 9, uri)
    before = copy.deepcopy(theirs)
    assert acting(bench.apply()) == ["change access bucket acme-logs-mulesoft-audit-logs (feed)"]
    assert creates(bench) == 0
    assert theirs == before


def test_one_that_differs_is_left_unless_adopted_and_what_else_it_says_is_kept(bench: Bench) -> None:
    theirs = put(bench, 9, URI, details={"assetNamespace": "theirs", "labels": {"team": "soc"}})
    bench.feed = feed(max_age_days=14)
    with pytest.raises(DeploymentError, match="feed MuleSoft Logs"):
        bench.apply()
    bench.feed = feed(max_age_days=14, namespace="theirs")
    bench.apply(adopt=True)
    assert theirs["details"]["assetNamespace"] == "theirs"
    assert theirs["details"]["labels"] == {"team": "soc", LABEL: ADOPTED}
    assert theirs["displayName"] == "other 9"
    bench.destroy()
    assert feeds(bench) == [theirs]


def test_two_feeds_over_one_folder_stop_everything(bench: Bench) -> None:
    put(bench, 1, URI)
    put(bench, 2, URI)
    with pytest.raises(DeploymentError, match=r"other 1 \(other-1\), other 2 \(other-2\)"):
        bench.apply()


@pytest.mark.parametrize(
    ("uri", "details"),
    [
        (f"gs://{BUCKET}/", {}),
        (f"gs://{BUCKET}/audit/0a000000-0000-4000-8000-000000000000/", {}),
        (
            "",
            {
                "feedSourceType": "GOOGLE_CLOUD_STORAGE",
                "gcsSettings": {"bucketUri": f"gs://{BUCKET}/"},
                "gcsV2Settings": {},
            },
        ),
    ],
)
def test_a_feed_over_more_or_less_of_the_bucket_would_ingest_twice(
    bench: Bench, uri: str, details: dict[str, Any]
) -> None:
    """The page's own feed reads the whole bucket: it would take the state, and every entry a second time."""
    theirs = put(bench, 1, uri, details=details)
    if not theirs["details"]["gcsV2Settings"]:
        del theirs["details"]["gcsV2Settings"]
    with pytest.raises(DeploymentError, match="entries would be ingested twice"):
        bench.apply()
    assert creates(bench) == 0


def test_a_disabled_feed_over_the_whole_bucket_does_no_harm(bench: Bench) -> None:
    put(bench, 1, f"gs://{BUCKET}/", state="INACTIVE")
    assert acting(bench.apply()) == NEW


def test_a_name_that_is_taken_is_refused_before_it_is_tried(bench: Bench) -> None:
    put(bench, 1, "gs://elsewhere/", displayName="MuleSoft Logs")
    with pytest.raises(DeploymentError, match="named MuleSoft Logs already"):
        bench.apply()
    assert creates(bench) == 0


def test_a_read_only_feed_is_explained(bench: Bench) -> None:
    put(bench, 1, URI, readOnly=True)
    with pytest.raises(DeploymentError, match="linked to another project"):
        bench.apply()


def test_a_tenant_without_the_log_type_is_refused(bench: Bench) -> None:
    bench.world.log_types = ("OKTA", "GITHUB", "ZOOM")
    with pytest.raises(UsageError, match="does not offer the log type MULESOFT"):
        bench.apply()
    assert bench.mutations() == []


def test_one_feed_for_each_business_group(bench: Bench) -> None:
    groups = tuple(f"0{letter}000000-0000-4000-8000-000000000000" for letter in "ab")
    bench.feed = feed(organizations=groups)
    bench.apply()
    found = {(one["displayName"], one["details"]["gcsV2Settings"]["bucketUri"]) for one in feeds(bench)}
    assert found == {(f"MuleSoft Logs {group}", f"{URI}{group}/") for group in groups}
    assert acting(bench.plan()) == []
    assert len(reports(bench)) == 2


def test_verifying_waits_until_the_feed_has_run(bench: Bench) -> None:
    bench.apply()
    start = bench.world.clock.now
    (report,) = reports(bench)
    assert (report.state, report.healthy, report.account_granted, report.parser) == ("SUCCEEDED", True, True, "google")
    assert bench.world.clock.now - start >= 30


def test_a_feed_that_failed_is_reported_with_googles_advice(bench: Bench) -> None:
    bench.apply()
    detail = {"errorCode": "ACCESS_DENIED", "errorCause": "No access.", "errorAction": "Grant it.\x1b[2J"}
    feeds(bench)[0].update(outcome="FAILED", failureDetails=detail)
    (report,) = reports(bench)
    assert not report.healthy
    assert report.failure == "ACCESS_DENIED No access. Grant it.\\x1b[2J"


def test_one_that_reads_as_another_account_is_noticed(bench: Bench) -> None:
    bench.apply()
    feeds(bench)[0]["details"]["gcsV2Settings"]["chronicleServiceAccount"] = "someone@else.iam.gserviceaccount.com"
    assert not reports(bench)[0].account_granted


def test_a_tenant_without_a_parser_is_said_so(bench: Bench) -> None:
    bench.apply()
    bench.world.parser = False
    assert reports(bench)[0].parser == "none"


def test_one_that_never_runs_is_given_up_and_reported_as_it_is(bench: Bench) -> None:
    bench.apply()
    feeds(bench)[0]["pulls"] = -(10**6)
    start = bench.world.clock.now
    (report,) = reports(bench)
    assert (report.state, report.ran) == ("RUNNING", False)
    assert 2700 <= bench.world.clock.now - start < 3000


def test_the_roles_stay_while_another_feed_reads_the_bucket(bench: Bench) -> None:
    bench.apply()
    put(bench, 5, f"gs://{BUCKET}/other/")
    bench.world.things[f"b/{BUCKET}/objects/audit/x"] = {"name": "audit/x", "generation": "1", "updated": ""}
    done = acting(bench.destroy())
    assert "leave access bucket acme-logs-mulesoft-audit-logs (feed)" in done
    assert bench.world.granted(f"b/{BUCKET}", "roles/storage.objectViewer", ACCOUNT)


def test_no_secret_goes_to_secops(bench: Bench) -> None:
    bench.apply()
    sent = json.dumps([entry for entry in bench.world.log if "chronicle" in entry[1]])
    assert "s3cr3t" not in sent


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"instance": "acme"}, "The SecOps instance is 'acme'"),
        ({"location": "EU West"}, "location is 'EU West'"),
        ({"deletion": "ON_SUCCESS_AND_EMPTY"}, "deletion option"),
        ({"max_age_days": 181}, "takes 1 to 180"),
        ({"organizations": ("root",)}, "business group is 'root'"),
        ({"host": "evil.example.com"}, "under googleapis.com"),
    ],
)
def test_a_malformed_setting_is_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        feed(**wrong)


@pytest.mark.parametrize(
    ("location", "hosts"),
    [
        ("eu", ("chronicle.eu.rep.googleapis.com", "europe-chronicle.googleapis.com")),
        ("europe", ("chronicle.eu.rep.googleapis.com", "europe-chronicle.googleapis.com")),
        ("us", ("chronicle.us.rep.googleapis.com", "us-chronicle.googleapis.com")),
        ("europe-west3", ("chronicle.europe-west3.rep.googleapis.com", "europe-west3-chronicle.googleapis.com")),
    ],
)
def test_the_host_follows_the_location(location: str, hosts: tuple[str, str]) -> None:
    assert FeedSettings("p", location, INSTANCE, BUCKET).hosts == hosts
