"""The job that publishes to the topic, once a day by default."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.cloud.deploy.resource import Change, Owner, Resource, additions, compare, mark, owner_by_text

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

HOST = "cloudscheduler.googleapis.com/v1"
MESSAGE = b"{}"


class Job(Resource):
    """The schedule. A job has no labels, so its description says whose it is; a paused one stays paused."""

    kind: ClassVar[str] = "job"

    def __init__(self, google: Google, config: Deployment) -> None:
        super().__init__(google, config)
        self.name = config.job
        self.full = f"{config.parent}/jobs/{config.job}"

    def wanted(self) -> Json:
        """Return its settings."""
        return {
            "schedule": self.config.schedule,
            "timeZone": self.config.time_zone,
            "pubsubTarget": {
                "topicName": f"projects/{self.config.project}/topics/{self.config.topic}",
                "data": base64.b64encode(MESSAGE).decode(),
            },
            "retryConfig": {"retryCount": 3},
        }

    def observe(self) -> Json | None:
        """Return the job."""
        return self.google.find(f"{HOST}/{self.full}", f"look at the job {self.name}")

    def diff(self, observed: Json) -> list[Change]:
        """Compare its settings."""
        return compare(self.wanted(), observed)

    def missing(self) -> list[Change]:
        """Return its settings."""
        return additions(self.wanted())

    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Create or patch it."""
        about = f"Starts a collection of MuleSoft audit logs. {mark(adopt=adopt)}"
        body = {"name": self.full, "description": about, **self.wanted()}
        if observed is None:
            self.google.post(f"{HOST}/{self.config.parent}/jobs", f"create the job {self.name}", body)
            return
        mask = ",".join(["description", *self.wanted()])
        self.google.patch(f"{HOST}/{self.full}", f"change the job {self.name}", body, updateMask=mask)

    def run(self) -> None:
        """Make it publish now; a run too many finds nothing to do."""
        self.google.post(f"{HOST}/{self.full}:run", f"start the job {self.name}")

    def destroy(self, observed: Json) -> None:
        """Delete it."""
        self.google.delete(f"{HOST}/{self.full}", f"delete the job {self.name}")

    def owner(self, observed: Json) -> Owner:
        """Go by the mark in the description."""
        return owner_by_text(observed.get("description"))
