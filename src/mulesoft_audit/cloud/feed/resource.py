"""The feed as something to be planned and applied: found by what it reads, created once, changed in place.

A feed has no name of the client's choosing, and creating one is not idempotent: two feeds over one folder ingest every
entry twice. So every feed of the tenant is listed first, one that reads the same folder is the one, and a create whose
answer was lost is followed by looking, not by another create.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.cloud.feed.managed import (
    ADOPTED,
    LABEL,
    MADE,
    Change,
    Owner,
    Resource,
    additions,
    compare,
    owner_by,
    shown,
)
from mulesoft_audit.cloud.feed.settings import LOG_TYPE, SOURCE
from mulesoft_audit.cloud.google.errors import ApiError, NotEnabled, NotFound, Uncertain
from mulesoft_audit.cloud.google.policy import Binding, added, bucket_policy, removed
from mulesoft_audit.errors import DeploymentError, UsageError
from mulesoft_audit.printable import printable

if TYPE_CHECKING:
    from mulesoft_audit.cloud.feed.secops import SecOps
    from mulesoft_audit.cloud.feed.settings import Target
    from mulesoft_audit.cloud.google.client import Json

STORAGE = "storage.googleapis.com/storage/v1"
APP = "mulesoft-audit"  #: the module's label on the bucket
SETTINGS = ("gcsV2Settings", "googleCloudStorageEventDrivenSettings", "gcsSettings")
APPEAR = 60.0  #: seconds to look for a feed of which the create's answer was lost
SPREAD = 600.0  #: seconds that fresh access to the bucket is given to spread before the feed is created
OFF = ("INACTIVE", "ARCHIVED")


class Readers(Resource):
    """What the feeds' account may do in the bucket; granted before a feed is created, or its creation is refused."""

    kind: ClassVar[str] = "access"

    def __init__(self, secops: SecOps) -> None:
        super().__init__(secops.google)
        self._secops = secops
        self._bucket = secops.settings.bucket
        self._policy = bucket_policy(secops.google, self._bucket)
        self.name = f"bucket {self._bucket} (feed)"

    def _wanted(self) -> list[Binding]:
        member = f"serviceAccount:{self._secops.account}"
        return [Binding(role, member) for role in self._secops.settings.bucket_roles]

    def observe(self) -> Json | None:
        """Return the roles that are held and those that are not; None if there is no bucket."""
        try:
            policy, wanted = self._policy.read(), self._wanted()
        except (NotFound, NotEnabled):
            return None
        return {
            "held": [binding for binding in wanted if binding.held(policy)],
            "lacking": [binding for binding in wanted if not binding.held(policy)],
        }

    def diff(self, observed: Json) -> list[Change]:
        """Return a change for each role that is lacking."""
        return [Change(str(binding), "(none)", binding.member) for binding in observed["lacking"]]

    def check(self, observed: Json | None) -> None:
        """Refuse to go on without a bucket."""
        if observed is None:
            raise DeploymentError(
                f"There is no bucket {self._bucket} that a feed could read.", "Run `mulesoft-audit deploy` first."
            )

    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Add what is lacking."""
        wanted = self._wanted()
        self._policy.edit(lambda policy: added(policy, wanted))

    def destroy(self, observed: Json) -> None:
        """Remove the roles."""
        if observed["held"]:
            self._policy.edit(lambda policy: removed(policy, observed["held"]))

    def owner(self, observed: Json) -> Owner:
        """Return that a policy is shared."""
        return Owner.SHARED

    def keep(self, observed: Json) -> str:
        """Return that somebody else may rely on the roles: the account is the tenant's, for all of its feeds."""
        found = self.google.find(f"{STORAGE}/b/{self._bucket}", "look at the bucket") or {}
        if found.get("labels", {}).get("app") != APP:
            return "the bucket was not made by `mulesoft-audit deploy`"
        if any(self._stays(feed) for feed in self._secops.feeds()):
            return "another feed reads the bucket"
        return ""

    def _stays(self, feed: Json) -> bool:
        reads = uri_of(feed).startswith(f"gs://{self._secops.settings.bucket}/")
        return reads and owner_by(_labels(feed)) is not Owner.OURS


class Feed(Resource):
    """One feed over one folder."""

    kind: ClassVar[str] = "feed"

    def __init__(self, secops: SecOps, target: Target) -> None:
        super().__init__(secops.google)
        self.name = target.display_name
        self._secops = secops
        self._target = target

    def wanted(self) -> Json:
        """Return the details it should have, the full log type and ownership aside."""
        settings = self._secops.settings
        return {
            "assetNamespace": settings.namespace,
            "labels": settings.labels,
            "gcsV2Settings": {
                "bucketUri": self._target.uri,
                "sourceDeletionOption": settings.deletion,
                "maxLookbackDays": settings.max_age_days,
            },
        }

    def observe(self) -> Json | None:
        """Return the one feed that reads our folder.

        Raises:
            DeploymentError: there is more than one.
        """
        try:
            found = [feed for feed in self._secops.feeds() if self._is_it(feed)]
        except NotEnabled:
            return None
        if len(found) > 1:
            names = ", ".join(_described(feed) for feed in found)
            raise DeploymentError(
                f"Several feeds read {self._target.uri}: {names}. Every entry is ingested once by each.",
                "Delete all but one of them in SecOps, then run the command again.",
            )
        return found[0] if found else None

    def diff(self, observed: Json) -> list[Change]:
        """Compare the details, whether it is switched on, and, if it is ours, its name."""
        changes = compare(self.wanted(), _plain(observed))
        if observed.get("state") in OFF:
            changes.append(Change("state", shown(observed["state"]), "enabled"))
        if self.owner(observed) is Owner.OURS and observed.get("displayName") != self.name:
            changes.append(Change("displayName", shown(observed.get("displayName")), self.name))
        return changes

    def missing(self) -> list[Change]:
        """Return its settings."""
        return additions({"displayName": self.name, **self.wanted()})

    def check(self, observed: Json | None) -> None:
        """Refuse what SecOps would refuse, and feeds that would ingest an entry twice."""
        if observed is not None and observed.get("readOnly"):
            raise DeploymentError(
                f"The feed {_described(observed)} is read-only: the instance was linked to another project since.",
                "Delete it in SecOps and run this again. A small --feed-max-age-days keeps old logs out.",
            )
        try:
            feeds = self._secops.feeds()
        except NotEnabled:
            return
        self._check_others(feeds, observed)
        if observed is None and self._secops.knows_log_type() is False:
            raise UsageError(f"This SecOps instance does not offer the log type {LOG_TYPE} for {SOURCE} feeds.")

    def _check_others(self, feeds: list[Json], observed: Json | None) -> None:
        others = [feed for feed in feeds if observed is None or feed["name"] != observed["name"]]
        active = [feed for feed in others if feed.get("state") not in OFF]
        twice = [_described(feed) for feed in active if _overlap(uri_of(feed), self._target.uri)]
        if twice:
            raise DeploymentError(
                f"{', '.join(twice)} reads {self._target.uri} too, or part of it; entries would be ingested twice.",
                "Delete or disable that feed, or point it elsewhere, then run the command again.",
            )
        if any(feed.get("displayName") == self.name for feed in others):
            raise DeploymentError(
                f"There is a feed named {self.name} already, which reads something else.", "Choose another --feed-name."
            )

    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Create it once, or change it in place: the details whole, the name by itself, switched on by its own verb."""
        if observed is None:
            self._create(self._details({}, adopt=adopt))
            return
        changed = {change.field.split(".")[0] for change in self.diff(observed)}
        name = str(observed["name"])
        if changed - {"state", "displayName"} or owner_by(_labels(observed)) is Owner.FOREIGN:
            self._secops.change(name, {"details": self._details(observed["details"], adopt=adopt)}, "details")
        if "displayName" in changed:
            self._secops.change(name, {"displayName": self.name}, "displayName")
        if "state" in changed:
            self._secops.enable(name)

    def _details(self, before: Json, *, adopt: bool) -> Json:
        """Return the whole details: an update replaces all of them, so what is there is kept and ours laid over it."""
        wanted = self.wanted()
        kept = {
            key: value for key, value in before.get("gcsV2Settings", {}).items() if key != "chronicleServiceAccount"
        }
        details = {
            **before,
            "feedSourceType": SOURCE,
            "logType": self._secops.log_type(),
            "gcsV2Settings": {**kept, **wanted["gcsV2Settings"]},
            "labels": {**before.get("labels", {}), **wanted["labels"], **_owned(adopt=adopt)},
        }
        if wanted["assetNamespace"]:
            details["assetNamespace"] = wanted["assetNamespace"]
        return details

    def _create(self, details: Json) -> None:
        body = {"displayName": self.name, "details": details}
        pauses = self.google.waiting("let the feed's access to the bucket spread", SPREAD, every=30.0)
        while True:
            try:
                self._secops.create(body)
            except Uncertain as error:
                self.google.tell(f"{error.message} Looking whether the feed was made all the same.")
                if self._appears():
                    return
            except ApiError as error:
                if error.reason != "FAILED_PRECONDITION" and error.status != 429:
                    raise
            else:
                return
            next(pauses)
            if self.observe() is not None:
                return

    def _appears(self) -> bool:
        start = self.google.stop.clock.monotonic()
        while self.google.stop.clock.monotonic() - start < APPEAR:
            if self.observe() is not None:
                return True
            self.google.stop.sleep(15.0)
        return self.observe() is not None

    def destroy(self, observed: Json) -> None:
        """Delete it; nothing that was ingested goes with it."""
        self._secops.delete(str(observed["name"]))

    def owner(self, observed: Json) -> Owner:
        """Go by its ingestion label."""
        return owner_by(_labels(observed))

    def _is_it(self, feed: Json) -> bool:
        details = feed.get("details", {})
        kind = str(details.get("logType", "")).rsplit("/", 1)[-1]
        same = details.get("feedSourceType") == SOURCE and kind == LOG_TYPE
        return same and uri_of(feed) == self._target.uri


def uri_of(feed: Json) -> str:
    """Return the folder that a feed of any Cloud Storage kind reads, with one slash at its end; "" for other kinds."""
    details = feed.get("details", {})
    found = next((str(details[key].get("bucketUri", "")) for key in SETTINGS if key in details), "")
    return f"{found.rstrip('/*')}/" if found else ""


def _overlap(one: str, other: str) -> bool:
    return bool(one) and (one.startswith(other) or other.startswith(one))


def _plain(observed: Json) -> Json:
    details = observed.get("details", {})
    return {**details, "gcsV2Settings": {**details.get("gcsV2Settings", {}), "bucketUri": uri_of(observed)}}


def _labels(observed: Json) -> dict[str, str]:
    return dict(observed.get("details", {}).get("labels", {}))


def _owned(*, adopt: bool) -> dict[str, str]:
    return {LABEL: ADOPTED if adopt else MADE}


def _described(feed: Json) -> str:
    return printable(f"{feed.get('displayName', '?')} ({str(feed.get('name', '')).rsplit('/', 1)[-1]})", 120)
