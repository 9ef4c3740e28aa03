"""The Cloud Run function, deployed from source when the source or a setting changed."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.cloud.deploy.resource import Change, Owner, Resource, additions, compare, owner_by
from mulesoft_audit.cloud.google.errors import ApiError, Conflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

HOST = "cloudfunctions.googleapis.com/v2"
SOURCE = "mulesoft-audit-source"  #: label with the digest of the source
ENTRY_POINT = "main"
DEFAULT_TIMEOUT = 600
EVENT = "google.cloud.pubsub.topic.v1.messagePublished"
ENVIRONMENT = "serviceConfig.environmentVariables"
PLATFORM = ("LOG_EXECUTION_ID",)  #: variables that Google adds of itself
BUSY = ("DEPLOYING", "DELETING")
BUILD = 1200.0  #: seconds a build and a roll-out may take
# google.rpc.Code of failures that go away when fresh permissions have spread ("Eventarc: Troubleshoot", "Secrets").
SPREADING = frozenset({"3", "7", "9", "13"})
_WORDS = re.compile(r"permission|denied|service agent|service account|secret", re.IGNORECASE)
TRIES = 4


class Function(Resource):
    """The collector's function, authenticated and internal only, started by the topic, retried on failure."""

    kind: ClassVar[str] = "function"

    def __init__(self, google: Google, config: Deployment, source: Callable[[], bytes]) -> None:
        """Deploy the zip file that `source` returns."""
        super().__init__(google, config)
        self.name = config.function
        self.full = f"{config.parent}/functions/{config.function}"
        self._source = source
        self._zip: bytes | None = None

    def source(self) -> bytes:
        """Return the zip file to deploy."""
        if self._zip is None:
            self._zip = self._source()
        return self._zip

    def digest(self) -> str:
        """Return the digest of the source, as a label can hold it."""
        return hashlib.sha256(self.source()).hexdigest()[:40]

    def wanted(self) -> Json:
        """Return the function's settings, source and labels of ownership aside."""
        return {
            "buildConfig": _build(self.config),
            "serviceConfig": _service(self.config),
            "eventTrigger": _trigger(self.config),
            "labels": {**self.config.labels, SOURCE: self.digest()},
        }

    def observe(self) -> Json | None:
        """Return the function, settled: one that is being deployed is waited for."""
        doing = f"look at the function {self.name}"
        found = self.google.find(f"{HOST}/{self.full}", doing)
        pauses = self.google.waiting(f"see the function {self.name} settled", BUILD, every=10.0)
        while found and found.get("state") in BUSY:
            next(pauses)
            found = self.google.find(f"{HOST}/{self.full}", doing)
        return _plain(found) if found else None

    def diff(self, observed: Json) -> list[Change]:
        """Compare settings, source, and whether it works."""
        return compare({**self.wanted(), "state": "ACTIVE"}, observed, exact=(ENVIRONMENT,))

    def missing(self) -> list[Change]:
        """Return its settings."""
        return additions(self.wanted())

    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Upload the source, then create or patch; tried again while fresh permissions spread."""
        pauses = self.google.waiting(f"deploy the function {self.name} again", 600.0, every=30.0)
        for attempt in range(TRIES):
            try:
                return self._deploy(observed, adopt=adopt)
            except ApiError as error:
                # A conflict: another operation on it is under way, perhaps our own of which the answer was lost.
                if not (isinstance(error, Conflict) or spreading(error)) or attempt == TRIES - 1:
                    raise
                self.google.tell(error.message)
            next(pauses)
            observed = self.observe()
            if observed is not None and not self.diff(observed):
                return None
        return None

    def _deploy(self, observed: Json | None, *, adopt: bool) -> None:
        body = self.wanted()
        body["labels"] = {**(observed or {}).get("labels", {}), **body["labels"], **self.labels(adopt=adopt)}
        body["name"] = self.full
        stale = observed is None or any(change.field in _NEEDS_BUILD for change in self.diff(observed))
        if stale:
            body["buildConfig"] = {**body["buildConfig"], "source": {"storageSource": self._upload()}}
        doing = f"deploy the function {self.name}"
        if observed is None:
            body["environment"] = "GEN_2"
            url = f"{HOST}/{self.config.parent}/functions"
            started = self.google.post(url, doing, body, functionId=self.name)
        else:
            started = self.google.patch(
                f"{HOST}/{self.full}", doing, body, updateMask=self._mask(observed, stale=stale)
            )
        self.google.operation(HOST, started, doing, BUILD)

    def _mask(self, observed: Json, *, stale: bool) -> str:
        changed = {change.field.split(".")[0] for change in self.diff(observed)} | {"labels"}
        if "state" in changed:
            changed |= {"serviceConfig", "eventTrigger"}
        return ",".join(sorted((changed | ({"buildConfig"} if stale else set())) - {"state"}))

    def _upload(self) -> Json:
        url = f"{HOST}/{self.config.parent}/functions:generateUploadUrl"
        place = self.google.post(url, "get a place to upload the source to", {"environment": "GEN_2"})
        self.google.upload(place["uploadUrl"], self.source(), "upload the function's source")
        return dict(place["storageSource"])

    def destroy(self, observed: Json) -> None:
        """Delete it, with its trigger and its service."""
        doing = f"delete the function {self.name}"
        started = self.google.delete(f"{HOST}/{self.full}", doing)
        if started:
            self.google.operation(HOST, started, doing, BUILD)

    def owner(self, observed: Json) -> Owner:
        """Go by the label."""
        return owner_by(observed.get("labels"))


def spreading(error: ApiError) -> bool:
    """Whether a deployment failed for want of a permission that may only be too fresh; a failed build is none."""
    failed = "build failed" in error.message.lower()
    return error.reason in SPREADING and not failed and _WORDS.search(error.message) is not None


_BUILD_FIELDS = ("buildConfig.runtime", "buildConfig.entryPoint", "buildConfig.serviceAccount")
_NEEDS_BUILD = (f"labels.{SOURCE}", "state", *_BUILD_FIELDS)


def _build(config: Deployment) -> Json:
    build = {"runtime": config.runtime, "entryPoint": ENTRY_POINT}
    if config.build_account:
        build["serviceAccount"] = f"projects/{config.project}/serviceAccounts/{config.build_account}"
    return build


def environment(config: Deployment) -> dict[str, str]:
    """Return the function's plain environment variables; the client secret is never one of them."""
    named = {
        "MULE_ORG_ID": config.organization,
        "CLIENT_ID": config.client_id,
        "GCS_BUCKET": config.bucket,
        "GCS_PREFIX": config.prefix,
        "ANYPOINT_PLANE": config.plane,
        "CONTINUE_TOPIC": f"projects/{config.project}/topics/{config.topic}",
    }
    if config.timeout != DEFAULT_TIMEOUT:  # the collector ends its work in time for it
        named["CLOUD_RUN_TIMEOUT_SECONDS"] = str(config.timeout)
    return {**{name: value for name, value in named.items() if value}, **config.environment}


def _service(config: Deployment) -> Json:
    return {
        "availableMemory": config.memory,
        "availableCpu": config.cpu,
        "timeoutSeconds": config.timeout,
        "minInstanceCount": config.min_instances,
        "maxInstanceCount": config.max_instances,
        "maxInstanceRequestConcurrency": 1,
        "ingressSettings": "ALLOW_INTERNAL_ONLY",
        "allTrafficOnLatestRevision": True,
        "serviceAccountEmail": config.account_email,
        "environmentVariables": environment(config),
        "secretEnvironmentVariables": [
            {
                "key": "CLIENT_SECRET",
                "projectId": config.project,
                "secret": config.secret,
                "version": config.secret_version,
            }
        ],
    }


def _trigger(config: Deployment) -> Json:
    return {
        "triggerRegion": config.region,
        "eventType": EVENT,
        "pubsubTopic": f"projects/{config.project}/topics/{config.topic}",
        "retryPolicy": "RETRY_POLICY_RETRY",
        "serviceAccountEmail": config.account_email,
    }


def _plain(observed: Json) -> Json:
    """Return the function without what Google adds, and with its project's number read as its name.

    A secret's project may come back as a number ("SecretEnvVar"); the secret's name tells enough.
    """
    service = dict(observed.get("serviceConfig", {}))
    variables = service.get("environmentVariables", {})
    service["environmentVariables"] = {key: value for key, value in variables.items() if key not in PLATFORM}
    project = observed["name"].split("/")[1]
    secrets = service.get("secretEnvironmentVariables", [])
    service["secretEnvironmentVariables"] = [{**secret, "projectId": project} for secret in secrets]
    return {**observed, "serviceConfig": service}
