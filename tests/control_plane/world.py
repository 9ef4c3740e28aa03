"""What exists in the simulated Google Cloud, and what has gone wrong in it."""

from __future__ import annotations

import copy
import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.fake_clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
NUMBER = "123456789012"


class Refusal(Exception):
    """An error answer of Google's."""

    def __init__(self, status: int, reason: str, message: str, detail: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.detail = detail or {}


@dataclass
class World:
    """Everything that exists, by the full name that its API gives it.

    Attributes:
        project: the one project there is.
        lag: how many reads, permissions, switches and polls it takes until what was done shows.
        log: each request that was allowed: method, path, query, body.
        logs_excluded: whether Cloud Logging keeps nothing of the function.
        elsewhere: names of buckets that belong to somebody else.
        constraints: the rules of organization policies, by their constraints.
        only_alpha: whether SecOps has `runParser` in v1alpha alone.
        data_tables: the names of those in SecOps.
        diagnostics: by the name of a rule, what the compiler says of it.
        broken_logs: by a part of a log, why the parser engine does not parse it.
        engine: what the parser engine does to an event besides running the parser.
    """

    project: str = "acme-logs"
    lag: int = 0
    clock: FakeClock = field(default_factory=FakeClock)
    things: dict[str, Json] = field(default_factory=dict)
    policies: dict[str, Json] = field(default_factory=dict)
    enabled: set[str] = field(default_factory=lambda: {"serviceusage.googleapis.com"})
    log_entries: list[Json] = field(default_factory=list)
    log: list[tuple[str, str, dict[str, list[str]], Json | None]] = field(default_factory=list)
    run_status: int = 200
    logs_excluded: bool = False
    elsewhere: set[str] = field(default_factory=set)
    constraints: dict[str, list[Json]] = field(default_factory=dict)
    log_types: tuple[str, ...] = ("MULESOFT", "OKTA")
    parser: bool = True
    only_alpha: bool = False
    data_tables: set[str] = field(default_factory=set)
    diagnostics: dict[str, list[Json]] = field(default_factory=dict)
    broken_logs: dict[str, str] = field(default_factory=dict)
    engine: Callable[[Json], Json] = lambda event: event
    unseen: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    serial: int = 0

    def next(self) -> int:
        """Return a number that was not used before."""
        self.serial += 1
        return self.serial

    def stamp(self) -> str:
        """Return the time as Google writes it."""
        return datetime.fromtimestamp(self.clock.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def read(self, name: str) -> Json:
        """Return a thing, once it shows."""
        if name not in self.things or self.hidden(f"read {name}"):
            raise Refusal(404, "NOT_FOUND", f"Resource '{name}' was not found.")
        return copy.deepcopy(self.things[name])

    def need(self, name: str, status: int = 400) -> Json:
        """Return a thing that something else refers to; it must exist, seen or not."""
        if name not in self.things:
            reason = "INVALID_ARGUMENT" if status == 400 else "NOT_FOUND"
            raise Refusal(status, reason, f"Referenced resource '{name}' does not exist.")
        return self.things[name]

    def make(self, name: str, thing: Json) -> Json:
        """Create a thing under a name that must be free."""
        if name in self.things:
            raise Refusal(409, "ALREADY_EXISTS", f"Resource '{name}' already exists.")
        self.things[name] = copy.deepcopy(thing)
        self.hide(f"read {name}")
        return copy.deepcopy(thing)

    def drop(self, name: str) -> None:
        """Delete a thing and its policy."""
        del self.things[self._known(name)]
        self.policies.pop(name, None)

    def _known(self, name: str) -> str:
        if name not in self.things:
            raise Refusal(404, "NOT_FOUND", f"Resource '{name}' was not found.")
        return name

    def hide(self, what: str) -> None:
        """Let something take a while to show."""
        self.unseen[what] = self.lag

    def hidden(self, what: str) -> bool:
        """Whether something does not show yet; asking brings it nearer."""
        if self.unseen[what] <= 0:
            return False
        self.unseen[what] -= 1
        return True

    def below(self, prefix: str) -> list[Json]:
        """Return the things whose name begins so, by name."""
        return [copy.deepcopy(thing) for name, thing in sorted(self.things.items()) if name.startswith(prefix)]

    def policy(self, name: str) -> Json:
        """Return the policy of a thing that must exist."""
        self._known(name)
        stored = self.policies.setdefault(name, {"bindings": []})
        return {**copy.deepcopy(stored), "version": 3, "etag": etag(stored)}

    def set_policy(self, name: str, policy: Json) -> Json:
        """Write a policy against the etag that was read; every member must exist."""
        self._known(name)
        if policy.get("etag") != etag(self.policies.setdefault(name, {"bindings": []})):
            raise Refusal(
                409, "ABORTED", "There were concurrent policy changes. Please retry the whole read-modify-write."
            )
        for binding in policy.get("bindings", []):
            if binding.get("condition") and policy.get("version") != 3:
                raise Refusal(400, "INVALID_ARGUMENT", "Policies with conditions need version 3.")
            for member in binding["members"]:
                self._check_member(member)
        self.policies[name] = {"bindings": copy.deepcopy(policy.get("bindings", []))}
        return self.policy(name)

    def _check_member(self, member: str) -> None:
        email = member.removeprefix("serviceAccount:")
        name = f"projects/{self.project}/serviceAccounts/{email}"
        ours = email.endswith(f"@{self.project}.iam.gserviceaccount.com")
        if ours and (name not in self.things or self.hidden(f"member {name}")):
            raise Refusal(400, "INVALID_ARGUMENT", f"Service account {email} does not exist.")
        if email.startswith("service-") and "pubsub.googleapis.com" not in self.enabled:
            raise Refusal(400, "INVALID_ARGUMENT", f"Service account {email} does not exist.")

    def granted(self, name: str, role: str, email: str) -> bool:
        """Whether an account has a role on a thing."""
        bindings = self.policies.get(name, {}).get("bindings", [])
        return any(b["role"] == role and f"serviceAccount:{email}" in b["members"] for b in bindings)


def etag(thing: Json) -> str:
    """Return a tag that changes with a thing."""
    import base64

    digest = hashlib.sha256(json.dumps(thing, sort_keys=True).encode()).digest()[:6]
    return base64.b64encode(digest).decode()
