"""The organization policies that would refuse a deployment, looked up before one is tried.

The constraints are those that Google documents for the services used here ("Organization policy constraints"). That
buckets have uniform access and prevent public access is not looked at: the module's always do both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit import refusal
from mulesoft_audit.cloud.google.errors import NotEnabled, NotFound
from mulesoft_audit.doctor.finding import Finding, ok, skipped, warn
from mulesoft_audit.doctor.google import NEEDED, broken
from mulesoft_audit.errors import PermissionMissing
from mulesoft_audit.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulesoft_audit.cloud.deploy.deployment import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

POLICIES = "organization policies"
ORGPOLICY = "orgpolicy.googleapis.com"
WITHOUT_KEYS = ("artifactregistry", "cloudfunctions", "pubsub", "run", "secretmanager", "storage")
OUTSIDE_EU = ("europe-west2", "europe-west6")  #: London and Zurich
CONTINENTS = ("us", "asia", "europe", "australia")  #: whose group of locations has all that begin with its name
#: Values that stand for more than their name tells: other groups of locations, sets of principals.
UNCLEAR = re.compile(r"in:(?!(us|asia|europe|eu|australia|[a-z]+-[a-z]+\d+)-locations$)|under:|principalSet:")
SHOWN = 5  #: values of a policy that are shown


@dataclass(frozen=True, slots=True)
class Demand:
    """What a deployment needs a policy to allow.

    Attributes:
        constraint: the policy's, without `constraints/`.
        values: of a list policy, those that have to be allowed; empty for a policy that has to be off.
        setting: what can be set otherwise here, so that the policy allows it; empty if nothing can.
    """

    constraint: str
    values: tuple[str, ...] = ()
    setting: str = ""


def demands(deployment: Deployment, *, feed: bool) -> list[Demand]:
    """Return what a deployment needs, with a SecOps feed or without."""
    arguments = deployment.arguments
    network = bool(arguments.get("static_egress_ip"))
    secret = arguments.get("secret_locations", [deployment.region])
    places = [deployment.region, str(arguments.get("bucket_location", deployment.region)).lower()]
    if not deployment.existing_secret and isinstance(secret, list | tuple):
        places += [str(one) for one in secret] or ["global"]
    used = [*NEEDED, *(["compute.googleapis.com"] if network else [])]
    found = [
        Demand(
            "gcp.resourceLocations",
            tuple(dict.fromkeys(places)),
            "Choose --region, --bucket-location and --secret-location among the allowed ones.",
        ),
        Demand("gcp.restrictServiceUsage", tuple(used)),
        Demand("gcp.restrictNonCmekServices", tuple(f"{name}.googleapis.com" for name in WITHOUT_KEYS)),
        Demand("iam.disableServiceAccountCreation"),
        Demand("run.allowedIngress", ("internal",)),
        Demand(
            "run.allowedVPCEgress",
            ("all-traffic",) if network else ("no network at all",),
            "" if network else "--static-ip sends all traffic through a network.",
        ),
    ]
    return [*found, Demand(refusal.DOMAINS, (refusal.SECOPS_CUSTOMER,))] if feed else found


def refused(demand: Demand, policy: Json) -> list[str] | None:
    """Return what an effective policy refuses of a demand: values, or `on`; None if that cannot be told.

    Args:
        demand: what has to be allowed.
        policy: as `getEffectivePolicy` returns it.
    """
    rules = [one for one in policy.get("spec", {}).get("rules", []) if isinstance(one, dict)]
    if not demand.values:
        return ["on"] if any(rule.get("enforce") for rule in rules) else []
    allowed, denied = _values(rules, "allowedValues"), _values(rules, "deniedValues")
    if any(rule.get("denyAll") for rule in rules):
        return list(demand.values)
    found = [one for one in demand.values if any(_covers(value, one) for value in denied)]
    if any(rule.get("allowAll") for rule in rules) or not allowed:
        return found
    lacking = [one for one in demand.values if one not in found and not any(_covers(value, one) for value in allowed)]
    unclear = any(UNCLEAR.match(value) for value in allowed)
    return None if lacking and unclear and not found else found + lacking


def _values(rules: list[Json], key: str) -> list[str]:
    return [str(value).removeprefix("is:") for rule in rules for value in rule.get("values", {}).get(key, [])]


def _covers(value: str, wanted: str) -> bool:
    """Whether a value of a policy stands for what is wanted; of groups of locations, those whose name tells."""
    if not value.startswith("in:"):
        return value.lower() == wanted.lower()
    group = value.removeprefix("in:").removesuffix("-locations")
    if group == "eu":
        return wanted == "eu" or (wanted.startswith("europe-") and wanted not in OUTSIDE_EU)
    return wanted == group or (group in CONTINENTS and wanted.startswith(f"{group}-"))


@dataclass(slots=True)
class Policies:
    """One look at the policies that hold for a project.

    Attributes:
        google: the client.
        config: what is deployed, or is to be.
        feed: whether there is to be a SecOps feed.
        works: whether a deployment works there, which a policy refuses only once it is changed.
    """

    google: Google
    config: Deployment
    feed: bool
    works: bool

    def check(self) -> Iterator[Finding]:
        """Look at each policy that could be in the way."""
        wanted = demands(self.config, feed=self.feed)
        clear = True
        for demand in wanted:
            try:
                policy = self._effective(demand.constraint)
            except NotEnabled:
                hint = f"To have them looked at: {refusal.enable(ORGPOLICY, self.config.project)}"
                yield skipped("the Organization Policy API is off in the project", hint)
                return
            except PermissionMissing:
                yield skipped("may not be looked up", "Ask for roles/orgpolicy.policyViewer on the project.")
                return
            found = self._judged(demand, policy)
            clear = clear and found is None
            if found is not None:
                yield found
        if clear:
            yield ok(f"none of {len(wanted)} that could refuse a deployment does")

    def _effective(self, constraint: str) -> Json:
        url = f"{ORGPOLICY}/v2/projects/{self.config.project}/policies/{constraint}:getEffectivePolicy"
        try:
            return self.google.get(url, f"look up the organization policy {constraint}")
        except NotFound:
            return {}  # the project belongs to no organization

    def _judged(self, demand: Demand, policy: Json) -> Finding | None:
        values = refused(demand, policy)
        hint = " ".join(filter(None, [demand.setting, refusal.lift(demand.constraint)]))
        if values is None:
            return warn(f"{demand.constraint} may refuse {', '.join(demand.values)}: allowed is {_shown(policy)}", hint)
        if not values:
            return None
        refuses = f"refuses {', '.join(values)}" if demand.values else "is enforced: no service account can be made"
        allowed = f"; allowed is {_shown(policy)}" if _shown(policy) else ""
        said = f"{demand.constraint} {refuses}{allowed}"
        if self.works:
            return warn(f"{said}. What is deployed works; a change to it would be refused", hint)
        return broken(said, hint)


def _shown(policy: Json) -> str:
    values = _values(policy.get("spec", {}).get("rules", []), "allowedValues")
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return printable(", ".join(values[:SHOWN])) + more
