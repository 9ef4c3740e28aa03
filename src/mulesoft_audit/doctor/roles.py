"""Who may do what: the collector, what calls it, what builds it, and Google's own accounts for its services."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.deploy.existing import SECRETS
from mulesoft_audit.cloud.google.errors import NotEnabled, NotFound
from mulesoft_audit.cloud.google.policy import Binding, Policy, bucket_policy
from mulesoft_audit.doctor.finding import Check, Finding, failed, ok, skipped, warn
from mulesoft_audit.doctor.google import DEPLOY, GOOGLE, NOTHING, Cloud, broken
from mulesoft_audit.errors import AuditError, DeploymentError, PermissionMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mulesoft_audit.cloud.deploy.deployment import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

ROLES, BUILD, AGENTS = "roles", "roles: build", "service agents"
#: Google's accounts for the services used here, by the services' names: their domain, and the role that each is given
#: on the project when it is made ("Service agents").
AGENT = {
    "artifactregistry": ("gcp-sa-artifactregistry", "roles/artifactregistry.serviceAgent"),
    "cloudbuild": ("gcp-sa-cloudbuild", "roles/cloudbuild.serviceAgent"),
    "cloudfunctions": ("gcf-admin-robot", "roles/cloudfunctions.serviceAgent"),
    "cloudscheduler": ("gcp-sa-cloudscheduler", "roles/cloudscheduler.serviceAgent"),
    "pubsub": ("gcp-sa-pubsub", "roles/pubsub.serviceAgent"),
    "run": ("serverless-robot-prod", "roles/run.serviceAgent"),
}
#: Of who builds ("Custom service account for Cloud Build").
BUILDS = ("roles/logging.logWriter", "roles/artifactregistry.writer", "roles/storage.objectViewer")
BUILDS_TOO = ("roles/cloudbuild.builds.builder", "roles/editor", "roles/owner")  #: each of which suffices
PUBLISHER, SUBSCRIBER = "roles/pubsub.publisher", "roles/pubsub.subscriber"
SIGNER = "roles/iam.serviceAccountTokenCreator"


@dataclass(slots=True)
class Roles:
    """One look at who may do what in a deployment.

    Attributes:
        cloud: the look at what is deployed, which comes first.
    """

    cloud: Cloud
    _number: str = ""
    _project: Json = field(default_factory=dict)

    @property
    def google(self) -> Google:
        """The client."""
        return self.cloud.google

    @property
    def config(self) -> Deployment:
        """What is deployed, or is to be."""
        return self.cloud.config

    def checks(self) -> list[Check]:
        """Return the checks."""
        return [
            Check(ROLES, self.check_roles, (GOOGLE,)),
            Check(BUILD, self.check_build, (GOOGLE,)),
            Check(AGENTS, self.check_agents, (GOOGLE,)),
        ]

    def check_roles(self) -> Iterator[Finding]:
        """Look whether the accounts hold what they need, and nothing is left out."""
        if self.cloud.absent:
            yield skipped(NOTHING)
            return
        looks = {"bucket": self._bucket, "secret": self._secret, "topic": self._topic, "service": self._called}
        yield from _each("roles", looks)

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
        return self._collectors(self._pubsub(self.config.topic, "topic"), PUBLISHER, name)

    def _pubsub(self, path: str, kind: str) -> Policy:
        return Policy(self.google, f"pubsub.googleapis.com/v1/{path}", f"the {kind} {path}")

    def _collectors(self, policy: Policy, role: str, name: str) -> Finding:
        who = self.config.account_email
        return judged(policy, [Binding(role, f"serviceAccount:{who}")], name, who)

    def _called(self, name: str) -> Finding:
        """Look who may call the function.

        Raises:
            DeploymentError: it does not work; one that is being deployed would be waited for.
        """
        service = self.cloud.service
        if not service:
            raise DeploymentError("there is no working function that anybody could call", DEPLOY)
        policy = Policy(self.google, f"run.googleapis.com/v2/{service}", f"the service {self.config.function}")
        who = self.config.email("push_service_account")
        return judged(policy, [Binding("roles/run.invoker", f"serviceAccount:{who}")], name, who)

    def check_build(self) -> Finding:
        """Look whether who builds the function may do so; under which conditions is not judged."""
        given = self.config.arguments.get("build_service_account")
        if self.cloud.absent and not given:
            return skipped("`deploy` makes an account that may build")
        try:
            self._read_project()
        except (PermissionMissing, NotEnabled) as error:
            return _unseen(error)
        ours = self.config.email("build_service_account")
        who = str(given or self._builder() or ours)
        lacking = [role for role in BUILDS if not self._held(role, who)]
        if not lacking or any(self._held(role, who) for role in BUILDS_TOO):
            return ok(f"{who} may build")
        commands = "Run " + ", ".join(_grant(self.config.project, role, who) for role in lacking) + "."
        return broken(f"{who} lacks {', '.join(lacking)} on the project", DEPLOY if who == ours else commands)

    def _builder(self) -> str:
        """Return who built the function; "" if that is not known. Without an account of its own, Compute's does."""
        if not self.cloud.function:
            return ""
        named = str(self.cloud.function.get("buildConfig", {}).get("serviceAccount", ""))
        return named.rsplit("/", 1)[-1] or f"{self._number}-compute@developer.gserviceaccount.com"

    def check_agents(self) -> Iterator[Finding]:
        """Look whether Google's own accounts are there, and may deliver messages and start runs."""
        try:
            self._read_project()
        except (PermissionMissing, NotEnabled) as error:
            yield _unseen(error)
            return
        lacking = [name for name, (_, role) in AGENT.items() if not self._held(role, self._agent(name))]
        if lacking and self.cloud.absent:
            names = ", ".join(AGENT[name][0] for name in lacking)
            yield skipped(f"not on the project yet: {names}. They come with the APIs, and with `deploy`")
            return
        for name in lacking:
            yield warn(f"{self._agent(name)} lacks {AGENT[name][1]} on the project", self._make(name))
        if not lacking:
            yield ok(f"{len(AGENT)} hold their role on the project")
        if self.cloud.absent:
            return
        yield from _each("roles", {"schedule": self._starts, "delivery": self._signs, "dead letters": self._forwards})

    def _starts(self, name: str) -> Finding:
        """Look whether Cloud Scheduler may publish."""
        policy = self._pubsub(self.config.topic, "topic")
        return self._agents(policy, "cloudscheduler", PUBLISHER, name)

    def _signs(self, name: str) -> Finding:
        """Look whether Pub/Sub may make the token that it calls the function with."""
        email = self.config.email("push_service_account")
        url = f"iam.googleapis.com/v1/projects/{self.config.project}/serviceAccounts/{email}"
        policy = Policy(self.google, url, f"the account {email}", posted=True)
        return self._agents(policy, "pubsub", SIGNER, name)

    def _forwards(self, name: str) -> Finding:
        """Look whether Pub/Sub may set aside what cannot be delivered: publish it there, and take it from here."""
        names, project, who = self.config.names, f"projects/{self.config.project}", self._agent("pubsub")
        member = f"serviceAccount:{who}"
        topic = self._pubsub(f"{project}/topics/{names['dead_letter_topic']}", "topic")
        found = judged(topic, [Binding(PUBLISHER, member)], name, who)
        if found.exit_code:
            return found
        taken = self._pubsub(f"{project}/subscriptions/{names['subscription']}", "subscription")
        return judged(taken, [Binding(SUBSCRIBER, member)], name, who)

    def _agents(self, policy: Policy, service: str, role: str, name: str) -> Finding:
        """Judge a role of a service agent, which the role that it has on the project includes."""
        who, general = self._agent(service), AGENT[service][1]
        if self._held(general, who) or self._held(role, who):
            return ok(f"{general} on the project includes {role}", name)
        return judged(policy, [Binding(role, f"serviceAccount:{who}")], name, who)

    def _agent(self, service: str) -> str:
        return f"service-{self._number}@{AGENT[service][0]}.iam.gserviceaccount.com"

    def _make(self, service: str) -> str:
        project, (_, role) = self.config.project, AGENT[service]
        made = f"`gcloud beta services identity create --service {service}.googleapis.com --project {project}`"
        return f"Run {made}; if that is not enough, {_grant(project, role, self._agent(service))}."

    def _held(self, role: str, who: str) -> bool:
        bindings = self._project.get("bindings", [])
        return any(one.get("role") == role and f"serviceAccount:{who}" in one.get("members", []) for one in bindings)

    def _read_project(self) -> None:
        """Read the project's number and who may do what on it, once.

        Raises:
            PermissionMissing: one may not.
            NotEnabled: the Cloud Resource Manager API is off.
        """
        if self._number:
            return
        url = f"cloudresourcemanager.googleapis.com/v3/projects/{self.config.project}"
        number = str(self.google.get(url, "read the project's number")["name"]).rsplit("/", 1)[-1]
        options: Json = {"options": {"requestedPolicyVersion": 3}}
        doing = "read who may do what on the project"
        self._project = self.google.post(f"{url}:getIamPolicy", doing, options, once=True)
        self._number = number


def _each(kind: str, looks: Mapping[str, Callable[[str], Finding]]) -> Iterator[Finding]:
    for name, look in looks.items():
        try:
            yield look(f"{kind}: {name}")
        except AuditError as error:
            yield failed(error, f"{kind}: {name}")


def _unseen(error: AuditError) -> Finding:
    hint = error.hint if isinstance(error, NotEnabled) else "Ask for roles/iam.securityReviewer on it."
    return skipped("who may do what on the project may not be read", hint)


def _grant(project: str, role: str, who: str) -> str:
    condition = "--condition None"
    return f"`gcloud projects add-iam-policy-binding {project} --member serviceAccount:{who} --role {role} {condition}`"


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
    except NotFound:
        return broken(f"{policy.what} does not exist", name=name)
    held = next((roles for roles in (wanted, other or []) if roles and all(one.held(found) for one in roles)), None)
    if held is None:
        lacking = ", ".join(str(binding) for binding in wanted if not binding.held(found))
        return broken(f"{who} lacks {lacking} on {policy.what}", f"{DEPLOY} A role on the project does not show.", name)
    return ok(", ".join(str(binding) for binding in held), name)
