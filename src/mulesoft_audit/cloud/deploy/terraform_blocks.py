"""The blocks of the Terraform module, one function a family, from the same settings as the deployment itself."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.deploy.alerts import RANGE, silences
from mulesoft_audit.cloud.deploy.function import ENTRY_POINT, EVENT, environment
from mulesoft_audit.cloud.deploy.hcl import Block, Raw, Value, nested, resource
from mulesoft_audit.cloud.deploy.monitoring import KEY
from mulesoft_audit.cloud.deploy.pubsub import KEPT
from mulesoft_audit.cloud.deploy.scheduler import MESSAGE
from mulesoft_audit.cloud.deploy.services import APIS

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.alerts import Silence
    from mulesoft_audit.cloud.deploy.config import Deployment

ACCOUNT = Raw("google_service_account.collector.email")
MEMBER = Raw("google_service_account.collector.member")
BUCKET = Raw("google_storage_bucket.archive.name")
TOPIC = Raw("google_pubsub_topic.trigger.id")
PUBSUB = Raw('"serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"')
AFTER_APIS: dict[str, Value] = {"depends_on": Raw("[google_project_service.apis]")}
TERRAFORM = "terraform"


def labels(config: Deployment, **more: str) -> dict[str, Value]:
    """Return labels that tell Terraform's resources from those of `mulesoft-audit deploy`."""
    return {**config.labels, "managed-by": TERRAFORM, **more}


def services() -> list[Block]:
    """Return the project and its APIs."""
    apis = resource(
        "google_project_service",
        "apis",
        {
            "for_each": Raw("toset(local.apis)"),
            "service": Raw("each.value"),
            "disable_on_destroy": False,
        },
        comment="Left on when the module is destroyed: something else may use them.",
    )
    return [Block("locals", (), {"apis": list(APIS)}), Block("data", ("google_project", "this")), apis]


def bucket(config: Deployment) -> Block:
    """Return the archive's bucket."""
    rules = [
        nested("versioning", enabled=config.versioning),
        nested("soft_delete_policy", retention_duration_seconds=config.soft_delete_days * 86400),
    ]
    if config.delete_after_days:
        rules.append(_delete(age=config.delete_after_days, matches_prefix=[config.log_prefix]))
    if config.versioning:
        rules.append(_delete(days_since_noncurrent_time=config.noncurrent_days))
    attributes: dict[str, Value] = {
        "name": config.bucket,
        "location": config.bucket_location,
        "storage_class": config.storage_class,
        "uniform_bucket_level_access": True,
        "public_access_prevention": "enforced",
        "force_destroy": False,
        "labels": labels(config),
        **AFTER_APIS,
    }
    comment = f"Log objects lie under {config.log_prefix}, which the feed reads; the state lies outside."
    return resource("google_storage_bucket", "archive", attributes, *rules, comment=comment)


def _delete(**condition: Value) -> Block:
    return nested("lifecycle_rule", nested("action", type="Delete"), nested("condition", **condition))


def account_and_access(config: Deployment) -> list[Block]:
    """Return the collector's account and what it may do in the bucket."""
    account = resource(
        "google_service_account",
        "collector",
        {
            "account_id": config.account,
            "display_name": "MuleSoft audit log collector",
            **AFTER_APIS,
        },
    )
    if not config.confine_overwrites:
        return [account, _on_bucket("user", "roles/storage.objectUser")]
    state = f"projects/_/buckets/{config.bucket}/objects/{config.state_prefix}"
    condition = nested(
        "condition", title="mulesoft-audit state only", expression=f'resource.name.startsWith("{state}")'
    )
    return [
        account,
        _on_bucket("reader", "roles/storage.objectViewer"),
        _on_bucket("creator", "roles/storage.objectCreator"),
        _on_bucket("state", "roles/storage.objectUser", condition),
    ]


def _on_bucket(name: str, role: str, *condition: Block) -> Block:
    held: dict[str, Value] = {"bucket": BUCKET, "role": role, "member": MEMBER}
    return resource("google_storage_bucket_iam_member", name, held, *condition)


def secret(config: Deployment) -> list[Block]:
    """Return the secret, its version, and who may read it."""
    replicas = [nested("replicas", location=place) for place in config.secret_locations]
    where = nested("user_managed", *replicas) if replicas else nested("auto")
    made = resource(
        "google_secret_manager_secret",
        "client",
        {"secret_id": config.secret, "labels": labels(config), **AFTER_APIS},
        nested("replication", where),
    )
    version: dict[str, Value] = {
        "secret": Raw("google_secret_manager_secret.client.id"),
        "secret_data_wo": Raw("var.client_secret"),
        "secret_data_wo_version": Raw("var.client_secret_version"),
    }
    reader: dict[str, Value] = {
        "secret_id": Raw("google_secret_manager_secret.client.id"),
        "role": "roles/secretmanager.secretAccessor",
        "member": MEMBER,
    }
    return [
        made,
        resource("google_secret_manager_secret_version", "client", version),
        resource("google_secret_manager_secret_iam_member", "collector", reader),
    ]


def topics(config: Deployment) -> list[Block]:
    """Return the topics, the dead letters' subscription, and who may publish."""

    def topic(name: str, full: str) -> Block:
        return resource("google_pubsub_topic", name, {"name": full, "labels": labels(config), **AFTER_APIS})

    def publisher(name: str, where: str, member: Raw) -> Block:
        held: dict[str, Value] = {"topic": Raw(f"google_pubsub_topic.{where}.name"), "role": "roles/pubsub.publisher"}
        return resource("google_pubsub_topic_iam_member", name, {**held, "member": member})

    kept: dict[str, Value] = {
        "name": config.dead_letter_subscription,
        "topic": Raw("google_pubsub_topic.dead_letters.id"),
        "message_retention_duration": KEPT,
        "labels": labels(config),
    }
    return [
        topic("trigger", config.topic),
        publisher("continuation", "trigger", MEMBER),
        topic("dead_letters", config.dead_letter_topic),
        publisher("dead_letters", "dead_letters", PUBSUB),
        resource("google_pubsub_subscription", "dead_letters", kept, nested("expiration_policy", ttl="")),
    ]


def function(config: Deployment, digest: str) -> list[Block]:
    """Return the function's source, the function, and who may call it."""
    source: dict[str, Value] = {
        "name": f"{config.prefix}source/{config.function}-{digest}.zip",
        "bucket": BUCKET,
        "source": Raw('"${path.module}/source.zip"'),
        "content_type": "application/zip",
    }
    settings: dict[str, Value] = {
        "name": config.function,
        "location": config.region,
        "labels": labels(config),
        "depends_on": Raw(
            "[\n    google_secret_manager_secret_iam_member.collector,\n"
            "    google_secret_manager_secret_version.client,\n  ]"
        ),
    }
    caller: dict[str, Value] = {
        "location": config.region,
        "service": Raw("google_cloudfunctions2_function.collector.name"),
        "role": "roles/run.invoker",
        "member": MEMBER,
    }
    parts = [_build(config), _service(config), _trigger(config)]
    return [
        resource("google_storage_bucket_object", "source", source),
        resource("google_cloudfunctions2_function", "collector", settings, *parts),
        resource("google_cloud_run_service_iam_member", "invoker", caller),
    ]


def _build(config: Deployment) -> Block:
    source = nested("storage_source", bucket=BUCKET, object=Raw("google_storage_bucket_object.source.name"))
    settings: dict[str, Value] = {"runtime": config.runtime, "entry_point": ENTRY_POINT}
    if config.build_account:
        settings["service_account"] = f"projects/{config.project}/serviceAccounts/{config.build_account}"
    return nested("build_config", nested("source", source), **settings)


def _service(config: Deployment) -> Block:
    read = nested(
        "secret_environment_variables",
        key="CLIENT_SECRET",
        project_id=config.project,
        secret=Raw("google_secret_manager_secret.client.secret_id"),
        version=config.secret_version,
    )
    plain: dict[str, Value] = {**environment(config), "GCS_BUCKET": BUCKET, "CONTINUE_TOPIC": TOPIC}
    return nested(
        "service_config",
        read,
        available_memory=config.memory,
        available_cpu=config.cpu,
        timeout_seconds=config.timeout,
        min_instance_count=config.min_instances,
        max_instance_count=config.max_instances,
        max_instance_request_concurrency=1,
        ingress_settings="ALLOW_INTERNAL_ONLY",
        all_traffic_on_latest_revision=True,
        service_account_email=ACCOUNT,
        environment_variables=plain,
    )


def _trigger(config: Deployment) -> Block:
    return nested(
        "event_trigger",
        trigger_region=config.region,
        event_type=EVENT,
        pubsub_topic=TOPIC,
        retry_policy="RETRY_POLICY_RETRY",
        service_account_email=ACCOUNT,
    )


def job(config: Deployment) -> Block:
    """Return the schedule."""
    attributes: dict[str, Value] = {
        "name": config.job,
        "description": "Starts a collection of MuleSoft audit logs.",
        "region": config.region,
        "schedule": config.schedule,
        "time_zone": config.time_zone,
    }
    target = nested("pubsub_target", topic_name=TOPIC, data=base64.b64encode(MESSAGE).decode())
    return resource("google_cloud_scheduler_job", "daily", attributes, nested("retry_config", retry_count=3), target)


def alerts(config: Deployment) -> list[Block]:
    """Return the alerts for silence, each project's e-mail channel before them."""
    wanted = silences(config)
    projects = dict.fromkeys(silence.project for silence in wanted) if config.alert_email else {}
    return [*(_channel(config, project) for project in projects), *(_alert(config, silence) for silence in wanted)]


def _alert(config: Deployment, silence: Silence) -> Block:
    channels: list[Value] = list(config.channels)
    if config.alert_email:
        channels.append(Raw(f"google_monitoring_notification_channel.{_channel_name(config, silence.project)}.id"))
    condition = nested(
        "condition_prometheus_query_language",
        query=silence.query,
        duration=f"{(silence.hours - RANGE) * 3600}s",
        evaluation_interval="300s",
        disable_metric_validation=True,
    )
    attributes: dict[str, Value] = {
        "project": silence.project,
        "display_name": silence.title,
        "combiner": "OR",
        "notification_channels": channels,
        "user_labels": labels(config, **{KEY: silence.key}),
        **AFTER_APIS,
    }
    conditions = nested("conditions", condition, display_name=silence.title)
    about = nested("documentation", content=silence.advice, mime_type="text/markdown")
    name = silence.key.replace("-", "_")
    return resource("google_monitoring_alert_policy", name, attributes, conditions, about)


def _channel_name(config: Deployment, project: str) -> str:
    return "email" if project == config.project else "email_secops"


def _channel(config: Deployment, project: str) -> Block:
    attributes: dict[str, Value] = {
        "project": project,
        "display_name": "MuleSoft audit logs",
        "type": "email",
        "labels": {"email_address": config.alert_email},
        "user_labels": labels(config),
        **AFTER_APIS,
    }
    return resource("google_monitoring_notification_channel", _channel_name(config, project), attributes)
