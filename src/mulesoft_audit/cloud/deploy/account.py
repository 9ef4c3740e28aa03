"""The service account that the function runs as."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.cloud.deploy.resource import Change, Owner, Resource, additions, compare, mark, owner_by_text

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

HOST = "iam.googleapis.com/v1"
ABOUT = "Collects MuleSoft Anypoint audit logs into Cloud Storage."


class Account(Resource):
    """The collector's service account. It has no labels, so its description says whose it is."""

    kind: ClassVar[str] = "account"

    def __init__(self, google: Google, config: Deployment) -> None:
        super().__init__(google, config)
        self.name = config.account
        self._url = f"{HOST}/projects/{config.project}/serviceAccounts/{config.account_email}"

    def wanted(self) -> Json:
        """Return what should be said of it."""
        return {"displayName": "MuleSoft audit log collector"}

    def observe(self) -> Json | None:
        """Return the account."""
        return self.google.find(self._url, f"look at the service account {self.name}")

    def diff(self, observed: Json) -> list[Change]:
        """Compare what is said of it, and whether it is disabled."""
        return compare(self.wanted(), observed) + compare({"disabled": False}, observed)

    def missing(self) -> list[Change]:
        """Return its name."""
        return additions({"email": self.config.account_email, **self.wanted()})

    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Create, patch or enable it."""
        body = {**self.wanted(), "description": f"{ABOUT} {mark(adopt=adopt)}"}
        doing = f"the service account {self.name}"
        if observed is None:
            request = {"accountId": self.name, "serviceAccount": body}
            self.google.post(f"{HOST}/projects/{self.config.project}/serviceAccounts", f"create {doing}", request)
            return
        request = {"serviceAccount": body, "updateMask": "displayName,description"}
        self.google.patch(self._url, f"change {doing}", request)
        if observed.get("disabled"):
            self.google.post(f"{self._url}:enable", f"enable {doing}")

    def destroy(self, observed: Json) -> None:
        """Delete it."""
        self.google.delete(self._url, f"delete the service account {self.name}")

    def owner(self, observed: Json) -> Owner:
        """Go by the mark in the description."""
        return owner_by_text(observed.get("description"))
