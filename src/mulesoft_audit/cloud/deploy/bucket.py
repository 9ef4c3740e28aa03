"""The bucket that holds the archive, and what the collector may do in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.cloud.deploy.iam import Access, Binding, Policy
from mulesoft_audit.cloud.deploy.resource import Change, Owner, Resource, additions, compare, owner_by
from mulesoft_audit.errors import PermissionMissing, UsageError

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

HOST = "storage.googleapis.com/storage/v1"
DAY = 86400
IMMUTABLE = ("location",)  # "Moving and renaming buckets"; the storage class is only a default and may change


class Bucket(Resource):
    """The archive's bucket: private, uniform access, deletions undoable."""

    kind: ClassVar[str] = "bucket"

    def __init__(self, google: Google, config: Deployment, *, delete_logs: bool = False) -> None:
        """Deploy it as `config` says; `delete_logs` lets `destroy` empty it."""
        super().__init__(google, config)
        self.name = config.bucket
        self._url = f"{HOST}/b/{config.bucket}"
        self._delete_logs = delete_logs

    def wanted(self) -> Json:
        """Return the settings it should have."""
        config = self.config
        return {
            "location": config.bucket_location,
            "storageClass": config.storage_class,
            "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}, "publicAccessPrevention": "enforced"},
            "versioning": {"enabled": config.versioning},
            "softDeletePolicy": {"retentionDurationSeconds": str(config.soft_delete_days * DAY)},
            "lifecycle": {"rule": lifecycle(config)},
            "labels": config.labels,
        }

    def observe(self) -> Json | None:
        """Return the bucket.

        Raises:
            PermissionMissing: it may be somebody else's: names are shared by the world.
        """
        try:
            return self.google.find(self._url, f"look at the bucket {self.name}")
        except PermissionMissing as error:
            hint = f"{error.hint} If {self.name} is not yours, choose another --bucket: names are shared by the world."
            raise PermissionMissing(error.message, hint) from error

    def diff(self, observed: Json) -> list[Change]:
        """Compare everything but the name."""
        return compare(self.wanted(), _plain(observed))

    def missing(self) -> list[Change]:
        """Return its settings."""
        return additions(self.wanted())

    def check(self, observed: Json | None) -> None:
        """Refuse to change what cannot be changed."""
        stuck = [change for change in self.diff(observed) if change.field in IMMUTABLE] if observed else []
        if stuck:
            raise UsageError(
                f"The bucket {self.name} lies in {stuck[0].before}, not in {stuck[0].after}; a bucket cannot be moved.",
                f"Say --bucket-location {stuck[0].before}, or choose another bucket.",
            )

    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Create or patch it."""
        body = {**self.wanted(), "labels": self.labels(adopt=adopt)}
        if observed is None:
            body["name"] = self.name
            self.google.post(f"{HOST}/b", f"create the bucket {self.name}", body, project=self.config.project)
            return
        changed = {change.field.split(".")[0] for change in self.diff(observed)} | {"labels"}
        self.google.patch(self._url, f"change the bucket {self.name}", {key: body[key] for key in changed})

    def destroy(self, observed: Json) -> None:
        """Delete it, with what it holds if that was said twice."""
        for item in self._objects():
            self._delete(item)
        self.google.delete(self._url, f"delete the bucket {self.name}")

    def keep(self, observed: Json) -> str:
        """Return that it holds logs, unless it was twice said to be emptied."""
        if self._delete_logs or not (objects := self._objects()):
            return ""
        return f"it holds {len(objects)} objects; --delete-logs --confirm-bucket {self.name} deletes them for good"

    def owner(self, observed: Json) -> Owner:
        """Go by the label."""
        return owner_by(observed.get("labels"))

    def _objects(self) -> list[Json]:
        doing = f"list the bucket {self.name}"
        return list(self.google.pages(f"{self._url}/o", "items", doing, versions="true", fields=_FIELDS))

    def _delete(self, item: Json) -> None:
        from urllib.parse import quote

        url = f"{self._url}/o/{quote(item['name'], safe='')}"
        self.google.delete(url, f"delete {item['name']}", generation=item["generation"])


_FIELDS = "items(name,generation),nextPageToken"


def lifecycle(config: Deployment) -> list[Json]:
    """Return the lifecycle rules: old log objects go, the state stays ("Object Lifecycle Management")."""
    rules: list[Json] = []
    if config.delete_after_days:
        condition = {"age": config.delete_after_days, "matchesPrefix": [config.log_prefix]}
        rules.append({"action": {"type": "Delete"}, "condition": condition})
    if config.versioning:
        rules.append({"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": config.noncurrent_days}})
    return rules


def _plain(observed: Json) -> Json:
    """Return the bucket with what Google spells in several ways spelt in one."""
    soft = observed.get("softDeletePolicy", {}).get("retentionDurationSeconds", "0")
    return {
        **observed,
        "location": observed.get("location", "").upper(),
        "softDeletePolicy": {"retentionDurationSeconds": str(soft)},
    }


def bucket_policy(google: Google, bucket: str) -> Policy:
    """Return the policy of a bucket."""
    return Policy(google, f"{HOST}/b/{bucket}", f"the bucket {bucket}", storage=True)


def collector_access(google: Google, config: Deployment) -> Access:
    """Return what the collector may do in the bucket: no role on the project, and overwriting in `state/` only.

    Reading and creating objects is enough for the log objects, which are never rewritten. Manifests are; overwriting
    takes `storage.objects.delete`, which a condition on the object's name confines to the state
    ("IAM Conditions: resource.name", "Cloud Storage: IAM roles").
    """
    member = f"serviceAccount:{config.account_email}"

    def wanted() -> list[Binding]:
        if not config.confine_overwrites:
            return [Binding("roles/storage.objectUser", member)]
        state = f'resource.name.startsWith("projects/_/buckets/{config.bucket}/objects/{config.state_prefix}")'
        return [
            Binding("roles/storage.objectViewer", member),
            Binding("roles/storage.objectCreator", member),
            Binding("roles/storage.objectUser", member, ("mulesoft-audit state only", state)),
        ]

    return Access(google, config, lambda: bucket_policy(google, config.bucket), wanted, f"bucket {config.bucket}")
