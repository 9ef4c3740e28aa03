"""What the feed should be: whose tenant, what it reads, and what becomes of what it has read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mulesoft_audit.errors import UsageError

LOG_TYPE = "MULESOFT"
SOURCE = "GOOGLE_CLOUD_STORAGE_V2"
NEVER, ON_SUCCESS = "NEVER", "ON_SUCCESS"
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True, slots=True)
class Target:
    """One feed: its name, and the folder it reads."""

    display_name: str
    uri: str


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """The feed, or one for each business group.

    Attributes:
        project: the Cloud project that the SecOps instance is linked to.
        location: of the instance: `us`, `eu`, `europe-west3`, …
        instance: the instance's customer ID.
        bucket: where the archive is.
        log_prefix: the folder of log objects in it, ending in a slash.
        display_name: of the feed.
        deletion: `NEVER`, or `ON_SUCCESS` to have the feed delete what it has read.
        max_age_days: objects changed longer ago are not read; the feed reads at most 180 days back.
        namespace: asset namespace given to every event; empty for none.
        labels: ingestion labels given to every event.
        organizations: a feed for each of these; empty for one that reads all.
        host: of the Chronicle API; empty to derive it from the location.
    """

    project: str
    location: str
    instance: str
    bucket: str
    log_prefix: str = "audit/"
    display_name: str = "MuleSoft Logs"
    deletion: str = NEVER
    max_age_days: int = 30
    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    organizations: tuple[str, ...] = ()
    host: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(_UUID, self.instance):
            raise UsageError(
                f"The SecOps instance is {self.instance!r}; expected a customer ID such as "
                "01234567-89ab-cdef-0123-456789abcdef.",
                "SecOps shows it under Settings, SIEM Settings, Profile.",
            )
        if not re.fullmatch(r"[a-z]+(-[a-z]+\d+)?", self.location):
            raise UsageError(f"The SecOps location is {self.location!r}; expected for example us, eu or europe-west3.")
        if self.deletion not in (NEVER, ON_SUCCESS):
            raise UsageError(f"The deletion option is {self.deletion!r}; expected {NEVER} or {ON_SUCCESS}.")
        if not 1 <= self.max_age_days <= 180:
            raise UsageError(f"The maximum age is {self.max_age_days} days; a feed takes 1 to 180.")
        for one in self.organizations:
            if not re.fullmatch(_UUID, one):
                raise UsageError(f"The business group is {one!r}; expected its ID.")
        if self.host and not re.fullmatch(r"([a-z0-9-]+\.)+googleapis\.com", self.host):
            raise UsageError(f"The SecOps host is {self.host!r}; expected a name under googleapis.com.")

    @property
    def parent(self) -> str:
        """The instance's full name."""
        return f"projects/{self.project}/locations/{self.location}/instances/{self.instance}"

    @property
    def targets(self) -> tuple[Target, ...]:
        """The feeds there should be."""
        root = f"gs://{self.bucket}/{self.log_prefix}"
        if not self.organizations:
            return (Target(self.display_name, root),)
        return tuple(Target(f"{self.display_name} {one}", f"{root}{one}/") for one in self.organizations)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts to try: the regional one of the reference, then the older form, which spells `eu` differently."""
        if self.host:
            return (self.host,)
        short, long = ("eu", "europe") if self.location in ("eu", "europe") else (self.location, self.location)
        return f"chronicle.{short}.rep.googleapis.com", f"{long}-chronicle.googleapis.com"

    @property
    def bucket_roles(self) -> tuple[str, str]:
        """The two roles that the feed's account needs on the bucket ("Use the Feed Management UI")."""
        second = "legacyBucketWriter" if self.deletion == ON_SUCCESS else "legacyBucketReader"
        return "roles/storage.objectViewer", f"roles/storage.{second}"
