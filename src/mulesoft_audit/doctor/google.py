"""The collector in Google Cloud: APIs, secret, function, access, schedule, and what the last run said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.deploy.existing import FUNCTIONS, SECRETS
from mulesoft_audit.cloud.deploy.run import LOGGING, REQUESTS, SCHEDULER
from mulesoft_audit.cloud.google.errors import NotEnabled, NotFound
from mulesoft_audit.cloud.google.policy import Binding, Policy, bucket_policy
from mulesoft_audit.doctor.finding import Check, Finding, fail, failed, ok, skipped, warn
from mulesoft_audit.errors import AuditError, DeploymentError, PermissionMissing
from mulesoft_audit.printable import printable
from mulesoft_audit.times import ago

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mulesoft_audit.cloud.deploy.deployment import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

DEPLOY = "Run `mulesoft-audit deploy`: it makes what is missing and leaves the rest alone."
FRESH_SECONDS = 26 * 3600
#: Those that the module switches on (terraform/services.tf), less the one that only a static address needs.
NEEDED = tuple(
    f"{name}.googleapis.com"
    for name in (
        *("artifactregistry", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "cloudscheduler", "iam"),
        *("logging", "monitoring", "pubsub", "run", "secretmanager", "storage"),
    )
)
LOGS_DAYS = 30  #: how far back logs are looked through; Cloud Logging keeps them as long by default

GOOGLE, APIS, SECRET, FUNCTION = "Google Cloud", "Google APIs", "stored secret", "function"
ROLES, JOB, LAST_RUN = "roles", "schedule", "last run"


def broken(detail: str, hint: str = DEPLOY, name: str = "") -> Finding:
    """Return that something in Google Cloud is missing or wrong."""
    return fail(detail, hint, DeploymentError.exit_code, name)


@dataclass(slots=True)
class Cloud:
    """One look at a deployment.

    Attributes:
        open: returns a client with the caller's own credentials.
        config: what should be there.
    """

    open: Callable[[], Google]
    config: Deployment
    _google: Google | None = None
    _disabled: tuple[str, ...] = ()
    _service: str = ""

    def checks(self) -> list[Check]:
        """Return the checks; each needs nothing but credentials."""
        looks: dict[str, Callable[[], Finding | Iterator[Finding]]] = {
            APIS: self.check_apis,
            SECRET: self.check_secret,
            FUNCTION: self.check_function,
            ROLES: self.check_roles,
            JOB: self.check_job,
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
            self._disabled = tuple(self._off())
        except PermissionMissing as error:
            return warn(f"who asks is known, but may not see which APIs are on. {error.message}", error.hint)
        return ok(f"project {self.config.project}")

    def _off(self) -> list[str]:
        """Return the APIs that are off."""
        services = f"projects/{self.config.project}/services"
        found = self.google.get(
            f"serviceusage.googleapis.com/v1/{services}:batchGet",
            "see which APIs are enabled",
            names=[f"{services}/{api}" for api in NEEDED],
        )
        on = {one["name"].rsplit("/", 1)[-1] for one in found.get("services", []) if one.get("state") == "ENABLED"}
        return [api for api in NEEDED if api not in on]

    def check_apis(self) -> Finding:
        """Say which APIs are off."""
        if self._disabled:
            return broken(f"not enabled: {', '.join(self._disabled)}")
        return ok("every API that is needed is on")

    def check_secret(self) -> Finding:
        """Look whether a client secret is stored; its value is not read."""
        name, url = self.config.secret.rsplit("/", 1)[-1], f"{SECRETS}/{self.config.secret}"
        if self.google.find(url, f"look at the secret {name}") is None:
            return broken(f"{name} does not exist")
        if self.google.find(f"{url}/versions/latest", f"look at {name}") is None:
            return broken(f"{name} has no version")
        return ok(f"{name} has a version")

    def check_function(self) -> Finding:
        """Look at the function's state, and the names (never the values) of its environment."""
        name = self.config.function
        url = f"{FUNCTIONS}/{self.config.parent}/functions/{name}"
        found = self.google.find(url, f"look at the function {name}")
        if found is None:
            return broken(f"{name} does not exist in {self.config.region}")
        service = found.get("serviceConfig", {})
        plain, secrets = set(service.get("environmentVariables", {})), _secret_names(service)
        detail = f"{name}: {_state(found)}, revision {printable(str(service.get('revision', '(none)')))}"
        if found.get("state") != "ACTIVE":
            return broken(f"{detail}. {_messages(found)}".rstrip())
        self._service = str(service.get("service", ""))
        if "CLIENT_SECRET" in plain:
            return broken(
                f"{detail}: CLIENT_SECRET is a plain environment variable, which everybody can read who may look"
            )
        if odd := self._odd(service):
            return warn(f"{detail}: not as the settings here: {', '.join(odd)}", DEPLOY)
        return ok(f"{detail}; environment {', '.join(sorted(plain | secrets))}")

    def _odd(self, service: Json) -> list[str]:
        """Return the names of variables that are set otherwise than here."""
        plain = service.get("environmentVariables", {})
        wanted = self.config.environment
        odd = [name for name, value in wanted.items() if plain.get(name) != value]
        return sorted(odd + ([] if "CLIENT_SECRET" in _secret_names(service) else ["CLIENT_SECRET"]))

    def check_roles(self) -> Iterator[Finding]:
        """Look whether the accounts hold what they need, and nothing is left out."""
        looks = {"bucket": self._bucket, "secret": self._secret, "topic": self._topic, "service": self._called}
        for name, look in looks.items():
            try:
                yield look(f"roles: {name}")
            except AuditError as error:
                yield failed(error, f"roles: {name}")

    def _bucket(self, name: str) -> Finding:
        """Look at the bucket; somebody may have let the collector overwrite anything, instead of its state alone."""
        config, member = self.config, f"serviceAccount:{self.config.account_email}"
        objects = f"projects/_/buckets/{config.bucket}/objects"
        own = ("its folder only", f'resource.name.startsWith("{objects}/{config.prefix}/")')
        state = ("state only", f'resource.name.startsWith("{objects}/{config.state_prefix}")')
        wanted = [
            Binding("roles/storage.objectViewer", member),
            Binding("roles/storage.objectCreator", member, own if config.prefix else None),
            Binding("roles/storage.objectUser", member, state),
        ]
        other = [Binding("roles/storage.objectUser", member)]
        return judged(bucket_policy(self.google, config.bucket), wanted, name, config.account_email, other)

    def _secret(self, name: str) -> Finding:
        policy = Policy(self.google, f"{SECRETS}/{self.config.secret}", f"the secret {self.config.secret}")
        return self._collectors(policy, "roles/secretmanager.secretAccessor", name)

    def _topic(self, name: str) -> Finding:
        policy = Policy(self.google, f"pubsub.googleapis.com/v1/{self.config.topic}", f"the topic {self.config.topic}")
        return self._collectors(policy, "roles/pubsub.publisher", name)

    def _collectors(self, policy: Policy, role: str, name: str) -> Finding:
        who = self.config.account_email
        return judged(policy, [Binding(role, f"serviceAccount:{who}")], name, who)

    def _called(self, name: str) -> Finding:
        """Look who may call the function.

        Raises:
            DeploymentError: it does not work; one that is being deployed would be waited for.
        """
        if not self._service:
            raise DeploymentError("there is no working function that anybody could call", DEPLOY)
        policy = Policy(self.google, f"run.googleapis.com/v2/{self._service}", f"the service {self.config.function}")
        who = self.config.email("push_service_account")
        return judged(policy, [Binding("roles/run.invoker", f"serviceAccount:{who}")], name, who)

    def check_job(self) -> Finding:
        """Look at the schedule and what became of its last attempt."""
        url = f"{SCHEDULER}/{self.config.parent}/jobs/{self.config.job}"
        found = self.google.find(url, f"look at the job {self.config.job}")
        if found is None:
            return broken(f"{self.config.job} does not exist in {self.config.region}")
        detail = printable(f"{self.config.job}: {found.get('schedule')} {found.get('timeZone', 'UTC')}")
        if found.get("state", "ENABLED") != "ENABLED":
            hint = f"gcloud scheduler jobs resume {self.config.job} --location {self.config.region}"
            return broken(f"{detail} is {str(found['state']).lower()}: nothing starts a run", hint)
        if code := found.get("status", {}).get("code"):
            return broken(f"{detail}: its last attempt failed ({printable(str(code))})")
        last = found.get("lastAttemptTime")
        return ok(f"{detail}, last attempt {printable(str(last)) if last else 'not yet made'}")

    def check_last_run(self) -> Finding:
        """Read what the newest run logged."""
        try:
            newest = self._newest_log()
        except PermissionMissing:
            return skipped("its logs may not be read", "Ask for roles/logging.viewer on the project.")
        if newest is None:
            return warn(f"no run has logged anything in {LOGS_DAYS} days", "Run `mulesoft-audit deploy --run`.")
        payload, stamp = newest.get("jsonPayload", {}), str(newest.get("timestamp", ""))
        said = printable(str(payload.get("message", "")))[:300]
        seconds = self.google.stop.clock.time() - epoch(stamp)
        detail = f"{ago(int(seconds * 1000))} ago: {said}"
        continued = payload.get("interrupted") and newest.get("severity") == "WARNING"
        if not continued and (payload.get("complete") is False or newest.get("severity") in ("ERROR", "CRITICAL")):
            return broken(detail, "Its log names what failed; the next run goes on with what is missing.")
        if seconds > FRESH_SECONDS:
            return fail(detail, f"See whether {self.config.job} runs, and `mulesoft-audit deploy --run`.")
        if continued:
            return warn(f"{detail}. Its time was over", "Another run goes on there; look again when that is through.")
        return ok(detail)

    def _newest_log(self) -> Json | None:
        since = datetime.fromtimestamp(self.google.stop.clock.time() - LOGS_DAYS * 86400, UTC)
        wanted = (
            f'resource.type="cloud_run_revision" resource.labels.service_name="{self.config.function}" '
            f'resource.labels.location="{self.config.region}" timestamp>="{since:%Y-%m-%dT%H:%M:%SZ}" NOT {REQUESTS} '
            'jsonPayload.event=("run" OR "failure")'
        )
        body = {
            "resourceNames": [f"projects/{self.config.project}"],
            "filter": wanted,
            "orderBy": "timestamp desc",
            "pageSize": 1,
        }
        found = self.google.post(LOGGING, "read the function's logs", body, once=True).get("entries", [])
        return found[0] if found else None


def judged(policy: Policy, wanted: list[Binding], name: str, who: str, other: list[Binding] | None = None) -> Finding:
    """Return whether an account has the roles it should have on one thing.

    Args:
        policy: the thing's.
        wanted: the roles.
        name: what the finding is called.
        who: the account.
        other: roles that will do, too.
    """
    try:
        found = policy.read()
    except (NotFound, NotEnabled):
        return broken(f"{policy.what} does not exist", name=name)
    held = next((roles for roles in (wanted, other or []) if roles and all(one.held(found) for one in roles)), None)
    if held is None:
        lacking = ", ".join(str(binding) for binding in wanted if not binding.held(found))
        return broken(f"{who} lacks {lacking} on {policy.what}", f"{DEPLOY} A role on the project does not show.", name)
    return ok(", ".join(str(binding) for binding in held), name)


def epoch(stamp: str) -> float:
    """Return a time of Google's in epoch seconds; 0 for one that cannot be read."""
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return 0.0


def _secret_names(service: Json) -> set[str]:
    return {str(one.get("key", "")) for one in service.get("secretEnvironmentVariables", [])}


def _state(found: Json) -> str:
    return printable(str(found.get("state", "of no state")))


def _messages(found: Json) -> str:
    return printable(" ".join(str(one.get("message", "")) for one in found.get("stateMessages", [])))[:400]
