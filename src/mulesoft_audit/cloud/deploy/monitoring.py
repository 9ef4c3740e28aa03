"""What Cloud Monitoring names itself: found by our label, created once, duplicates taken away.

Creating one is not idempotent, so a create whose answer was lost is followed by looking, not by another create.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.cloud.deploy.resource import Change, Owner, Resource, additions, compare, owner_by
from mulesoft_audit.cloud.google.errors import NotEnabled, Uncertain

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

HOST = "monitoring.googleapis.com/v3"
KEY = "mulesoft-audit-alert"  #: user label that tells our alerts and channels apart
EMAIL = "email"


class Named(Resource):
    """Something that is found by its labels, because Google chooses its name."""

    collection: ClassVar[str]

    def __init__(self, google: Google, config: Deployment, project: str, key: str) -> None:
        """Look for what is labelled `key` in `project`."""
        super().__init__(google, config)
        self.name = key
        self._url = f"{HOST}/projects/{project}/{self.collection}"

    @abstractmethod
    def wanted(self) -> Json:
        """Return what it should be, ownership aside."""

    def observe(self) -> Json | None:
        """Return what has our labels, and how many more there are of the same."""
        try:
            found = list(self.google.pages(self._url, self.collection, f"look at the {self.kind}s"))
        except NotEnabled:
            return None
        ours = sorted((one for one in found if self._is_ours(one)), key=lambda one: str(one["name"]))
        return {**ours[0], "spare": [one["name"] for one in ours[1:]]} if ours else None

    def diff(self, observed: Json) -> list[Change]:
        """Compare it; a second one of the same is a change too."""
        spare = [Change("duplicates", str(len(observed["spare"])), "0")] if observed.get("spare") else []
        return compare(self.wanted(), _plain(observed)) + spare

    def missing(self) -> list[Change]:
        """Return what it should be."""
        return additions({key: value for key, value in self.wanted().items() if key != "userLabels"})

    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Create or patch it, and delete what there is too much of."""
        body = self.wanted()
        body["userLabels"] = {**body["userLabels"], **self.labels(adopt=adopt)}
        if observed is None:
            self._create(body)
            return
        for name in observed.get("spare", []):
            self.google.delete(f"{HOST}/{name}", f"delete a duplicate {self.kind}")
        url = f"{HOST}/{observed['name']}"
        self.google.patch(url, f"change the {self.kind} {self.name}", body, updateMask=",".join(body))

    def _create(self, body: Json) -> None:
        try:
            self.google.post(self._url, f"create the {self.kind} {self.name}", body, once=True)
        except Uncertain:
            self.google.stop.sleep(5.0)
            if self.observe() is None:
                raise

    def destroy(self, observed: Json) -> None:
        """Delete it and its duplicates."""
        for name in [observed["name"], *observed.get("spare", [])]:
            self.google.delete(f"{HOST}/{name}", f"delete the {self.kind} {self.name}")

    def owner(self, observed: Json) -> Owner:
        """Go by the label."""
        return owner_by(observed.get("userLabels"))

    def _is_ours(self, found: Json) -> bool:
        labels = found.get("userLabels", {})
        return labels.get(KEY) == self.name and owner_by(labels) is not Owner.FOREIGN


class Channel(Named):
    """The e-mail address that alerts go to, in one project."""

    kind: ClassVar[str] = "channel"
    collection: ClassVar[str] = "notificationChannels"
    unnamed: ClassVar[str] = "(the new channel)"

    def __init__(self, google: Google, config: Deployment, project: str) -> None:
        super().__init__(google, config, project, EMAIL)

    def wanted(self) -> Json:
        """Return the channel."""
        return {
            "type": "email",
            "displayName": "MuleSoft audit logs",
            "labels": {"email_address": self.config.alert_email},
            "userLabels": {**self.config.labels, KEY: EMAIL},
        }

    def full_name(self) -> str:
        """Return the name Google gave it; before that, words for a plan."""
        return str((self.observe() or {}).get("name", self.unnamed))


def _plain(observed: Json) -> Json:
    """Return it with conditions stripped of the names Google gave them."""
    if "conditions" not in observed:
        return observed
    conditions = [{key: value for key, value in one.items() if key != "name"} for one in observed["conditions"]]
    return {**observed, "conditions": conditions}
