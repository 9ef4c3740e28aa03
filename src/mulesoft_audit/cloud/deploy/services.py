"""The APIs that must be switched on in the project, and the project's number."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.cloud.deploy.resource import Change, Owner, Resource

if TYPE_CHECKING:
    from mulesoft_audit.cloud.google.client import Google, Json

# What each is for: docs/deploy.md. Cloud Build and Artifact Registry build and hold the function's container;
# Eventarc carries the topic's messages to it ("Cloud Run functions: Create triggers from Pub/Sub events").
APIS = (
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "eventarc.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
)


class Services(Resource):
    """The APIs, enabled. They are never switched off again: something else may use them."""

    kind: ClassVar[str] = "services"
    name = "Google APIs"

    def observe(self) -> Json | None:
        """Return the APIs that are not enabled."""
        project = f"projects/{self.config.project}"
        answer = self.google.get(
            f"serviceusage.googleapis.com/v1/{project}/services:batchGet",
            "see which APIs are enabled",
            names=[f"{project}/services/{api}" for api in APIS],
        )
        on = {one["name"].rsplit("/", 1)[-1] for one in answer.get("services", []) if one.get("state") == "ENABLED"}
        return {"disabled": [api for api in APIS if api not in on]}

    def diff(self, observed: Json) -> list[Change]:
        """Return a change for each API that is off."""
        return [Change(api, "disabled", "enabled") for api in observed["disabled"]]

    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Switch on what is off, in one request."""
        off = (observed or {}).get("disabled", list(APIS))
        started = self.google.post(
            f"serviceusage.googleapis.com/v1/projects/{self.config.project}/services:batchEnable",
            "enable APIs",
            {"serviceIds": off},
        )
        self.google.operation("serviceusage.googleapis.com/v1", started, "enable APIs", 300.0)

    def destroy(self, observed: Json) -> None:
        """Leave them on."""

    def keep(self, observed: Json) -> str:
        """Return why."""
        return "something else may use them"

    def owner(self, observed: Json) -> Owner:
        """Return that they are shared."""
        return Owner.SHARED


class Project:
    """The project's number, which Google's own accounts are named after; asked for once."""

    def __init__(self, google: Google, project: str) -> None:
        self._google = google
        self._project = project
        self._number = ""

    @property
    def number(self) -> str:
        """The project's number."""
        if not self._number:
            found = self._google.get(
                f"cloudresourcemanager.googleapis.com/v3/projects/{self._project}", "read the project's number"
            )
            self._number = found["name"].rsplit("/", 1)[-1]
        return self._number

    @property
    def pubsub_agent(self) -> str:
        """The account that Pub/Sub itself acts as ("Dead-letter topics")."""
        return f"serviceAccount:service-{self.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
