"""What is deployed in Google Cloud, and the feed: found in order, found broken, and unchanged by looking."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.cloud.deploy.harness import INSTANCE, VALUE, Bench, deployment, feed
from tests.control_plane import ControlPlane, World
from tests.control_plane.chronicle import ACCOUNT
from tests.control_plane.compute import invoke
from tests.doctor.harness import TOPIC, doctor, feed_ran, run_once
from tests.storage_server import StorageServer

from mulesoft_audit.doctor.feed import Feeds, end_to_end, reads
from mulesoft_audit.doctor.finding import Check, Finding, State, examine, exit_code
from mulesoft_audit.doctor.google import GOOGLE, Cloud
from mulesoft_audit.doctor.policies import POLICIES, Policies
from mulesoft_audit.doctor.roles import Roles
from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plain_source import PlainSource

PROJECT = "projects/acme-logs"
PLACE = f"{PROJECT}/locations/europe-west3"
FUNCTION = f"{PLACE}/functions/mulesoft-audit-collector"
JOB = f"{PLACE}/jobs/daily-mulesoft-audit-export"
BUCKET = "acme-logs-mulesoft-audit-logs"
PARENT = f"{PROJECT}/locations/eu/instances/{INSTANCE}"
LIMIT = 26 * 3_600_000  #: milliseconds


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """A deployment that has run, with its feed."""
    return run_once(bench)


def looked(bench: Bench) -> dict[str, Finding]:
    """Return what the checks find."""
    cloud = Cloud(bench.google, bench.config)
    feeds = Feeds(lambda: cloud.google, bench.config, bench.feed)
    policies = Check(
        POLICIES, lambda: Policies(cloud.google, bench.config, feed=True, works=bool(cloud.service)).check(), (GOOGLE,)
    )
    found = list(examine([*cloud.checks(), *Roles(cloud).checks(), policies, *feeds.checks()]))
    assert VALUE not in str(found)
    return {one.name: one for one in found}


def failing(found: dict[str, Finding]) -> set[str]:
    return {name for name, one in found.items() if one.state is State.FAIL}


def test_a_deployment_that_runs_is_in_order(bench: Bench) -> None:
    found = looked(bench)
    assert {one.state for one in found.values()} == {State.OK}, found
    assert exit_code(found.values()) == 0
    assert "ACTIVE, revision r-1; environment ANYPOINT_PLANE, CLIENT_ID, CLIENT_SECRET" in found["function"].detail
    assert BUCKET not in found["function"].detail, "names, never values"
    assert "0 2 * * * UTC" in found["schedule"].detail
    assert found["last run"].detail == "0 s ago: run finished"
    assert "Google's parser" in found["parser"].detail
    assert [name for name in found if name.startswith("roles")] == [
        *("roles: bucket", "roles: secret", "roles: topic", "roles: service", "roles: build"),
        *("roles: schedule", "roles: delivery", "roles: dead letters", "roles: feed"),
    ]
    assert found["organization policies"].detail == "none of 7 that could refuse a deployment does"


def test_where_nothing_is_deployed_everything_is_missing_and_nothing_is_waited_for() -> None:
    with ControlPlane(World()) as plane:
        bench = Bench(plane)
        found = looked(bench)
        bench.close()
        assert exit_code(found.values()) == 8
        assert found["Google Cloud"].state is State.OK
        assert "secretmanager.googleapis.com" in found["Google APIs"].detail
        assert failing(found) >= {"stored secret", "function", "schedule"}
        for name in ("delivery", "last run", "roles"):
            assert (found[name].state, found[name].detail) == (State.SKIPPED, "there is no function yet")
        assert all("mulesoft-audit deploy" in found[name].hint for name in ("function", "schedule", "stored secret"))
        assert plane.world.clock.now - World().clock.now < 300


def test_a_function_that_is_being_deployed_is_not_waited_for(bench: Bench) -> None:
    bench.world.things[FUNCTION].update(state="DEPLOYING", stateMessages=[{"message": "building\x1b"}])
    before = bench.world.clock.now
    found = looked(bench)
    assert failing(found) == {"function", "roles: service"}
    assert "DEPLOYING" in found["function"].detail
    assert "building\\x1b" in found["function"].detail
    assert bench.world.clock.now == before


def test_a_function_with_other_settings_is_pointed_out_by_name_only(bench: Bench) -> None:
    service = bench.world.things[FUNCTION]["serviceConfig"]
    service["environmentVariables"]["GCS_BUCKET"] = "another-bucket"
    found = looked(bench)
    assert found["function"].state is State.WARN
    assert found["function"].detail.endswith("not as the settings here: GCS_BUCKET")
    service["environmentVariables"]["CLIENT_SECRET"] = VALUE
    assert "CLIENT_SECRET is a plain environment variable" in looked(bench)["function"].detail


def test_an_api_that_is_off_is_named_with_the_project_and_the_command(bench: Bench) -> None:
    bench.feed = feed(project="acme-secops")
    bench.world.enabled -= {"run.googleapis.com", "chronicle.googleapis.com"}
    found = looked(bench)
    assert "not enabled in acme-logs: run.googleapis.com" in found["Google APIs"].detail
    assert "gcloud services enable run.googleapis.com --project acme-logs" in found["Google APIs"].hint
    assert found["SecOps API"].detail == "chronicle.googleapis.com is not enabled in acme-secops"
    assert "gcloud services enable chronicle.googleapis.com --project acme-secops" in found["SecOps API"].hint


def test_which_apis_are_on_may_be_unknown_and_is_then_not_claimed(bench: Bench) -> None:
    bench.plane.refusals[":batchGet"] = (403, {"message": "Permission denied to list services"})
    found = looked(bench)
    for name in ("Google APIs", "SecOps API"):
        assert found[name].state is State.SKIPPED
        assert "roles/serviceusage.serviceUsageViewer" in found[name].hint


def test_a_secret_without_a_version_is_missing(bench: Bench) -> None:
    for name in [name for name in bench.world.things if "/versions/" in name]:
        del bench.world.things[name]
    assert "has no version" in looked(bench)["stored secret"].detail


@pytest.mark.parametrize(
    ("thing", "role", "name"),
    [
        (f"b/{BUCKET}", "roles/storage.objectCreator", "roles: bucket"),
        (f"b/{BUCKET}", "roles/storage.legacyBucketReader", "roles: feed"),
        (f"{PROJECT}/secrets/mulesoft-audit-client-secret", "roles/secretmanager.secretAccessor", "roles: secret"),
        (TOPIC, "roles/pubsub.publisher", "roles: topic"),
        (f"{PLACE}/services/mulesoft-audit-collector", "roles/run.invoker", "roles: service"),
    ],
)
def test_a_role_that_is_missing_is_named_with_who_lacks_it(bench: Bench, thing: str, role: str, name: str) -> None:
    bindings = bench.world.policies[thing]["bindings"]
    bindings[:] = [one for one in bindings if one["role"] != role]
    found = looked(bench)
    assert failing(found) == {name}
    assert role in found[name].detail
    others = {"roles: feed": ACCOUNT, "roles: service": bench.config.email("push_service_account")}
    assert others.get(name, bench.config.account_email) in found[name].detail


def test_overwriting_may_be_confined_or_not(bench: Bench) -> None:
    member = f"serviceAccount:{bench.config.account_email}"
    policy = bench.world.policies[f"b/{BUCKET}"]
    policy["bindings"] = [one for one in policy["bindings"] if member not in one["members"]]
    policy["bindings"].append({"role": "roles/storage.objectUser", "members": [member]})
    assert looked(bench)["roles: bucket"].state is State.OK


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "PAUSED"}, "is paused: nothing starts a run"),
        ({"status": {"code": 5}}, "its last attempt failed (5)"),
    ],
)
def test_a_schedule_that_does_not_run_is_found_so(bench: Bench, changes: dict[str, Any], words: str) -> None:
    bench.world.things[JOB].update(changes)
    found = looked(bench)
    assert failing(found) == {"schedule"}
    assert words in found["schedule"].detail


def test_the_last_run_tells_whether_it_failed_or_is_long_past(bench: Bench) -> None:
    bench.world.clock.now += 27 * 3600
    feed_ran(bench)
    found = looked(bench)
    assert (failing(found), exit_code(found.values())) == ({"last run"}, 8)
    assert "27 h ago" in found["last run"].detail
    bench.world.run_status = 500
    invoke(bench.world, TOPIC)
    found = looked(bench)
    assert (failing(found), exit_code(found.values())) == ({"last run"}, 8)
    assert "\\x1b[31mbadly" in found["last run"].detail
    newest = bench.world.log_entries[-2]
    newest.update(
        severity="WARNING", jsonPayload={**newest["jsonPayload"], "complete": False, "interrupted": "deadline"}
    )
    found = looked(bench)
    assert (failing(found), found["last run"].state) == (set(), State.WARN)
    assert "another run goes on" in found["last run"].hint.lower()
    bench.world.log_entries.clear()
    assert looked(bench)["last run"].state is State.WARN


@pytest.mark.parametrize(
    ("schedule", "minutes", "state"),
    [("*/15 * * * *", 44, State.OK), ("*/15 * * * *", 46, State.FAIL), ("0 2 * * *", 1559, State.OK)],
)
def test_how_old_is_too_old_follows_the_jobs_schedule(bench: Bench, schedule: str, minutes: int, state: State) -> None:
    bench.world.things[JOB]["schedule"] = schedule
    bench.world.clock.now += minutes * 60
    feed_ran(bench)
    assert looked(bench)["last run"].state is state


@pytest.mark.parametrize(
    ("arguments", "given", "minutes"),
    [
        ({}, 0, 26 * 60),
        ({"schedule": "*/15 * * * *"}, 0, 45),
        ({"schedule": "0 2 * * MON-FRI", "schedule_interval_minutes": 4320}, 0, 4440),
        ({"schedule": "0 2 * * MON-FRI"}, 0, 26 * 60),
        ({"schedule": "*/15 * * * *"}, 7 * 60_000, 7),
    ],
)
def test_where_there_is_no_job_it_follows_the_settings(arguments: dict[str, Any], given: int, minutes: int) -> None:
    with ControlPlane(World()) as plane:
        bench = Bench(plane)
        cloud = Cloud(bench.google, deployment(arguments=arguments), given)
        assert cloud.stale_after() == minutes * 60_000
        bench.close()


def test_what_may_not_be_seen_is_told_apart_from_what_is_not_there(bench: Bench) -> None:
    plane, first = bench.plane, bench.plane.calls
    looked(bench)
    calls = [path for _, path, _, _ in bench.world.log]
    plane.faults = {plane.calls + 1: "deny", plane.calls + 2: "deny"}
    found = looked(bench)
    assert found["Google Cloud"].state is State.WARN
    assert (failing(found), exit_code(found.values())) == ({"stored secret"}, 8)
    assert plane.calls - first == 2 * len(calls) - 1, "nothing is asked twice"
    plane.faults = {plane.calls + 1 + next(i for i, path in enumerate(calls) if path.endswith("entries:list")): "deny"}
    found = looked(bench)
    assert (found["last run"].state, failing(found)) == (State.SKIPPED, set())


def other(bench: Bench, uri: str, **changes: Any) -> None:
    """Put another feed into the tenant."""
    name = f"{PARENT}/feeds/other"
    settings = {"bucketUri": uri, "sourceDeletionOption": "NEVER", **changes.pop("settings", {})}
    details = {
        "feedSourceType": "GOOGLE_CLOUD_STORAGE_V2",
        "logType": f"{PARENT}/logTypes/MULESOFT",
        "gcsV2Settings": settings,
    }
    thing = {"name": name, "displayName": "other", "details": details, "state": "SUCCEEDED", "pulls": 0}
    bench.world.things[name] = {**thing, **changes}


def test_a_feed_over_the_whole_bucket_takes_the_state_for_logs(bench: Bench) -> None:
    other(bench, f"gs://{BUCKET}/", settings={"sourceDeletionOption": "ON_SUCCESS"})
    found = looked(bench)
    assert failing(found) == {"feed folder"}
    assert exit_code(found.values()) == 8
    cloud = Cloud(bench.google, bench.config)
    feeds = Feeds(lambda: cloud.google, bench.config, bench.feed)
    feeds.check_secops()
    over, twice = feeds.check_alone()
    assert f"covers gs://{BUCKET}/state/: it takes the collector's state for logs, and deletes it" in over.detail
    assert "2 feeds read" in twice.detail


@pytest.mark.parametrize(
    ("uri", "changes"),
    [
        (f"gs://{BUCKET}/", {"state": "INACTIVE"}),
        (f"gs://{BUCKET}/", {"settings": {"includePrefixes": ["other/"]}}),
        (f"gs://{BUCKET}/audited/", {}),
        ("gs://another-bucket/", {}),
    ],
)
def test_a_feed_that_reads_something_else_is_no_trouble(bench: Bench, uri: str, changes: dict[str, Any]) -> None:
    other(bench, uri, **changes)
    assert failing(looked(bench)) == set()


def test_two_feeds_over_the_logs_are_two_too_many(bench: Bench) -> None:
    other(bench, f"gs://{BUCKET}/audit/")
    found = looked(bench)
    assert failing(found) == {"feed", "feed folder"}
    assert "Several feeds read" in found["feed"].detail


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({"state": "INACTIVE"}, State.FAIL, "switched off"),
        ({"state": "ACTIVE", "pulls": -9, "lastFeedInitiationTime": ""}, State.OK, "RUNNING"),
        (
            {"state": "FAILED", "failureDetails": {"errorCode": "ACCESS_DENIED", "errorAction": "Grant access."}},
            State.FAIL,
            "ACCESS_DENIED Grant access.",
        ),
    ],
)
def test_the_feed_says_how_it_is(bench: Bench, changes: dict[str, Any], state: State, words: str) -> None:
    feed_ran(bench).update(changes)
    found = looked(bench)["feed"]
    assert found.state is state
    assert words in found.detail


def test_a_feed_that_deletes_needs_another_role(bench: Bench) -> None:
    feed_ran(bench)["details"]["gcsV2Settings"]["sourceDeletionOption"] = "ON_SUCCESS"
    found = looked(bench)
    assert failing(found) == {"roles: feed"}
    assert "roles/storage.legacyBucketWriter" in found["roles: feed"].detail


def test_a_feed_that_reads_as_somebody_else_cannot_read(bench: Bench) -> None:
    feed_ran(bench)["details"]["gcsV2Settings"]["chronicleServiceAccount"] = "another@tenant.iam.gserviceaccount.com"
    assert "was not granted" in looked(bench)["feed"].detail


def test_a_tenant_without_feed_log_type_or_parser(bench: Bench) -> None:
    del bench.world.things[feed_ran(bench)["name"]]
    bench.world.parser = False
    found = looked(bench)
    assert failing(found) == {"feed"}
    assert "mulesoft-audit feed" in found["feed"].hint
    assert found["parser"].state is State.WARN
    assert "nothing in UDM" in found["parser"].detail
    bench.world.log_types = ("OKTA",)
    found = looked(bench)
    assert failing(found) == {"SecOps"}
    assert found["feed"].state is found["parser"].state is State.SKIPPED


def test_freshness_is_the_older_of_two() -> None:
    now = 1_767_225_600.0
    assert end_to_end({}, {"feed": now}, now, LIMIT).state is State.SKIPPED
    assert end_to_end({"o": 1}, {}, now, LIMIT).state is State.SKIPPED
    fresh = end_to_end({"o": int(now * 1000) - 5000, "p": int(now * 1000)}, {"feed": now}, now, LIMIT)
    assert (fresh.state, "2025-12-31T23:59:55.000Z" in fresh.detail) == (State.OK, True)
    assert end_to_end({"o": int(now * 1000)}, {"feed": now - 27 * 3600}, now, LIMIT).state is State.WARN


def test_what_narrows_a_feed_is_heeded_only_where_it_is_clear() -> None:
    def feed(uri: str, *prefixes: str) -> dict[str, Any]:
        return {"details": {"gcsV2Settings": {"bucketUri": uri, "includePrefixes": list(prefixes)}}}

    assert reads(feed("gs://b", "audit/", "x/")) == ["gs://b/audit/", "gs://b/x/"]
    assert reads(feed("gs://b/audit/", "x/")) == ["gs://b/audit/"]
    assert reads(feed("gs://b/*")) == ["gs://b/"]
    assert reads({"details": {"httpSettings": {}}}) == []


SECOPS = ("--secops-instance", INSTANCE, "--secops-location", "eu")
WHERE = ("--project", "acme-logs", "--region", "europe-west3")


def test_the_command_looks_at_all_of_it(bench: Bench, source: PlainSource, tmp_path: Path) -> None:
    place = ("--archive", str(tmp_path))
    endpoint = {"MULESOFT_AUDIT_GOOGLE_ENDPOINT": bench.plane.endpoint}
    report = doctor(source.url, *place, *WHERE, *SECOPS, **endpoint)
    for name in ("Google Cloud", "Google APIs", "schedule", "roles: service", "SecOps", "feed", "parser"):
        assert report.state(name) == "ok", report.findings[name]
    assert report.state("function") == "warn", "it is another connected app's"
    assert "CLIENT_ID" in report.said("function")
    assert report.state("end to end") == "skipped"
    assert (report.code, report.state("last run")) == (0, "warn"), "by the real clock, its logs are long gone"
    without = doctor(source.url, *place, *WHERE, **endpoint)
    assert without.state("feed") == "skipped"
    assert "--secops-instance" in without.findings["feed"]["hint"]


def test_a_bucket_that_somebody_else_keeps_is_the_one_looked_at(bench: Bench, source: PlainSource) -> None:
    endpoint = {"MULESOFT_AUDIT_GOOGLE_ENDPOINT": bench.plane.endpoint}
    with StorageServer(buckets=["theirs"]) as storage:
        report = doctor(
            source.url, *WHERE, "--existing-bucket", "gs://theirs", STORAGE_EMULATOR_HOST=storage.url, **endpoint
        )
    assert (report.state("archive"), report.said("archive").strip()) == ("ok", "gs://theirs")
    assert "GCS_BUCKET" in report.said("function")
    assert "the bucket theirs does not exist" in report.said("roles: bucket")


def test_the_command_says_what_it_needs_for_google(source: PlainSource, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--region"):
        doctor(source.url, "--archive", str(tmp_path), "--project", "acme-logs")
    assert source.counts["tokens"] == 0


def test_without_credentials_google_refuses_and_the_rest_is_looked_at(
    source: PlainSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    report = doctor(source.url, "--archive", str(tmp_path), *WHERE, MULESOFT_AUDIT_GOOGLE_ENDPOINT=None)
    assert (report.kinds, report.state("Google Cloud"), report.state("function")) == ({3}, "fail", "skipped")
    assert "gcloud auth application-default login" in report.findings["Google Cloud"]["hint"]
    assert json.loads(report.text)["counts"]["ok"] >= 9
