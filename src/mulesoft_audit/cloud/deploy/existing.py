"""What is there already under the names of a deployment, and is not in Terraform's state: made by hand, as a rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.deploy import state_bucket
from mulesoft_audit.cloud.deploy.root import MODULE, Import
from mulesoft_audit.errors import DeploymentError, PermissionMissing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mulesoft_audit.cloud.deploy.deployment import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

STORAGE = "storage.googleapis.com/storage/v1"
SECRETS = "secretmanager.googleapis.com/v1"
FUNCTIONS = "cloudfunctions.googleapis.com/v2"
FUNCTION = "google_cloudfunctions2_function.collector"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one part of a deployment is.

    Attributes:
        kind: what it is.
        address: of the resource in the module, without the number of its only instance.
        many: whether the module makes none or one of it, so that its address has a number.
        url: where Google shows it.
        id: what the provider's import calls it.
    """

    kind: str
    address: str
    many: bool
    url: str
    id: str

    @property
    def full(self) -> str:
        """The address in the root configuration, as a state without numbers has it."""
        return f"{MODULE}.{self.address}"

    @property
    def imported(self) -> Import:
        """The import of it."""
        return Import(f"{self.full}[0]" if self.many else self.full, self.id)


def places(deployment: Deployment) -> list[Place]:
    """Return everything of a deployment that somebody can have made by hand, and that has one name only.

    Roles are not among it, nor are APIs: adding them a second time changes nothing.
    """
    names, parent = deployment.names, deployment.parent
    project = f"projects/{deployment.project}"

    def account(kind: str, key: str, *, many: bool) -> Place:
        path = f"{project}/serviceAccounts/{deployment.email(key)}"
        return Place("service account", f"google_service_account.{kind}", many, f"iam.googleapis.com/v1/{path}", path)

    def bucket(kind: str, key: str) -> Place:
        return Place("bucket", f"google_storage_bucket.{kind}", True, f"{STORAGE}/b/{names[key]}", names[key])

    def pubsub(kind: str, address: str, key: str) -> Place:
        path = f"{project}/{kind}s/{names[key]}"
        return Place(kind, f"google_pubsub_{kind}.{address}", False, f"pubsub.googleapis.com/v1/{path}", path)

    secret, function = f"{project}/secrets/{names['secret']}", f"{parent}/functions/{deployment.function}"
    job = f"{parent}/jobs/{deployment.job}"
    found = [
        account("collector", "service_account", many=False),
        account("push", "push_service_account", many=False),
        account("build", "build_service_account", many=True),
        bucket("archive", "bucket"),
        bucket("source", "source_bucket"),
        Place("secret", "google_secret_manager_secret.client", True, f"{SECRETS}/{secret}", secret),
        pubsub("topic", "trigger", "topic"),
        pubsub("topic", "dead_letter", "dead_letter_topic"),
        pubsub("subscription", "push", "subscription"),
        pubsub("subscription", "dead_letter", "dead_letter_subscription"),
        Place("function", FUNCTION, False, f"{FUNCTIONS}/{function}", function),
        Place("job", "google_cloud_scheduler_job.export", False, f"cloudscheduler.googleapis.com/v1/{job}", job),
    ]
    unmade = {
        "google_storage_bucket.archive": deployment.existing_bucket,
        "google_storage_bucket.source": deployment.arguments.get("source_bucket"),
        "google_secret_manager_secret.client": deployment.existing_secret,
        "google_service_account.build": deployment.arguments.get("build_service_account"),
    }
    return [one for one in found if not unmade.get(one.address)]


def unknown(google: Google, deployment: Deployment, known: Iterable[str]) -> list[Place]:
    """Return what exists and Terraform does not know.

    Args:
        google: the client.
        deployment: whose names are looked for.
        known: addresses in Terraform's state, without numbers.

    Raises:
        DeploymentError: a function has an event trigger, which cannot be taken over; or a bucket is another project's.
        PermissionMissing: something may not be looked at, for example a bucket that is somebody else's.
    """
    held = set(known)
    found = []
    for place in places(deployment):
        if place.full in held:
            continue
        seen = _look(google, place)
        if seen is None:
            continue
        if place.address == FUNCTION and seen.get("eventTrigger"):
            raise _triggered(deployment)
        if place.kind == "bucket" and not state_bucket.exists(google, deployment.project, place.id):
            raise _somebody_elses(place)
        found.append(place)
    return found


def _look(google: Google, place: Place) -> Json | None:
    try:
        return google.find(place.url, f"look whether there is a {place.kind} {place.id}")
    except PermissionMissing as error:
        if place.kind != "bucket":
            raise
        hint = f"If {place.id} is not yours, choose another --bucket or --name: names are shared by the world."
        raise PermissionMissing(error.message, f"{error.hint} {hint}") from error


def _somebody_elses(place: Place) -> DeploymentError:
    """Return that a bucket is not to be taken over.

    Whoever made it, and opened it to all, could read the logs, or change the source that the function is built from.
    """
    return DeploymentError(
        f"The bucket {place.id} belongs to another project, or its owner cannot be seen. Nothing was changed.",
        "Names are shared by the world, and this one can be guessed. Choose another --bucket or --name.",
    )


def _triggered(deployment: Deployment) -> DeploymentError:
    return DeploymentError(
        f"The function {deployment.function} has an event trigger, which cannot be taken from it. Nothing was changed.",
        f"Delete it with `gcloud functions delete {deployment.function} --region {deployment.region}`; the topic and "
        "the logs stay. Or choose another --function.",
    )


def refuse(found: Iterable[Place]) -> None:
    """Raise if there is anything: making it would fail, half-way through.

    Raises:
        DeploymentError: naming it.
    """
    if names := ", ".join(f"{place.kind} {place.id}" for place in found):
        raise DeploymentError(
            f"These exist already and are not in Terraform's state: {names}. Nothing was changed.",
            "--adopt takes them over, as the plan will show; --name NAME makes others beside them.",
        )


def settled(google: Google, deployment: Deployment) -> Deployment:
    """Return the deployment with what cannot be changed any more as it is, where nothing else is said.

    That is the bucket's location and where the secret is kept: with other values, Terraform would make both anew.
    """
    arguments = dict(deployment.arguments)
    if not deployment.existing_bucket and "bucket_location" not in arguments:
        bucket = _seen(google, f"{STORAGE}/b/{deployment.bucket}", "the bucket")
        place = str((bucket or {}).get("location", "")).upper()
        if place not in ("", deployment.region.upper()):
            arguments["bucket_location"] = place
    if not deployment.existing_secret and "secret_locations" not in arguments:
        secret = _seen(google, f"{SECRETS}/{deployment.secret}", "the secret")
        if secret is not None:
            replicas = secret.get("replication", {}).get("userManaged", {}).get("replicas", [])
            locations = [str(one["location"]) for one in replicas]
            if locations != [deployment.region]:
                arguments["secret_locations"] = locations
    return replace(deployment, arguments=arguments)


def _seen(google: Google, url: str, what: str) -> Json | None:
    try:
        return google.find(url, f"look at {what}")
    except PermissionMissing:
        return None  # `unknown` says so, where it matters
