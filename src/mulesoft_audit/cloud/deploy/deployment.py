"""One deployment: where it is, what its parts are called, and what else the Terraform module is told.

The names are those of Google's page "Collect MuleSoft Anypoint platform logs", as the module's names.tf makes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "mulesoft"
_PATTERNS = {
    # "Creating and managing projects"; what else there is to say about a setting, the module's validations say.
    "project": (r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]", "a project ID such as my-project-123"),
    "region": (r"[a-z]+(-[a-z]+)+[0-9]+", "a region such as europe-west3"),
    "name": (r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", "1 to 20 lower-case letters, digits and hyphens"),
    "prefix": (r"([A-Za-z0-9][A-Za-z0-9._=-]*(/[A-Za-z0-9][A-Za-z0-9._=-]*)*)?", "a folder such as mulesoft"),
    "bucket": (r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", "a bucket's name, without gs://"),
}
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~+%-]*")  #: of a name that becomes part of a URL


def bucket_start(project: str) -> str:
    """Return what the names of a project's buckets begin with: names of buckets are shared by the whole world."""
    return re.sub("[^a-z0-9-]", "-", project)[:30]


def default_names(project: str, name: str = NAME) -> dict[str, str]:
    """Return what the module calls each part."""
    start = bucket_start(project)
    return {
        "service_account": f"{name}-logs-collector-sa" if len(name) <= 12 else f"{name}-sa",  # 30 characters at most
        "push_service_account": f"{name}-push-sa",
        "build_service_account": f"{name}-build-sa",
        "bucket": f"{start}-{name}-audit-logs",
        "source_bucket": f"{start}-{name}-audit-src",
        "secret": f"{name}-audit-client-secret",
        "topic": f"{name}-audit-trigger",
        "subscription": f"{name}-audit-trigger-push",
        "dead_letter_topic": f"{name}-audit-trigger-dead-letter",
        "dead_letter_subscription": f"{name}-audit-trigger-dead-letter-sub",
        "function": f"{name}-audit-collector",
        "job": f"daily-{name}-audit-export",
        "network": f"{name}-audit-egress",
    }


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment.

    Attributes:
        project: where everything lives.
        region: of the function, the schedule, the secret and, unless it is said otherwise, the bucket.
        name: what the names are made of; each deployment of a project has its own.
        organization: the root Anypoint organization.
        client_id: the connected app's.
        plane: Anypoint's control plane.
        prefix: a folder in the bucket for everything, without slashes at its ends.
        existing_bucket: a bucket that somebody else manages, instead of one of ours.
        existing_secret: `projects/P/secrets/S` that somebody else manages, instead of one of ours.
        given: the names that are to differ, by the module's keys.
        arguments: what else the module is told, by the names of its variables.
    """

    project: str
    region: str
    name: str = NAME
    organization: str = ""
    client_id: str = ""
    plane: str = "us"
    prefix: str = ""
    existing_bucket: str = ""
    existing_secret: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (pattern, wanted) in _PATTERNS.items():
            if not re.fullmatch(pattern, value := str(getattr(self, name))):
                raise UsageError(f"The {name} is {value!r}; expected {wanted}.")
        for key, value in self.names.items():
            if not _PART.fullmatch(value):
                raise UsageError(f"The name of the {key.replace('_', ' ')} is {value!r}, which Google does not accept.")
        if self.existing_secret and not re.fullmatch(r"projects/[^/]+/secrets/[A-Za-z0-9_-]+", self.existing_secret):
            raise UsageError(
                f"The existing secret is {self.existing_secret!r}; expected projects/PROJECT/secrets/NAME."
            )

    @property
    def names(self) -> dict[str, str]:
        """What each part is called."""
        return {**default_names(self.project, self.name), **self.given}

    @property
    def bucket(self) -> str:
        """The bucket that holds the archive."""
        return self.existing_bucket or self.names["bucket"]

    @property
    def secret(self) -> str:
        """The full name of the secret."""
        return self.existing_secret or f"projects/{self.project}/secrets/{self.names['secret']}"

    @property
    def function(self) -> str:
        """The function, and its Cloud Run service."""
        return self.names["function"]

    @property
    def job(self) -> str:
        """The job that starts runs."""
        return self.names["job"]

    @property
    def topic(self) -> str:
        """The full name of the topic of which each message is a run."""
        return f"projects/{self.project}/topics/{self.names['topic']}"

    @property
    def parent(self) -> str:
        """Where the function and the job lie."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def account_email(self) -> str:
        """The account that the function runs as."""
        return self.email("service_account")

    def email(self, key: str) -> str:
        """Return the address of one of the accounts; in a project of a domain, the domain comes last."""
        project = ".".join(reversed(self.project.split(":")))
        return f"{self.names[key]}@{project}.iam.gserviceaccount.com"

    @property
    def log_prefix(self) -> str:
        """Where the log objects lie in the bucket, and nothing else."""
        return f"{self._root}audit/"

    @property
    def state_prefix(self) -> str:
        """Where the collector keeps what it knows, outside what the feed reads."""
        return f"{self._root}state/"

    @property
    def _root(self) -> str:
        return f"{self.prefix}/" if self.prefix else ""

    @property
    def environment(self) -> dict[str, str]:
        """The function's settings as the module makes them, less those that say how long it may take."""
        named = {
            "MULE_ORG_ID": self.organization,
            "CLIENT_ID": self.client_id,
            "GCS_BUCKET": self.bucket,
            "GCS_PREFIX": self.prefix,
            "ANYPOINT_PLANE": self.plane,
            "CONTINUE_TOPIC": self.topic,
        }
        more = self.arguments.get("environment")
        return {name: value for name, value in named.items() if value} | (dict(more) if isinstance(more, dict) else {})
