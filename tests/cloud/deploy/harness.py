"""What the tests share: a control plane with everything on it that Terraform makes, and a client of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests
from tests.control_plane import ControlPlane, World
from tests.control_plane.world import NUMBER

from mulesoft_audit.clock import Stop
from mulesoft_audit.cloud.deploy.deployment import Deployment
from mulesoft_audit.cloud.deploy.existing import places
from mulesoft_audit.cloud.feed import engine, feed_stack
from mulesoft_audit.cloud.feed.secops import SecOps
from mulesoft_audit.cloud.feed.settings import FeedSettings
from mulesoft_audit.cloud.google.client import Google
from mulesoft_audit.doctor.google import NEEDED
from mulesoft_audit.doctor.roles import AGENT, BUILDS, PUBLISHER, SIGNER, SUBSCRIBER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mulesoft_audit.cloud.feed.engine import Step
    from mulesoft_audit.cloud.feed.managed import Resource

INSTANCE = "01234567-89ab-cdef-0123-456789abcdef"
VALUE = "s3cr3t-of-the-connected-app"
ORGANIZATION = "0a000000-0000-4000-8000-000000000000"


class Bench:
    """A control plane, and the feed on it."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.world = plane.world
        self.told: list[str] = []
        self.config = deployment()
        self.feed = feed()
        self._sessions: list[requests.Session] = []

    def google(self) -> Google:
        session = requests.Session()
        session.trust_env = False
        self._sessions.append(session)
        return Google(session, Stop(self.world.clock), endpoint=self.plane.endpoint, tell=self.told.append)

    def resources(self, google: Google) -> list[Resource]:
        return feed_stack(SecOps(google, self.feed))

    def apply(self, *, adopt: bool = False) -> list[Step]:
        google = self.google()
        try:
            return engine.apply(google, self.resources(google), adopt=adopt)
        finally:
            self.close()

    def plan(self, *, adopt: bool = False) -> list[Step]:
        return engine.plan(self.resources(self.google()), adopt=adopt)

    def destroy(self) -> list[Step]:
        return engine.destroy(self.resources(self.google()))

    def close(self) -> None:
        for session in self._sessions:
            session.close()
        self._sessions.clear()

    def mutations(self) -> list[tuple[str, str]]:
        """Return every request so far that could change something."""
        reading = ("entries:list", ":getIamPolicy")
        return [(verb, path) for verb, path, _, _ in self.world.log if verb != "GET" and not path.endswith(reading)]


@contextmanager
def on_a_plane() -> Iterator[Bench]:
    """Give a project with nothing in it; in the end, see that all that was asked is what Google describes."""
    with ControlPlane(World()) as plane:
        made = Bench(plane)
        yield made
        made.close()
        assert plane.violations == [], "a request that Google's own descriptions do not allow"


def deployment(**changes: Any) -> Deployment:
    settings = {
        "project": "acme-logs",
        "region": "europe-west3",
        "organization": ORGANIZATION,
        "client_id": "cid",
    }
    return Deployment(**{**settings, **changes})


def feed(**changes: Any) -> FeedSettings:
    settings = {"project": "acme-logs", "location": "eu", "instance": INSTANCE, "bucket": deployment().bucket}
    return FeedSettings(**{**settings, **changes})


def acting(steps: Sequence[Step]) -> list[str]:
    """Return what a plan would change."""
    return [f"{step.action} {step.resource}" for step in steps if step.action != engine.NONE]


def deployed(world: World, config: Deployment) -> None:
    """Put into the world what the module makes, as far as anything here looks at it."""
    world.enabled |= {*NEEDED, "chronicle.googleapis.com", "orgpolicy.googleapis.com"}
    for place in places(config):
        is_bucket = place.kind == "bucket"
        world.things[f"b/{place.id}" if is_bucket else place.id] = {
            "name": place.id,
            **({"location": config.region.upper()} if is_bucket else {}),
        }
    endpoint = "https://collector-uc.a.run.app"
    bucket = world.things[f"b/{config.bucket}"]
    bucket.update(labels={"managed-by": "terraform", "app": "mulesoft-audit"})
    bucket["iamConfiguration"] = {"uniformBucketLevelAccess": {"enabled": True}}
    replicas = {"userManaged": {"replicas": [{"location": config.region}]}}
    world.things[config.secret]["replication"] = replicas
    world.things[f"{config.secret}/versions/1"] = {"name": f"{config.secret}/versions/1", "state": "ENABLED"}
    service = f"{config.parent}/services/{config.function}"
    world.things[service] = {"name": service}
    world.things[f"{config.parent}/functions/{config.function}"] = {
        "name": f"{config.parent}/functions/{config.function}",
        "state": "ACTIVE",
        "buildConfig": {
            "serviceAccount": f"projects/{config.project}/serviceAccounts/{config.email('build_service_account')}"
        },
        "serviceConfig": {
            "service": service,
            "uri": endpoint,
            "revision": "r-1",
            "timeoutSeconds": 570,
            "environmentVariables": {**config.environment, "LOG_EXECUTION_ID": "true"},
            "secretEnvironmentVariables": [{"key": "CLIENT_SECRET", "projectId": NUMBER, "secret": "s"}],
        },
    }
    push = {"pushEndpoint": endpoint, "oidcToken": {"serviceAccountEmail": config.email("push_service_account")}}
    name = f"projects/{config.project}/subscriptions/{config.names['subscription']}"
    dead_letters = {"deadLetterTopic": f"projects/{config.project}/topics/{config.names['dead_letter_topic']}"}
    world.things[name].update(
        topic=config.topic, pushConfig=push, ackDeadlineSeconds=600, deadLetterPolicy=dead_letters
    )
    dead = f"projects/{config.project}/subscriptions/{config.names['dead_letter_subscription']}"
    world.things[dead]["topic"] = f"projects/{config.project}/topics/{config.names['dead_letter_topic']}"
    world.things[f"{config.parent}/jobs/{config.job}"] = {
        "name": f"{config.parent}/jobs/{config.job}",
        "schedule": "0 2 * * *",
        "timeZone": "UTC",
        "state": "ENABLED",
        "pubsubTarget": {"topicName": config.topic, "data": "e30="},
    }
    _grant(world, config, service)


def _grant(world: World, config: Deployment, service: str) -> None:
    def binding(role: str, who: str, expression: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {"role": role, "members": [f"serviceAccount:{who}"]}
        return {**found, "condition": {"title": "state", "expression": expression}} if expression else found

    collector, objects = config.account_email, f"projects/_/buckets/{config.bucket}/objects"
    below_state = f'resource.name.startsWith("{objects}/{config.state_prefix}")'
    world.policies[f"b/{config.bucket}"] = {
        "bindings": [
            binding("roles/storage.objectViewer", collector),
            binding("roles/storage.objectCreator", collector),
            binding("roles/storage.objectUser", collector, below_state),
        ]
    }
    agents = {name: f"service-{NUMBER}@{domain}.iam.gserviceaccount.com" for name, (domain, _) in AGENT.items()}
    project, names = f"projects/{config.project}", config.names
    push, build = config.email("push_service_account"), config.email("build_service_account")
    for name, role, who in (
        (config.secret, "roles/secretmanager.secretAccessor", collector),
        (config.topic, PUBLISHER, collector),
        (config.topic, PUBLISHER, agents["cloudscheduler"]),
        (service, "roles/run.invoker", push),
        (f"{project}/serviceAccounts/{push}", SIGNER, agents["pubsub"]),
        (f"{project}/topics/{names['dead_letter_topic']}", PUBLISHER, agents["pubsub"]),
        (f"{project}/subscriptions/{names['subscription']}", SUBSCRIBER, agents["pubsub"]),
        *((project, role, build) for role in BUILDS),
        *((project, role, agents[name]) for name, (_, role) in AGENT.items()),
    ):
        world.policies.setdefault(name, {"bindings": []})["bindings"].append(binding(role, who))
