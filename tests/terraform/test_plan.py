"""What the plan says, held against Google's page, against least privilege, and against what Google refuses."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.control_plane.discovery import Description
from tests.terraform.workspace import PROJECT, SECRET

if TYPE_CHECKING:
    from tests.terraform.workspace import Plan, Planned, Workspace

ARCHIVE = "google_storage_bucket.archive[0]"
FUNCTION = "google_cloudfunctions2_function.collector"
JOB = "google_cloud_scheduler_job.export"
PUSH = "google_pubsub_subscription.push"

# "Collect MuleSoft Anypoint platform logs" (Google SecOps, default parsers), section by section, with what the page has
# one type into the console. What differs on purpose stands under DIFFERENT.
PAGE = [
    (ARCHIVE, "location", "EUROPE-WEST3"),
    (ARCHIVE, "storage_class", "STANDARD"),
    (ARCHIVE, "uniform_bucket_level_access", True),
    (ARCHIVE, "public_access_prevention", "enforced"),
    (ARCHIVE, "versioning.0.enabled", True),
    ("google_service_account.collector", "account_id", "mulesoft-logs-collector-sa"),
    ("google_pubsub_topic.trigger", "name", "mulesoft-audit-trigger"),
    (FUNCTION, "name", "mulesoft-audit-collector"),
    (FUNCTION, "location", "europe-west3"),
    (FUNCTION, "build_config.0.runtime", "python312"),
    (FUNCTION, "build_config.0.entry_point", "main"),
    (FUNCTION, "service_config.0.available_memory", "512Mi"),
    (FUNCTION, "service_config.0.available_cpu", "1"),
    (FUNCTION, "service_config.0.min_instance_count", 0),
    (FUNCTION, "service_config.0.max_instance_count", 100),
    (FUNCTION, "service_config.0.ingress_settings", "ALLOW_INTERNAL_ONLY"),
    (FUNCTION, "service_config.0.environment_variables.MULE_ORG_ID", "0a12b3c4-d5e6-789f-1021-1a2b34cd5e6f"),
    (FUNCTION, "service_config.0.environment_variables.CLIENT_ID", "0123456789abcdef0123456789abcdef"),
    (FUNCTION, "service_config.0.environment_variables.GCS_BUCKET", f"{PROJECT}-mulesoft-audit-logs"),
    (JOB, "name", "daily-mulesoft-audit-export"),
    (JOB, "schedule", "0 2 * * *"),
    (JOB, "time_zone", "UTC"),
    (JOB, "pubsub_target.0.data", base64.b64encode(b"{}").decode()),
]
DIFFERENT = [
    (ARCHIVE, "name", f"{PROJECT}-mulesoft-audit-logs"),  # mulesoft-audit-logs: names are shared by the whole world
    (FUNCTION, "service_config.0.secret_environment_variables.0.key", "CLIENT_SECRET"),  # plain text on the page
    (FUNCTION, "service_config.0.timeout_seconds", 570),  # 600: Pub/Sub would deliver again while it runs
    (FUNCTION, "service_config.0.max_instance_request_concurrency", 1),  # left to its default on the page
    (FUNCTION, "service_config.0.environment_variables.CLOUD_RUN_TIMEOUT_SECONDS", "570"),
    (PUSH, "ack_deadline_seconds", 600),  # the page has a trigger, whose subscription waits 10 s
    (PUSH, "retry_policy.0.minimum_backoff", "60s"),
    (PUSH, "retry_policy.0.maximum_backoff", "600s"),
    (PUSH, "dead_letter_policy.0.max_delivery_attempts", 10),
    ("google_pubsub_subscription.dead_letter", "message_retention_duration", "604800s"),
    ("google_pubsub_subscription.dead_letter", "expiration_policy.0.ttl", ""),
    (ARCHIVE, "force_destroy", False),
]


def at(values: dict[str, Any], path: str) -> Any:
    found: Any = values
    for step in path.split("."):
        found = found[int(step)] if isinstance(found, list) else found[step]
    return found


@pytest.mark.parametrize(("address", "path", "wanted"), PAGE + DIFFERENT)
def test_a_setting_is_the_pages(basic: Plan, address: str, path: str, wanted: object) -> None:
    assert at(basic.values(address), path) == wanted


def test_the_schedule_and_the_acknowledgement_leave_a_run_its_time(basic: Plan) -> None:
    assert at(basic.values(PUSH), "ack_deadline_seconds") > at(
        basic.values(FUNCTION), "service_config.0.timeout_seconds"
    )


def test_nobody_is_granted_more_than_this(basic: Plan) -> None:
    grants = {(one.address, one.values["role"]) for one in basic.resources() if "_iam_" in one.kind}
    assert grants == {
        ("google_cloud_run_v2_service_iam_member.push_invokes", "roles/run.invoker"),
        ('google_project_iam_member.build["roles/artifactregistry.writer"]', "roles/artifactregistry.writer"),
        ('google_project_iam_member.build["roles/logging.logWriter"]', "roles/logging.logWriter"),
        ("google_project_iam_member.build_reads_source[0]", "roles/storage.objectViewer"),
        ("google_pubsub_subscription_iam_member.pubsub_takes", "roles/pubsub.subscriber"),
        ("google_pubsub_topic_iam_member.collector_continues", "roles/pubsub.publisher"),
        ("google_pubsub_topic_iam_member.pubsub_forwards", "roles/pubsub.publisher"),
        ("google_pubsub_topic_iam_member.scheduler_publishes", "roles/pubsub.publisher"),
        ("google_secret_manager_secret_iam_member.collector", "roles/secretmanager.secretAccessor"),
        ("google_service_account_iam_member.pubsub_signs", "roles/iam.serviceAccountTokenCreator"),
        ("google_storage_bucket_iam_member.collector_creates", "roles/storage.objectCreator"),
        ("google_storage_bucket_iam_member.collector_reads", "roles/storage.objectViewer"),
        ("google_storage_bucket_iam_member.collector_replaces_state", "roles/storage.objectUser"),
    }
    assert all(one.kind.endswith("_iam_member") for one in basic.resources() if "_iam_" in one.kind), (
        "a binding or a policy would take others' access away"
    )
    assert "allUsers" not in json.dumps(basic.shown)
    assert "allAuthenticatedUsers" not in json.dumps(basic.shown)


def test_overwriting_is_confined_to_the_state_and_the_build_kept_from_the_logs(basic: Plan) -> None:
    objects = f"projects/_/buckets/{PROJECT}-mulesoft-audit-logs"
    state = at(basic.values("google_storage_bucket_iam_member.collector_replaces_state"), "condition.0.expression")
    assert state == f'resource.name.startsWith("{objects}/objects/state/")'
    build = at(basic.values("google_project_iam_member.build_reads_source[0]"), "condition.0.expression")
    assert build == f'!resource.name.startsWith("{objects}")'


def test_a_lifecycle_rule_deletes_logs_and_never_the_state(basic: Plan) -> None:
    rules = basic.values(ARCHIVE)["lifecycle_rule"]
    deleting = [one["condition"][0] for one in rules if one["action"][0]["type"] == "Delete"]
    assert [(one["age"], one["matches_prefix"], one["days_since_noncurrent_time"]) for one in deleting] == [
        (400, ["audit/"], None),
        (None, None, 30),
    ]


def test_the_dashboard_is_one_that_google_describes(two_roots: Plan) -> None:
    dashboard = json.loads(
        two_roots.values_of("mulesoft-us", "google_monitoring_dashboard.collector[0]")["dashboard_json"]
    )
    Description("monitoring.v1").check("POST", f"v1/projects/{PROJECT}/dashboards", {}, dashboard)
    tiles = dashboard["mosaicLayout"]["tiles"]
    places = {(tile["xPos"], tile["yPos"]) for tile in tiles}
    assert len(places) == len(tiles) == 8


RUNS = '{monitored_resource="cloud_run_revision"}'
SUCCESSES = f"logging_googleapis_com:user_mulesoft_audit_successes{RUNS}"
ERRORS = f"logging_googleapis_com:user_mulesoft_audit_errors{RUNS}"
DEAD = '{monitored_resource="pubsub_subscription",subscription_id="mulesoft-audit-trigger-dead-letter-sub"}'


@pytest.mark.parametrize(
    ("alert", "query", "duration"),
    [
        ("silence", f"(sum(increase({SUCCESSES}[1440m])) or vector(0)) < 0.5", "7200s"),
        ("errors", f"sum(increase({ERRORS}[15m])) > 0", "0s"),
        ("dead-letters", f"max(pubsub_googleapis_com:subscription_num_undelivered_messages{DEAD}) > 0", "0s"),
    ],
)
def test_an_alert_asks_for(basic: Plan, alert: str, query: str, duration: str) -> None:
    policy = basic.values(f'google_monitoring_alert_policy.collector["{alert}"]')
    condition = at(policy, "conditions.0.condition_prometheus_query_language.0")
    assert condition["query"] == query
    assert condition["duration"] == duration
    assert condition["disable_metric_validation"] is True, "there is no series before the first run"


def test_every_metric_in_a_query_is_one_that_is_made(two_roots: Plan) -> None:
    text = json.dumps([one.values for one in two_roots.resources() if one.module.endswith('us"]')])
    asked = set(re.findall(r"logging_googleapis_com:user_(\w+)", text))
    made = {
        one.values["name"]: one.values["metric_descriptor"][0]["value_type"]
        for one in two_roots.resources()
        if one.kind == "google_logging_metric" and one.module.endswith('us"]')
    }
    distributions = {
        f"{name}_{part}" for name, kind in made.items() if kind == "DISTRIBUTION" for part in ("sum", "count")
    }
    assert asked <= {name for name, kind in made.items() if kind == "INT64"} | distributions


def test_the_secret_is_in_no_plan(basic: Plan, two_roots: Plan) -> None:
    for plan in (basic, two_roots):
        assert SECRET not in json.dumps(plan.shown)
        assert SECRET not in plan.text()


def test_names_follow_from_one_name(two_roots: Plan) -> None:
    names = {
        str(one.values[key])
        for one in two_roots.resources()
        for key in ("account_id", "name", "secret_id")
        if one.module == 'module.collector["mulesoft-emea"]' and one.values.get(key) and "_iam_" not in one.kind
    }
    assert names
    assert [name for name in names if "mulesoft-emea" not in name.replace("_", "-")] == []


def test_two_roots_share_nothing_that_one_may_destroy(two_roots: Plan) -> None:
    shared = {"google_project_service", "google_project_service_identity", "time_sleep"}
    by_module: dict[str, set[tuple[str, str]]] = {}
    for one in two_roots.resources():
        if one.kind not in shared:
            by_module.setdefault(one.module, set()).add((one.kind, identity(one)))
    emea, us = by_module.values()
    assert len(emea) > 40
    assert emea & us == set()
    services = [one.values for one in two_roots.resources() if one.kind == "google_project_service"]
    assert services
    assert all(one["disable_on_destroy"] is False for one in services)


#: What these are of is another resource, of which the plan does not know the address or the ID yet.
BELONGING = {"google_project_iam_member", "google_secret_manager_secret_version", "google_service_account_iam_member"}


def identity(one: Planned) -> str:
    """Return what tells a resource in Google Cloud from every other of its kind."""
    return json.dumps(one.values, sort_keys=True) + (one.module if one.kind in BELONGING else "")


def test_each_root_has_an_address_of_its_own(two_roots: Plan) -> None:
    service = at(two_roots.values_of("mulesoft-us", FUNCTION), "service_config.0")
    assert service["direct_vpc_egress"] == "VPC_EGRESS_ALL_TRAFFIC"
    nat = two_roots.values_of("mulesoft-us", "google_compute_router_nat.egress[0]")
    assert nat["nat_ip_allocate_option"] == "MANUAL_ONLY"


def test_what_exists_is_used_as_it_is(workspace: Workspace) -> None:
    main = workspace.module / "examples/basic/main.tf"
    main.write_text(main.read_text(encoding="utf-8").replace("var.client_secret\n", '""\n'), encoding="utf-8")
    workspace.change(
        "examples/basic",
        'existing_bucket = "audit-lake"',
        'bucket_prefix = "mulesoft/emea"',
        'existing_secret = "projects/vault-123/secrets/anypoint"',
        'source_bucket = "builds"',
        'build_service_account = "ci@acme-logs-123.iam.gserviceaccount.com"',
        'feed_service_account = "feed@secops.iam.gserviceaccount.com"',
        'secops_project_id = "acme-secops"',
        "secret_locations = []",
        'vpc = { network = "shared", subnetwork = "shared-eu" }',
        "delete_logs_on_destroy = true",
        "dashboard = false",
    )
    plan = workspace.plan("examples/basic", client_secret="unused")
    kinds = {one.kind for one in plan.resources()}
    assert not kinds & {"google_storage_bucket", "google_secret_manager_secret", "google_project_iam_member"}
    service = at(plan.values(FUNCTION), "service_config.0")
    assert service["secret_environment_variables"] == [
        {"key": "CLIENT_SECRET", "project_id": "vault-123", "secret": "anypoint", "version": "latest"}
    ]
    assert service["environment_variables"]["GCS_PREFIX"] == "mulesoft/emea"
    assert service["direct_vpc_network_interface"] == [{"network": "shared", "subnetwork": "shared-eu", "tags": []}]
    created = at(plan.values("google_storage_bucket_iam_member.collector_creates"), "condition.0.expression")
    assert created == 'resource.name.startsWith("projects/_/buckets/audit-lake/objects/mulesoft/emea/")'
    feed = {
        one.values["role"]
        for one in plan.resources()
        if one.address.startswith("google_storage_bucket_iam_member.feed")
    }
    assert feed == {"roles/storage.objectViewer", "roles/storage.legacyBucketReader"}
    assert plan.values("google_monitoring_alert_policy.feed[0]")["project"] == "acme-secops"
