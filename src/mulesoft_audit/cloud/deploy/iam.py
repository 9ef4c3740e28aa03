"""Access: our bindings in policies that others write to as well.

A policy is read, our members are added, and it is written back with the etag that was read, so that a change of
somebody else's in between is never lost. Policies are read and written in version 3, which keeps conditions
("IAM: Policy versions and conditions").
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.cloud.deploy.resource import Change, Owner, Resource
from mulesoft_audit.cloud.google.errors import Conflict, NotEnabled, NotFound, Rejected
from mulesoft_audit.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

    Wanted = Callable[[], "list[Binding]"]

NEW_MEMBER = 180.0  #: seconds a new service account is given to become known to IAM
TRIES = 8  #: of read, change, write, while others write to the same policy


@dataclass(frozen=True, slots=True)
class Binding:
    """One member in one role, perhaps under a condition.

    Attributes:
        condition: title and expression; None for always.
    """

    role: str
    member: str
    condition: tuple[str, str] | None = None

    def matches(self, entry: Json) -> bool:
        """Whether an entry of a policy is for this role under this condition."""
        found = entry.get("condition")
        same = (found or {}).get("expression") == (self.condition[1] if self.condition else None)
        return bool(entry.get("role") == self.role and same)

    def held(self, policy: Json) -> bool:
        """Whether a policy grants it."""
        return any(self.matches(entry) and self.member in entry["members"] for entry in policy.get("bindings", []))

    def __str__(self) -> str:
        limit = f" ({self.condition[0]})" if self.condition else ""
        return f"{self.role}{limit}"


class Policy:
    """The policy of one thing, however its API spells that."""

    def __init__(self, google: Google, url: str, what: str, *, storage: bool = False) -> None:
        """Read and write the policy of `url`; a bucket's goes by its own verbs."""
        self._google = google
        self._url = url
        self._storage = storage
        self.what = what

    def read(self) -> Json:
        """Return the policy as it is now."""
        doing = f"read who may use {self.what}"
        if self._storage:
            return self._google.get(f"{self._url}/iam", doing, optionsRequestedPolicyVersion=3)
        version: Json = {"options.requestedPolicyVersion": 3}
        return self._google.get(f"{self._url}:getIamPolicy", doing, **version)

    def write(self, policy: Json) -> None:
        """Write the policy back; fails with `Conflict` if it changed since it was read."""
        doing = f"change who may use {self.what}"
        if self._storage:
            self._google.put(f"{self._url}/iam", doing, policy)
        else:
            self._google.post(f"{self._url}:setIamPolicy", doing, {"policy": policy})

    def edit(self, change: Callable[[Json], Json]) -> None:
        """Read, change and write until nobody was in between."""
        for _ in range(TRIES):
            before = self.read()
            after = change(copy.deepcopy(before))
            if after == before:
                return
            try:
                self.write({**after, "version": 3})
            except Conflict:
                self._google.tell(f"the access to {self.what} was changed by somebody else; reading it again")
            else:
                return
        raise DeploymentError(
            f"The access to {self.what} is changed by somebody else again and again.", "Run the command again later."
        )


def added(policy: Json, wanted: list[Binding]) -> Json:
    """Return the policy with these bindings in it."""
    entries = policy.setdefault("bindings", [])
    for binding in wanted:
        if binding.held(policy):
            continue
        entry = next((entry for entry in entries if binding.matches(entry)), None)
        if entry is None:
            entry = {"role": binding.role, "members": []}
            if binding.condition:
                entry["condition"] = dict(zip(("title", "expression"), binding.condition, strict=True))
            entries.append(entry)
        entry["members"].append(binding.member)
    return policy


def removed(policy: Json, unwanted: list[Binding]) -> Json:
    """Return the policy without these bindings; others' members stay."""
    for binding in unwanted:
        for entry in policy.get("bindings", []):
            if binding.matches(entry) and binding.member in entry["members"]:
                entry["members"].remove(binding.member)
    if policy.get("bindings"):
        policy["bindings"] = [entry for entry in policy["bindings"] if entry["members"]]
    return policy


class Access(Resource):
    """What one thing lets our accounts do."""

    kind: ClassVar[str] = "access"

    def __init__(
        self,
        google: Google,
        config: Deployment,
        policy: Callable[[], Policy],
        wanted: Wanted,
        name: str,
    ) -> None:
        """Hold `wanted` in `policy`; both are asked for late, because they may depend on what is made before."""
        super().__init__(google, config)
        self._policy = policy
        self._wanted = wanted
        self.name = name

    def observe(self) -> Json | None:
        """Return the bindings that are held and those that are not; None if the thing itself is not there."""
        try:
            policy = self._policy().read()
            wanted = self._wanted()
        except (NotFound, NotEnabled):
            return None
        return {
            "held": [binding for binding in wanted if binding.held(policy)],
            "lacking": [binding for binding in wanted if not binding.held(policy)],
        }

    def diff(self, observed: Json) -> list[Change]:
        """Return a change for each binding that is lacking."""
        return [Change(str(binding), "(none)", binding.member) for binding in observed["lacking"]]

    def missing(self) -> list[Change]:
        """Return the bindings, as far as it is known already for whom."""
        try:
            return [Change(str(binding), "(none)", binding.member) for binding in self._wanted()]
        except (NotFound, NotEnabled):
            return []

    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Add what is lacking; waits for accounts that are too new for IAM to know."""
        wanted = self._wanted()
        pauses = self.google.waiting(f"see a new account known to {self.name}", NEW_MEMBER, every=10.0)
        while True:
            try:
                return self._policy().edit(lambda policy: added(policy, wanted))
            except Rejected as error:
                if "does not exist" not in error.message:
                    raise
                next(pauses)

    def destroy(self, observed: Json) -> None:
        """Remove our bindings."""
        if observed["held"]:
            self._policy().edit(lambda policy: removed(policy, observed["held"]))

    def owner(self, observed: Json) -> Owner:
        """Return that a policy is shared."""
        return Owner.SHARED
