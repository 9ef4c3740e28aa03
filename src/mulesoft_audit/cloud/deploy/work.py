"""From a deployment to the folder that terraform runs in, with everything that is known of what is there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.deploy import folder, state_bucket
from mulesoft_audit.cloud.deploy.existing import refuse, settled, unknown
from mulesoft_audit.cloud.deploy.root import ARCHIVE, MODULE, Backend, imports_file, main_file
from mulesoft_audit.cloud.deploy.source import built_source
from mulesoft_audit.cloud.deploy.state_bucket import HOST
from mulesoft_audit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.cloud.deploy.deployment import Deployment
    from mulesoft_audit.cloud.deploy.terraform import State, Terraform
    from mulesoft_audit.cloud.google.client import Google

STORED = f"{MODULE}.google_secret_manager_secret_version.client"
#: Never deleted in Google Cloud. Whatever depends on a target of a destruction is destroyed with it: the bucket, here.
LASTING = frozenset({f"{MODULE}.google_project_service.api", f"{MODULE}.time_sleep.apis"})


@dataclass(slots=True)
class Work:
    """One deployment, and the folder that Terraform runs in for it.

    Attributes:
        deployment: what is wanted; what cannot be changed becomes as it is, once that is known.
        terraform: the program, in its folder.
        google: the client.
        bucket: which keeps the state; "" keeps it in the folder.
        tell: where progress is shown, a line each.
    """

    deployment: Deployment
    terraform: Terraform
    google: Google
    bucket: str
    tell: Callable[[str], None]
    _backend: Backend | None = None
    _source: bytes = b""

    def open(self, *, make_bucket: bool) -> State:
        """Write the configuration, and return what Terraform knows to exist.

        Args:
            make_bucket: whether to make the bucket for the state, if there is none. Otherwise there is no state yet.
        """
        if self.bucket:
            self._backend = self._state_backend(make_bucket=make_bucket)
        self._source = built_source()
        self.deployment = settled(self.google, self.deployment)
        self._write()
        self.tell(f"Terraform runs in {self.terraform.folder}.")
        self.terraform.init()
        return self.terraform.state()

    def _state_backend(self, *, make_bucket: bool) -> Backend | None:
        project = self.deployment.project
        if not state_bucket.exists(self.google, project, self.bucket):
            if not make_bucket:
                return None
            state_bucket.make(self.google, project, self.bucket, self.deployment.region)
            self.tell(f"Made the bucket {self.bucket}, which keeps Terraform's state.")
        return Backend(self.bucket, self.deployment.name)

    def stores_secret(self, state: State, *, new_secret: bool) -> bool:
        """Return whether the client secret that is given will be stored."""
        return not self.deployment.existing_secret and (new_secret or _stored(state) == 0)

    def ready(self, state: State, *, secret: Secret | None, adopt: bool) -> None:
        """Write what is to be applied.

        Args:
            state: what Terraform knows to exist.
            secret: the client secret, if it is to be stored.
            adopt: whether what exists and is not known is taken over.

        Raises:
            DeploymentError: something exists that is not known; nothing was changed.
        """
        found = unknown(self.google, self.deployment, state.addresses)
        if not adopt:
            refuse(found)
        self.terraform.secret = self._given(secret)
        imports = imports_file([place.imported for place in found]) if found else ""
        self._write(imports, version=_stored(state) + 1 if secret else max(1, _stored(state)))

    def ready_to_destroy(self, state: State, *, delete_logs: bool) -> None:
        """Write what is to be destroyed; `delete_logs` lets the bucket go with what is in it."""
        self.terraform.secret = self._given(None)
        self._write(version=max(1, _stored(state)), delete_logs=delete_logs)

    def archive(self, state: State) -> str:
        """Return the name of the bucket that was made for the archive and holds something; "" if there is none.

        Versions that are no longer current count: they can be brought back.
        """
        name = str(state.attributes.get(ARCHIVE, {}).get("name", ""))
        if not name:
            return ""
        url, query = f"{HOST}/b/{name}/o", {"versions": "true", "maxResults": "1", "fields": "items(name)"}
        found = self.google.find(url, f"see whether {name} holds logs", **query) or {}
        return name if found.get("items") else ""

    def _given(self, secret: Secret | None) -> Secret:
        """Return what Terraform is given: the module wants a value where it keeps the secret, stored or not."""
        return secret or Secret("" if self.deployment.existing_secret else "unused")

    def _write(self, imports: str = "", *, version: int = 1, delete_logs: bool = False) -> None:
        main = main_file(self.deployment, self._backend, secret_version=version, delete_logs=delete_logs)
        folder.write(self.terraform.folder, main, imports, self._source)


def all_but_the_bucket(state: State) -> list[str]:
    """Return the arguments with which Terraform destroys everything but the bucket, and goes on knowing that.

    Forgetting the bucket (`state rm`) instead would have to come before the question, and be undone after a "no".
    """
    return [f"-target={address}" for address in sorted(state.addresses - LASTING - {ARCHIVE})]


def _stored(state: State) -> int:
    """Return the number of the client secret that was stored last, as this deployment counts; 0 if none was."""
    return int(state.attributes.get(STORED, {}).get("secret_data_wo_version") or 0)
