"""How the topic's messages reach the function: who may call it, and what becomes of those that fail again and again.

The subscription is made by Eventarc together with the function's trigger. It is patched here: a run may take as long as
Pub/Sub waits at most, failures are spaced out, and what fails again and again goes to the dead-letter topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.cloud.deploy.iam import Access, Binding, Policy
from mulesoft_audit.cloud.deploy.pubsub import HOST
from mulesoft_audit.cloud.deploy.resource import Change, Owner, Resource, additions, compare
from mulesoft_audit.cloud.google.errors import NotEnabled, NotFound

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.deploy.function import Function
    from mulesoft_audit.cloud.deploy.services import Project
    from mulesoft_audit.cloud.google.client import Google, Json

EVENTARC = "eventarc.googleapis.com/v1"


class Deployed:
    """What Google made along with the function: its Cloud Run service, its trigger, the trigger's subscription."""

    def __init__(self, google: Google, function: Function) -> None:
        self._google = google
        self._function = function

    def service(self) -> str:
        """Return the full name of the Cloud Run service.

        Raises:
            NotFound: there is no function yet.
        """
        return str(self._of("serviceConfig", "service"))

    def subscription(self) -> str:
        """Return the full name of the trigger's subscription.

        Raises:
            NotFound: there is no function, or its trigger is not complete yet.
        """
        trigger = self._of("eventTrigger", "trigger")
        found = self._google.get(f"{EVENTARC}/{trigger}", "look at the function's trigger")
        name = found.get("transport", {}).get("pubsub", {}).get("subscription", "")
        if not name:
            raise NotFound("The function's trigger has no subscription yet.")
        return str(name)

    def _of(self, part: str, key: str) -> str:
        found = self._function.observe()
        name = (found or {}).get(part, {}).get(key, "")
        if not name:
            raise NotFound(f"The function {self._function.name} has no {key} yet.")
        return str(name)


class Delivery(Resource):
    """The settings of the trigger's subscription; the subscription itself is Eventarc's."""

    kind: ClassVar[str] = "delivery"

    def __init__(self, google: Google, config: Deployment, deployed: Deployed) -> None:
        super().__init__(google, config)
        self.name = config.topic
        self._deployed = deployed

    def wanted(self) -> Json:
        """Return the settings it should have ("Dead-letter topics", "Retry policy")."""
        return {
            "ackDeadlineSeconds": 600,
            "retryPolicy": {"minimumBackoff": "60s", "maximumBackoff": "600s"},
            "deadLetterPolicy": {
                "deadLetterTopic": f"projects/{self.config.project}/topics/{self.config.dead_letter_topic}",
                "maxDeliveryAttempts": self.config.delivery_attempts,
            },
        }

    def observe(self) -> Json | None:
        """Return the subscription."""
        try:
            return self.google.find(f"{HOST}/{self._deployed.subscription()}", "look at the trigger's subscription")
        except (NotFound, NotEnabled):
            return None

    def diff(self, observed: Json) -> list[Change]:
        """Compare its settings."""
        return compare(self.wanted(), observed)

    def missing(self) -> list[Change]:
        """Return its settings."""
        return additions(self.wanted())

    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Patch it, once it is there."""
        what = "see the subscription of the function's trigger (if it was deleted, delete the function, too)"
        pauses = self.google.waiting(what, 300.0, every=10.0)
        while observed is None:
            next(pauses)
            observed = self.observe()
        body = {"name": observed["name"], **self.wanted()}
        request = {"subscription": body, "updateMask": ",".join(self.wanted())}
        self.google.patch(f"{HOST}/{observed['name']}", "change the trigger's subscription", request)

    def destroy(self, observed: Json) -> None:
        """Leave it to Eventarc."""

    def keep(self, observed: Json) -> str:
        """Return why."""
        return "it goes with the function"

    def owner(self, observed: Json) -> Owner:
        """Return that it is Eventarc's."""
        return Owner.SHARED


def invoker(google: Google, config: Deployment, deployed: Deployed) -> Access:
    """Return that the trigger's account may call this service, and no other."""
    binding = Binding("roles/run.invoker", f"serviceAccount:{config.account_email}")

    def policy() -> Policy:
        return Policy(google, f"run.googleapis.com/v2/{deployed.service()}", f"the service {config.function}")

    return Access(google, config, policy, lambda: [binding], f"service {config.function}")


def forwarder(google: Google, config: Deployment, deployed: Deployed, project: Project) -> Access:
    """Return that Pub/Sub itself may take messages out of the trigger's subscription ("Dead-letter topics")."""

    def policy() -> Policy:
        return Policy(google, f"{HOST}/{deployed.subscription()}", "the trigger's subscription")

    return Access(
        google,
        config,
        policy,
        lambda: [Binding("roles/pubsub.subscriber", project.pubsub_agent)],
        f"subscription of {config.topic}",
    )
