"""The bucket that keeps Terraform's state: made first, in the project itself, with every version kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.cloud.deploy.deployment import bucket_start
from mulesoft_audit.cloud.google.errors import Conflict
from mulesoft_audit.errors import DeploymentError, UsageError

if TYPE_CHECKING:
    from mulesoft_audit.cloud.google.client import Google, Json

HOST = "storage.googleapis.com/storage/v1"
LOCAL = "local"


def state_bucket(project: str) -> str:
    """Return the name of a project's bucket for states, one folder a deployment."""
    return f"{bucket_start(project)}-mulesoft-audit-tfstate"


def wanted(name: str, region: str) -> Json:
    """Return the bucket's settings: old versions of a state are the way back from a bad one."""
    return {
        "name": name,
        "location": region.upper(),
        "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}, "publicAccessPrevention": "enforced"},
        "versioning": {"enabled": True},
        "labels": {"app": "mulesoft-audit"},
    }


def exists(google: Google, project: str, name: str) -> bool:
    """Return whether the project has the bucket.

    The project's own buckets are listed: a name can be guessed, and a bucket that somebody else made under it first
    would be given the state, the source or the logs, and could change what is deployed.
    """
    doing = f"look whether the bucket {name} is one of the project's"
    found = google.pages(f"{HOST}/b", "items", doing, project=project, prefix=name, fields="items(name),nextPageToken")
    return any(one["name"] == name for one in found)


def make(google: Google, project: str, name: str, region: str) -> None:
    """Make the bucket.

    Raises:
        DeploymentError: the name is taken by another project, or it is refused.
    """
    doing = f"make the bucket {name} for Terraform's state"
    try:
        google.post(f"{HOST}/b", doing, wanted(name, region), project=project)
    except Conflict as error:
        if exists(google, project, name):  # an earlier try took effect, though its answer was lost
            return
        if error.status == 409:
            raise DeploymentError(
                f"The bucket {name}, which is to keep Terraform's state, belongs to another project.",
                "Nothing was changed. Name another with --state BUCKET, or keep the state here with --state local.",
            ) from error
        raise


def named(state: str | None, project: str) -> str:
    """Return the bucket that keeps the state; "" for a file beside the configuration.

    Args:
        state: `local`, a bucket's name, or nothing.
        project: the project, which the default's name is made of.

    Raises:
        UsageError: it is no bucket's name.
    """
    if state == LOCAL:
        return ""
    name = (state or state_bucket(project)).removeprefix("gs://").strip("/")
    if "/" in name or not name:
        raise UsageError(f"--state is {state!r}; expected a bucket's name, or {LOCAL}.")
    return name
