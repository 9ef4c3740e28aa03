"""The topic that starts a run, and the one that keeps what could not be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.cloud.deploy.iam import Access, Binding, Policy
from mulesoft_audit.cloud.deploy.resource import Change, Owner, Resource, additions, compare, owner_by

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.deploy.services import Project
    from mulesoft_audit.cloud.google.client import Google, Json

HOST = "pubsub.googleapis.com/v1"
KEPT = "604800s"  # a week, the most a subscription keeps by default ("Subscription properties")


class _Labelled(Resource):
    """Something in Pub/Sub: put to create it, patched by mask, owned by its label."""

    noun: ClassVar[str]

    def __init__(self, google: Google, config: Deployment, name: str) -> None:
        super().__init__(google, config)
        self.name = name
        self.full = f"projects/{config.project}/{self.noun}s/{name}"

    def wanted(self) -> Json:
        """Return its settings."""
        return {}

    def fixed(self) -> Json:
        """Return what is said at its creation only."""
        return {}

    def observe(self) -> Json | None:
        """Return it."""
        return self.google.find(f"{HOST}/{self.full}", f"look at the {self.noun} {self.name}")

    def diff(self, observed: Json) -> list[Change]:
        """Compare its settings and further labels."""
        return compare({**self.fixed(), **self.wanted(), "labels": self.config.labels}, observed)

    def missing(self) -> list[Change]:
        """Return its settings."""
        return additions({**self.fixed(), **self.wanted()})

    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Create or patch it."""
        doing = f"the {self.noun} {self.name}"
        labels = {**(observed or {}).get("labels", {}), **self.labels(adopt=adopt)}
        if observed is None:
            self.google.put(
                f"{HOST}/{self.full}", f"create {doing}", {**self.fixed(), **self.wanted(), "labels": labels}
            )
            return
        body = {self.noun: {"name": self.full, **self.wanted(), "labels": labels}}
        mask = ",".join([*self.wanted(), "labels"])
        self.google.patch(f"{HOST}/{self.full}", f"change {doing}", {**body, "updateMask": mask})

    def destroy(self, observed: Json) -> None:
        """Delete it."""
        self.google.delete(f"{HOST}/{self.full}", f"delete the {self.noun} {self.name}")

    def owner(self, observed: Json) -> Owner:
        """Go by the label."""
        return owner_by(observed.get("labels"))


class Topic(_Labelled):
    """A topic."""

    kind: ClassVar[str] = "topic"
    noun: ClassVar[str] = "topic"


class DeadLetters(_Labelled):
    """The subscription that keeps undeliverable messages for a week; a topic alone keeps nothing."""

    kind: ClassVar[str] = "subscription"
    noun: ClassVar[str] = "subscription"

    def __init__(self, google: Google, config: Deployment) -> None:
        super().__init__(google, config, config.dead_letter_subscription)

    def fixed(self) -> Json:
        """Return the topic it reads."""
        return {"topic": f"projects/{self.config.project}/topics/{self.config.dead_letter_topic}"}

    def wanted(self) -> Json:
        """Return that it keeps messages for a week and itself for ever."""
        return {"messageRetentionDuration": KEPT, "expirationPolicy": {}}


def continuation_access(google: Google, config: Deployment) -> Access:
    """Return that the collector may ask for its own continuation, when a run has more to do than fits its time."""
    url = f"{HOST}/projects/{config.project}/topics/{config.topic}"
    binding = Binding("roles/pubsub.publisher", f"serviceAccount:{config.account_email}")
    name = f"topic {config.topic}"
    return Access(google, config, lambda: Policy(google, url, f"the {name}"), lambda: [binding], name)


def dead_letter_access(google: Google, config: Deployment, project: Project) -> Access:
    """Return that Pub/Sub itself may put messages into the dead-letter topic ("Dead-letter topics")."""
    url = f"{HOST}/projects/{config.project}/topics/{config.dead_letter_topic}"
    name = f"topic {config.dead_letter_topic}"
    return Access(
        google,
        config,
        lambda: Policy(google, url, f"the {name}"),
        lambda: [Binding("roles/pubsub.publisher", project.pubsub_agent)],
        name,
    )
