"""The collector in Google Cloud: APIs, secret, function, access, schedule, and what the last run said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.deploy.bucket import collector_access
from mulesoft_audit.cloud.deploy.delivery import Deployed, invoker
from mulesoft_audit.cloud.deploy.function import HOST as FUNCTIONS
from mulesoft_audit.cloud.deploy.function import Function, environment
from mulesoft_audit.cloud.deploy.pubsub import continuation_access
from mulesoft_audit.cloud.deploy.run import LOGGING, REQUESTS
from mulesoft_audit.cloud.deploy.scheduler import Job
from mulesoft_audit.cloud.deploy.secret import NOTE, StoredSecret, matches, secret_access
from mulesoft_audit.cloud.deploy.services import Services
from mulesoft_audit.doctor.finding import Check, Finding, fail, failed, ok, skipped, warn
from mulesoft_audit.errors import AuditError, DeploymentError, PermissionMissing
from mulesoft_audit.printable import printable
from mulesoft_audit.times import ago

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.deploy.iam import Access
    from mulesoft_audit.cloud.google.client import Google, Json

DEPLOY = "Run `mulesoft-audit deploy`: it makes what is missing and leaves the rest alone."
FRESH_SECONDS = 26 * 3600
LOGS_DAYS = 30  #: how far back logs are looked through; Cloud Logging keeps them as long by default

GOOGLE, APIS, SECRET, FUNCTION = "Google Cloud", "Google APIs", "stored secret", "function"
ROLES, JOB, LAST_RUN = "roles", "schedule", "last run"


def broken(detail: str, mend: str = DEPLOY, name: str = "") -> Finding:
    """Return that something in Google Cloud is missing or wrong."""
    return fail(detail, mend, DeploymentError.exit_code, name)


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
    _active: bool = False

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
            observed = Services(self.google, self.config).observe() or {}
        except PermissionMissing as error:
            return warn(f"who asks is known, but may not see which APIs are on. {error.message}", error.hint)
        self._disabled = tuple(observed["disabled"])
        return ok(f"project {self.config.project}")

    def check_apis(self) -> Finding:
        """Say which APIs are off."""
        if self._disabled:
            return broken(f"not enabled: {', '.join(self._disabled)}")
        return ok("every API that is needed is on")

    def check_secret(self) -> Finding:
        """Look whether a client secret is stored, and whether it is the one given here; its value is not read."""
        stored = StoredSecret(self.google, self.config).observe()
        if stored is None or not stored["stored"]:
            return broken(f"{self.config.secret} {'has no version' if stored else 'does not exist'}")
        given, note = self.config.client_secret, stored.get("annotations", {}).get(NOTE, "")
        if given and note and not matches(given, note):
            return warn(f"{self.config.secret} holds another secret than the one given here", DEPLOY)
        same = ", the one given here" if given and note else ""
        return ok(f"{self.config.secret} has a version{same}")

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
        self._active = True
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
        wanted = environment(self.config)
        odd = [name for name, value in wanted.items() if plain.get(name) != value]
        return sorted(odd + ([] if "CLIENT_SECRET" in _secret_names(service) else ["CLIENT_SECRET"]))

    def check_roles(self) -> Iterator[Finding]:
        """Look whether the collector's account holds what it needs, and nothing is left out."""
        held: dict[str, Callable[[], Access]] = {
            "bucket": self._bucket_access,
            "secret": lambda: secret_access(self.google, self.config),
            "topic": lambda: continuation_access(self.google, self.config),
            "service": self._invoker,
        }
        for name, access in held.items():
            try:
                yield judged(access(), f"roles: {name}", self.config.account_email)
            except AuditError as error:
                yield failed(error, f"roles: {name}")

    def _invoker(self) -> Access:
        """Return who may call the function.

        Raises:
            DeploymentError: it does not work; one that is being deployed would be waited for.
        """
        if not self._active:
            raise DeploymentError("there is no working function that anybody could call", DEPLOY)
        return invoker(self.google, self.config, Deployed(self.google, Function(self.google, self.config, bytes)))

    def _bucket_access(self) -> Access:
        """Return the access that is held, confined or not, or else the one that is wanted."""
        wanted = collector_access(self.google, self.config)
        other = collector_access(
            self.google, replace(self.config, confine_overwrites=not self.config.confine_overwrites)
        )
        observed = other.observe()
        return other if observed and not observed["lacking"] else wanted

    def check_job(self) -> Finding:
        """Look at the schedule and what became of its last attempt."""
        found = Job(self.google, self.config).observe()
        if found is None:
            return broken(f"{self.config.job} does not exist in {self.config.region}")
        detail = printable(f"{self.config.job}: {found.get('schedule')} {found.get('timeZone', 'UTC')}")
        if found.get("state", "ENABLED") != "ENABLED":
            mend = f"gcloud scheduler jobs resume {self.config.job} --location {self.config.region}"
            return broken(f"{detail} is {str(found['state']).lower()}: nothing starts a run", mend)
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


def judged(access: Access, name: str, who: str) -> Finding:
    """Return whether an account has the roles it should have on one thing."""
    observed = access.observe()
    if observed is None:
        return broken(f"{access.name} does not exist", name=name)
    if observed["lacking"]:
        lacking = ", ".join(str(binding) for binding in observed["lacking"])
        return broken(f"{who} lacks {lacking} on {access.name}", f"{DEPLOY} A role on the project does not show.", name)
    return ok(f"{', '.join(str(binding) for binding in observed['held'])}", name)


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
