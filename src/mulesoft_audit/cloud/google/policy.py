"""Access: our bindings in policies that others write to as well.

A policy is read, our members are added, and it is written back with the etag that was read, so that a change of
somebody else's in between is never lost. Policies are read and written in version 3, which keeps conditions
("IAM: Policy versions and conditions").
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.google.errors import Conflict
from mulesoft_audit.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.cloud.google.client import Google, Json

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

    def __init__(self, google: Google, url: str, what: str, *, storage: bool = False, posted: bool = False) -> None:
        """Read and write the policy of `url`; a bucket's goes by its own verbs, an account's is read by POST."""
        self._google = google
        self._url = url
        self._storage = storage
        self._posted = posted
        self.what = what

    def read(self) -> Json:
        """Return the policy as it is now."""
        doing = f"read who may use {self.what}"
        if self._storage:
            return self._google.get(f"{self._url}/iam", doing, optionsRequestedPolicyVersion=3)
        version: Json = {"options.requestedPolicyVersion": 3}
        if self._posted:
            return self._google.post(f"{self._url}:getIamPolicy", doing, once=True, **version)
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


def bucket_policy(google: Google, bucket: str) -> Policy:
    """Return the policy of a bucket."""
    return Policy(google, f"storage.googleapis.com/storage/v1/b/{bucket}", f"the bucket {bucket}", storage=True)
