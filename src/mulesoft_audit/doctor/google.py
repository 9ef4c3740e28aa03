"""The collector in Google Cloud: APIs, secret, function, schedule, and what the last run said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit import refusal
from mulesoft_audit.cloud.deploy.existing import FUNCTIONS, SECRETS
from mulesoft_audit.cloud.deploy.run import SCHEDULER
from mulesoft_audit.cloud.google.errors import NotEnabled, NotFound
from mulesoft_audit.doctor.delivery import judged_delivery, wrong
from mulesoft_audit.doctor.finding import Check, Finding, fail, ok, skipped, warn
from mulesoft_audit.doctor.freshness import DAILY, DAY, interval_minutes, silence_minutes
from mulesoft_audit.doctor.logged_run import judged_run, newest_log
from mulesoft_audit.errors import AuditError, DeploymentError, PermissionMissing
from mulesoft_audit.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mulesoft_audit.cloud.deploy.deployment import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

DEPLOY = "Run `mulesoft-audit deploy`: it makes what is missing and leaves the rest alone."
NOTHING = "there is no function yet"
#: Those that the module switches on (terraform/services.tf), less the one that only a static address needs.
NEEDED = tuple(
    f"{name}.googleapis.com"
    for name in (
        *("artifactregistry", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "cloudscheduler", "iam"),
        *("logging", "monitoring", "pubsub", "run", "secretmanager", "storage"),
    )
)
PUBSUB = "pubsub.googleapis.com/v1"
NETWORK = "compute.googleapis.com"

GOOGLE, APIS, SECRET, FUNCTION = "Google Cloud", "Google APIs", "stored secret", "function"
JOB, DELIVERY, LAST_RUN = "schedule", "delivery", "last run"


def disabled(google: Google, project: str, apis: Sequence[str]) -> tuple[str, ...]:
    """Return those of some APIs, at most 30, that are off in a project.

    Raises:
        PermissionMissing: one may not see that.
    """
    services = f"projects/{project}/services"
    found = google.get(
        f"serviceusage.googleapis.com/v1/{services}:batchGet",
        f"see which APIs are enabled in {project}",
        names=[f"{services}/{api}" for api in apis],
    )
    on = {one["name"].rsplit("/", 1)[-1] for one in found.get("services", []) if one.get("state") == "ENABLED"}
    return tuple(api for api in apis if api not in on)


def broken(detail: str, hint: str = DEPLOY, name: str = "") -> Finding:
    """Return that something in Google Cloud is missing or wrong."""
    return fail(detail, hint, DeploymentError.exit_code, name)


@dataclass(slots=True)
class Cloud:
    """One look at a deployment.

    Attributes:
        open: returns a client with the caller's own credentials.
        config: what should be there.
        max_age: milliseconds after which something is stale, if that does not follow from the schedule.
        service: the full name of the function's Cloud Run service, once it is known to work.
        absent: whether there is no function, so that nothing is deployed yet, or nothing is left.
        function: as Cloud Functions shows it; empty if that is not known.
    """

    open: Callable[[], Google]
    config: Deployment
    max_age: int = 0
    service: str = ""
    absent: bool = False
    function: Json = field(default_factory=dict)
    _google: Google | None = None
    _disabled: tuple[str, ...] | None = None
    _job: Json | None = None

    def checks(self) -> list[Check]:
        """Return the checks; each needs nothing but credentials."""
        looks: dict[str, Callable[[], Finding]] = {
            APIS: self.check_apis,
            SECRET: self.check_secret,
            FUNCTION: self.check_function,
            JOB: self.check_job,
            DELIVERY: self.check_delivery,
            LAST_RUN: self.check_last_run,
        }
        return [Check(GOOGLE, self.check_google), *(Check(name, look, (GOOGLE,)) for name, look in looks.items())]

    @property
    def google(self) -> Google:
        """The client.

        Raises:
            CredentialsError: there are no credentials.
            UsageError: the Google libraries are not installed.
        """
        if self._google is None:
            self._google = self.open()
        return self._google

    def check_google(self) -> Finding:
        """See whether Google knows who asks; whether that one may see this project is another question."""
        try:
            self._disabled = disabled(self.google, self.config.project, self._needed)
        except PermissionMissing as error:
            return warn(f"who asks is known, but may not see which APIs are on. {error.message}", error.hint)
        return ok(f"project {self.config.project}")

    @property
    def _needed(self) -> tuple[str, ...]:
        return (*NEEDED, *([NETWORK] if self.config.arguments.get("static_egress_ip") else []))

    def check_apis(self) -> Finding:
        """Say which APIs are off."""
        if self._disabled is None:
            return skipped("which APIs are on may not be seen", "Ask for roles/serviceusage.serviceUsageViewer.")
        if self._disabled:
            command = f"`gcloud services enable {' '.join(self._disabled)} --project {self.config.project}`"
            said = f"not enabled in {self.config.project}: {', '.join(self._disabled)}"
            return broken(said, f"{DEPLOY} Or: {command}.")
        return ok(f"every API that is needed is on in {self.config.project}")

    def _find(self, url: str, what: str) -> Json | None:
        """Return what lies at `url`; None if nothing does, or if it is known already that its API is off."""
        try:
            return self.google.get(url, what)
        except NotFound:
            return None
        except NotEnabled:
            if self._disabled is None:
                raise
            return None

    def check_secret(self) -> Finding:
        """Look whether a client secret is stored; its value is not read."""
        name, url = self.config.secret.rsplit("/", 1)[-1], f"{SECRETS}/{self.config.secret}"
        if self._find(url, f"look at the secret {name}") is None:
            return broken(f"{name} does not exist")
        if self._find(f"{url}/versions/latest", f"look at {name}") is None:
            return broken(f"{name} has no version")
        return ok(f"{name} has a version")

    def check_function(self) -> Finding:
        """Look at the function's state, and the names (never the values) of its environment."""
        name = self.config.function
        url = f"{FUNCTIONS}/{self.config.parent}/functions/{name}"
        found = self._find(url, f"look at the function {name}")
        self.absent, self.function = found is None, found or {}
        if found is None:
            return broken(f"{name} does not exist in {self.config.region}")
        service = found.get("serviceConfig", {})
        plain, secrets = set(service.get("environmentVariables", {})), _secret_names(service)
        detail = f"{name}: {_state(found)}, revision {printable(str(service.get('revision', '(none)')))}"
        if found.get("state") != "ACTIVE":
            said = _messages(found)
            return broken(f"{detail}. {said}".rstrip(), refusal.remedy({"message": said}) or DEPLOY)
        self.service = str(service.get("service", ""))
        if "CLIENT_SECRET" in plain:
            return broken(
                f"{detail}: CLIENT_SECRET is a plain environment variable, which everybody can read who may look"
            )
        if found.get("eventTrigger"):
            hint = 'docs/deploy.md, "Taking over what was made by hand", says how to replace it.'
            return warn(f"{detail}: it has an event trigger, so that it has 540 s at most", hint)
        if odd := self._odd(service):
            return warn(f"{detail}: not as the settings here: {', '.join(odd)}", DEPLOY)
        return ok(f"{detail}; environment {', '.join(sorted(plain | secrets))}")

    def _odd(self, service: Json) -> list[str]:
        """Return the names of variables that are set otherwise than here."""
        plain = service.get("environmentVariables", {})
        wanted = self.config.environment
        odd = [name for name, value in wanted.items() if plain.get(name) != value]
        return sorted(odd + ([] if "CLIENT_SECRET" in _secret_names(service) else ["CLIENT_SECRET"]))

    def check_job(self) -> Finding:
        """Look at the schedule and what became of its last attempt."""
        found = self._job_found()
        if found is None:
            return broken(f"{self.config.job} does not exist in {self.config.region}")
        detail = printable(f"{self.config.job}: {found.get('schedule')} {found.get('timeZone', 'UTC')}")
        if found.get("state", "ENABLED") != "ENABLED":
            hint = f"gcloud scheduler jobs resume {self.config.job} --location {self.config.region}"
            return broken(f"{detail} is {str(found['state']).lower()}: nothing starts a run", hint)
        if code := found.get("status", {}).get("code"):
            said = printable(f"{code} {found['status'].get('message', '')}".rstrip(), 300)
            return broken(f"{detail}: its last attempt failed ({said})", refusal.remedy(found["status"]) or DEPLOY)
        last = found.get("lastAttemptTime")
        return ok(f"{detail}, last attempt {printable(str(last)) if last else 'not yet made'}")

    def check_delivery(self) -> Finding:
        """Look at the push subscription: it stands between the topic and the function."""
        name = self.config.names["subscription"]
        found = self._find(f"{PUBSUB}/projects/{self.config.project}/subscriptions/{name}", f"look at {name}")
        if found is None and self.absent:
            return skipped(NOTHING)
        if found is None and self.function.get("eventTrigger"):
            return skipped("the function's event trigger delivers, by a subscription of its own")
        if found is None:
            return broken(f"{name} does not exist: no message reaches the function")
        if trouble := wrong(found, self.config, self.function):
            return broken(f"{name} {trouble}")
        return judged_delivery(found, name, self.function, DEPLOY)

    def _job_found(self) -> Json | None:
        """Return the job, looked up once; None if there is none."""
        if self._job is None:
            url = f"{SCHEDULER}/{self.config.parent}/jobs/{self.config.job}"
            self._job = self._find(url, f"look at the job {self.config.job}")
        return self._job

    def stale_after(self) -> int:
        """Return the milliseconds after the last success from which on the collector is stale.

        The schedule is that of the job; if that cannot be seen, the one that it would be deployed with.
        """
        if not self.max_age:
            self.max_age = self._by_schedule()
        return self.max_age

    def _by_schedule(self) -> int:
        arguments = self.config.arguments
        try:
            job = self._job_found() or {}
        except AuditError:
            job = {}  # the check of the schedule says why
        schedule = str(job.get("schedule") or arguments.get("schedule") or DAILY)
        given = arguments.get("schedule_interval_minutes")
        interval = int(str(given)) if given else interval_minutes(schedule) or DAY
        return silence_minutes(interval) * 60_000

    def check_last_run(self) -> Finding:
        """Read what the newest run logged."""
        if self.absent:
            return skipped(NOTHING)
        try:
            newest = newest_log(self.google, self.config)
        except PermissionMissing:
            return skipped("its logs may not be read", "Ask for roles/logging.viewer on the project.")
        now = self.google.stop.clock.time()
        return judged_run(newest, now, stale_after=self.stale_after, job=self.config.job)


def _secret_names(service: Json) -> set[str]:
    return {str(one.get("key", "")) for one in service.get("secretEnvironmentVariables", [])}


def _state(found: Json) -> str:
    return printable(str(found.get("state", "of no state")))


def _messages(found: Json) -> str:
    return printable(" ".join(str(one.get("message", "")) for one in found.get("stateMessages", [])))[:400]
