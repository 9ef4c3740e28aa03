"""What is to be deployed: every name and size, with the names of Google's own MuleSoft page as defaults.

Source of the defaults: "Collect MuleSoft Anypoint platform logs" (Google SecOps default parsers). Two differ: the
bucket's name carries the project, because bucket names are shared by the whole world, and the client's secret is in
Secret Manager, where the page puts it in a plain environment variable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from mulesoft_audit.secret import Secret

OWN_ENVIRONMENT = ("MULE_ORG_ID", "CLIENT_ID", "CLIENT_SECRET", "GCS_BUCKET", "GCS_PREFIX", "CONTINUE_TOPIC")
_PATTERNS = {
    # "Creating and managing projects", "Bucket naming guidelines", "Create service accounts", "Cloud Run functions".
    "project": (r"[a-z][a-z0-9.:-]{4,61}[a-z0-9]", "a project ID such as my-project-123"),
    "region": (r"[a-z]+(-[a-z]+)+\d+", "a region such as europe-west3"),
    "bucket": (r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", "a bucket name without gs://"),
    "account": (r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "6 to 30 lower-case letters, digits and hyphens"),
    "function": (r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", "lower-case letters, digits and hyphens"),
    "secret": (r"[A-Za-z0-9_-]{1,255}", "letters, digits, hyphens and underscores"),
    "topic": (r"[A-Za-z][A-Za-z0-9._~+%-]{2,254}", "a Pub/Sub topic ID"),
    "dead_letter_topic": (r"[A-Za-z][A-Za-z0-9._~+%-]{2,254}", "a Pub/Sub topic ID"),
    "job": (r"[A-Za-z0-9_-]{1,500}", "letters, digits, hyphens and underscores"),
    "prefix": (r"([A-Za-z0-9][A-Za-z0-9._=-]*/)*", "empty, or a folder such as mulesoft/"),
    "alert_email": (r"([^@\s\"']+@[^@\s\"']+\.[^@\s\"']+)?", "an e-mail address"),
    "runtime": (r"python3(1[2-9]|[2-9]\d)", "python312 or later"),
}


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment.

    Attributes:
        project: where everything lives.
        region: of the function, the trigger and the schedule.
        organization: the Anypoint organization, `MULE_ORG_ID`.
        client_id: the connected app's.
        client_secret: to store in Secret Manager; None leaves what is stored.
        plane: Anypoint's control plane; empty for the collector's default.
        bucket: where the archive is; empty for `<project>-mulesoft-audit-logs`.
        prefix: what goes before `audit/` and `state/` in the bucket: empty, or ending in a slash.
        bucket_location: empty for the region.
        delete_after_days: age at which a log object is deleted; 0 for never. The state is never deleted by age.
        versioning: whether an overwritten or deleted object is kept for `noncurrent_days`.
        soft_delete_days: how long the bucket can undelete; 0 for not at all.
        confine_overwrites: whether the collector may overwrite and delete under `state/` only.
        secret_locations: where the secret is replicated; empty for Google's choice.
        secret_version: the version the function is given.
        build_account: e-mail of the account that builds the function; empty for Google's default.
        environment: further environment variables of the function.
        alert_project: where the feed's metrics, and the alert on them, are; empty for `project`.
        alert_email: an address that alerts go to; empty for none.
        channels: full names of notification channels.
        labels: further labels on everything that has labels.
    """

    project: str
    region: str
    organization: str = ""
    client_id: str = ""
    client_secret: Secret | None = None
    plane: str = ""
    bucket: str = ""
    prefix: str = ""
    bucket_location: str = ""
    storage_class: str = "STANDARD"
    delete_after_days: int = 400
    versioning: bool = True
    noncurrent_days: int = 30
    soft_delete_days: int = 7
    confine_overwrites: bool = True
    account: str = "mulesoft-logs-collector-sa"
    secret: str = "mulesoft-audit-client-secret"  # noqa: S105 - the secret's name
    secret_locations: tuple[str, ...] = ()
    secret_version: str = "latest"  # noqa: S105
    topic: str = "mulesoft-audit-trigger"
    dead_letter_topic: str = "mulesoft-audit-trigger-dead-letter"
    delivery_attempts: int = 10
    function: str = "mulesoft-audit-collector"
    runtime: str = "python312"
    memory: str = "512Mi"
    cpu: str = "1"
    timeout: int = 600
    min_instances: int = 0
    max_instances: int = 100
    build_account: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    job: str = "daily-mulesoft-audit-export"
    schedule: str = "0 2 * * *"
    time_zone: str = "UTC"
    alerts: bool = True
    run_alert_hours: int = 26
    feed_alert: bool = False
    feed_alert_hours: int = 30
    alert_project: str = ""
    alert_email: str = ""
    channels: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bucket", self.bucket or default_bucket(self.project))
        object.__setattr__(self, "bucket_location", (self.bucket_location or self.region).upper())
        object.__setattr__(self, "alert_project", self.alert_project or self.project)
        for name, (pattern, wanted) in _PATTERNS.items():
            value = str(getattr(self, name))
            if not re.fullmatch(pattern, value):
                raise UsageError(f"{name.replace('_', ' ')} is {value!r}; expected {wanted}.")
        _check_numbers(self)
        _check_environment(self.environment)
        _check_labels(self.labels)

    @property
    def account_email(self) -> str:
        """The collector's service account."""
        return f"{self.account}@{self.project.split(':')[-1]}.iam.gserviceaccount.com"

    @property
    def dead_letter_subscription(self) -> str:
        """The subscription that keeps what could not be delivered."""
        return f"{self.dead_letter_topic}-sub"

    @property
    def parent(self) -> str:
        """Where the function, the trigger and the job lie."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def log_prefix(self) -> str:
        """Where the log objects lie in the bucket, and nothing else."""
        return f"{self.prefix}audit/"

    @property
    def state_prefix(self) -> str:
        """Where the collector keeps its manifests, outside what the feed reads."""
        return f"{self.prefix}state/"


def default_bucket(project: str) -> str:
    """Return the bucket's name if none is given: the page's own, made unique by the project."""
    return f"{re.sub('[^a-z0-9-]+', '-', project)[:42]}-mulesoft-audit-logs"


def _check_numbers(config: Deployment) -> None:
    ranges = {
        "delete_after_days": (0, 36500),
        "noncurrent_days": (1, 3650),
        "delivery_attempts": (5, 100),  # "Dead-letter topics"
        "timeout": (60, 600),  # Pub/Sub waits at most 600 s for an acknowledgement ("Push subscriptions")
        "min_instances": (0, 1000),
        "max_instances": (1, 1000),
        "run_alert_hours": (25, 47),
        "feed_alert_hours": (25, 47),
    }
    for name, (low, high) in ranges.items():
        if not low <= getattr(config, name) <= high:
            raise UsageError(f"{name.replace('_', ' ')} is {getattr(config, name)}; expected {low} to {high}.")
    if config.soft_delete_days and not 7 <= config.soft_delete_days <= 90:  # "Soft delete"
        raise UsageError(f"soft delete days is {config.soft_delete_days}; expected 0, or 7 to 90.")


def _check_environment(environment: dict[str, str]) -> None:
    for name in environment:
        if name in OWN_ENVIRONMENT or "SECRET" in name.upper() or "PASSWORD" in name.upper():
            raise UsageError(
                f"The function's environment may not be given {name}.",
                "It has a flag of its own, or it is a secret, which belongs in Secret Manager.",
            )


def _check_labels(labels: dict[str, str]) -> None:
    """Hold labels against what every API here accepts ("Labels overview")."""
    for key, value in labels.items():
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) or not re.fullmatch(r"[a-z0-9_-]{0,63}", value):
            raise UsageError(
                f"The label {key}={value} is not one Google accepts.",
                "Lower-case letters, digits, hyphens and underscores; a key begins with a letter; 63 characters each.",
            )
        if key == "managed-by" or key.startswith("mulesoft-audit"):
            raise UsageError(f"The label {key} is this tool's own.", "Choose another key.")
