"""The connected app's client secret, in Secret Manager, readable by the collector alone.

Whether the stored secret is the one given is known without reading it back: an annotation holds a short, salted
fingerprint of it, which the person who deploys needs no right to read secrets for, and which tells nothing about the
secret (64 bits of scrypt). One request carries the secret itself, and no error, plan or log does.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.cloud.deploy.iam import Access, Binding, Policy
from mulesoft_audit.cloud.deploy.resource import Change, Owner, Resource, owner_by
from mulesoft_audit.cloud.google.errors import Conflict
from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json
    from mulesoft_audit.secret import Secret

HOST = "secretmanager.googleapis.com/v1"
NOTE = "mulesoft-audit-fingerprint"
COST = 14  #: of a fingerprint: two to this power rounds of scrypt, some 50 ms
GIVE = "Set CLIENT_SECRET in the environment, or say --client-secret-file FILE; it is never taken from a flag."


class StoredSecret(Resource):
    """The secret and its newest version."""

    kind: ClassVar[str] = "secret"

    def __init__(self, google: Google, config: Deployment) -> None:
        super().__init__(google, config)
        self.name = config.secret
        self._parent = f"projects/{config.project}"
        self._url = f"{HOST}/{self._parent}/secrets/{config.secret}"
        self._compared: dict[str, bool] = {}

    def observe(self) -> Json | None:
        """Return the secret's description (never its value), and whether it has a version to use."""
        found = self.google.find(self._url, f"look at the secret {self.name}")
        if found is None:
            return None
        return {**found, "stored": self.google.find(f"{self._url}/versions/latest", f"look at {self.name}") is not None}

    def diff(self, observed: Json) -> list[Change]:
        """Compare the fingerprint of what is stored with what is given."""
        given = self.config.client_secret
        stored = observed["stored"]
        if given and stored and self._is_stored(given, observed.get("annotations", {}).get(NOTE, "")):
            return []
        if not given and stored:
            return []
        return [Change("value", "(stored, hidden)" if stored else "(none)", self._shown())]

    def _is_stored(self, given: Secret, note: str) -> bool:
        if note not in self._compared:
            self._compared[note] = matches(given, note)
        return self._compared[note]

    def _shown(self) -> str:
        return "(given, hidden)" if self.config.client_secret else "(missing)"

    def missing(self) -> list[Change]:
        """Return that a value is to be stored."""
        return [Change("value", "(none)", self._shown())]

    def check(self, observed: Json | None) -> None:
        """Refuse to start without a value."""
        if not self.config.client_secret and not (observed and observed["stored"]):
            raise UsageError("The connected app's client secret is not stored yet, and none was given.", GIVE)

    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Create the secret if need be, store the value if it is another, then note its fingerprint."""
        if observed is None:
            observed = self._create(adopt=adopt)
        notes = dict(observed.get("annotations", {}))
        if self.config.client_secret and self.diff(observed):
            self._store(self.config.client_secret)
            notes[NOTE] = fingerprint(self.config.client_secret)
        body = {"labels": {**observed.get("labels", {}), **self.labels(adopt=adopt)}, "annotations": notes}
        self.google.patch(self._url, f"annotate the secret {self.name}", body, updateMask="labels,annotations")

    def destroy(self, observed: Json) -> None:
        """Delete it with every version."""
        self.google.delete(self._url, f"delete the secret {self.name}")

    def owner(self, observed: Json) -> Owner:
        """Go by the label."""
        return owner_by(observed.get("labels"))

    def _create(self, *, adopt: bool) -> Json:
        places = [{"location": place} for place in self.config.secret_locations]
        replication: Json = {"userManaged": {"replicas": places}} if places else {"automatic": {}}
        body = {"replication": replication, "labels": self.labels(adopt=adopt)}
        doing = f"create the secret {self.name}"
        try:
            made = self.google.post(f"{HOST}/{self._parent}/secrets", doing, body, secretId=self.name)
        except Conflict:  # an earlier try took effect, though its answer was lost
            made = self.google.get(self._url, doing)
        return {**made, "stored": False}

    def _store(self, secret: Secret) -> None:
        payload = {"payload": {"data": base64.b64encode(secret.reveal().encode()).decode()}}
        self.google.post(f"{self._url}:addVersion", f"store the client secret in {self.name}", payload)


def fingerprint(secret: Secret, salt: bytes = b"", cost: int = 0) -> str:
    """Return a short salted fingerprint of a secret, with what is needed to make it again."""
    salt, cost = salt or os.urandom(12), cost or COST
    digest = hashlib.scrypt(secret.reveal().encode(), salt=salt, n=2**cost, r=8, p=1, dklen=8)
    return f"scrypt:{cost}:{salt.hex()}:{digest.hex()}"


def matches(secret: Secret, note: str) -> bool:
    """Whether a fingerprint is of this secret."""
    found = re.fullmatch(r"scrypt:(\d\d?):([0-9a-f]+):[0-9a-f]+", note)
    if found is None or not 1 <= int(found[1]) <= 16:
        return False
    return fingerprint(secret, bytes.fromhex(found[2]), int(found[1])) == note


def secret_access(google: Google, config: Deployment) -> Access:
    """Return that the collector, and nobody else of ours, may read the secret."""
    url = f"{HOST}/projects/{config.project}/secrets/{config.secret}"
    binding = Binding("roles/secretmanager.secretAccessor", f"serviceAccount:{config.account_email}")
    name = f"secret {config.secret}"
    return Access(google, config, lambda: Policy(google, url, f"the {name}"), lambda: [binding], name)
