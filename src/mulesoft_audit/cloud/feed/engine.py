"""Plan, apply and destroy an ordered list of resources: the feeds, and their access to the bucket.

Each resource comes after what it refers to. Applying brings one after the other to where it should be and waits until
Google shows it so; what is in order already is left alone. A failure therefore leaves a shorter way for the next
apply, wherever it happened.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.feed.managed import Change, Owner
from mulesoft_audit.cloud.google.errors import Conflict, NotFound
from mulesoft_audit.errors import (
    AuditError,
    CredentialsError,
    DeploymentError,
    Interrupted,
    PermissionMissing,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mulesoft_audit.cloud.feed.managed import Resource
    from mulesoft_audit.cloud.google.client import Google, Json

    Report = Callable[["Step"], None]

SETTLE = 300.0  #: seconds that Google is given to show what it has accepted

KEPT_KINDS = (CredentialsError, Interrupted, PermissionMissing, UsageError)
CREATE, CHANGE, NONE, REFUSED, DELETE, LEAVE = "create", "change", "none", "refused", "delete", "leave"


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done about one resource.

    Attributes:
        action: `create`, `change`, `none`, `refused` (somebody else's, and not as wanted), `delete` or `leave`.
        changes: field by field.
        note: why nothing is done, or what else there is to say.
        problem: why it is refused, if that is more than that it is somebody else's.
    """

    resource: Resource
    action: str
    changes: tuple[Change, ...] = ()
    note: str = ""
    problem: AuditError | None = None

    def summary(self) -> dict[str, object]:
        """Return the step for a script."""
        return {
            "kind": self.resource.kind,
            "name": self.resource.name,
            "action": self.action,
            "changes": [{"field": c.field, "before": c.before, "after": c.after} for c in self.changes],
            "note": self.note,
        }


def judge(resource: Resource, observed: Json | None, *, adopt: bool) -> Step:
    """Return what applying would do about one resource."""
    if observed is None:
        return Step(resource, CREATE, tuple(resource.missing()))
    changes = tuple(resource.diff(observed))
    if resource.owner(observed) is not Owner.FOREIGN:
        return Step(resource, CHANGE if changes else NONE, changes)
    if adopt:
        return Step(resource, CHANGE, (Change("owner", "somebody else", "adopted"), *changes))
    if not changes:
        return Step(resource, NONE, note="not made by this tool; used as it is")
    return Step(resource, REFUSED, changes, "exists, was not made by this tool and differs; --adopt takes it over")


def plan(resources: Iterable[Resource], *, adopt: bool = False) -> list[Step]:
    """Return what applying would do, and what is known to stand in its way; reads only."""
    return [_foreseen(resource, adopt=adopt) for resource in resources]


def _foreseen(resource: Resource, *, adopt: bool) -> Step:
    observed = resource.observe()
    step = judge(resource, observed, adopt=adopt)
    try:
        resource.check(observed)
    except (UsageError, DeploymentError) as error:
        return replace(step, action=REFUSED, note=error.message, problem=error)
    return step


def refuse(steps: Iterable[Step]) -> None:
    """Raise if a plan has steps that are known to be impossible.

    Raises:
        UsageError, DeploymentError: naming them; nothing was changed.
    """
    refused = [step for step in steps if step.action == REFUSED]
    for step in refused:
        if step.problem is not None:
            raise step.problem
    if refused:
        names = "; ".join(str(step.resource) for step in refused)
        raise DeploymentError(
            f"These exist already, were not made by this tool and differ from what is wanted: {names}.",
            "Nothing was changed. Use other names, or --adopt to take them over as they are shown by the plan.",
        )


def _silent(step: Step) -> None:
    """Report nothing."""


def apply(
    google: Google,
    resources: Sequence[Resource],
    *,
    adopt: bool = False,
    planned: bool = False,
    report: Report = _silent,
) -> list[Step]:
    """Bring every resource to where it should be, in order.

    Args:
        google: the client.
        resources: each after what it refers to.
        adopt: whether to take over what somebody else made.
        planned: whether a plan was made and not refused just now; otherwise that comes first.
        report: told of each step once it is done.

    Raises:
        DeploymentError: something of somebody else's is in the way (nothing was changed), or a step failed.
    """
    if not planned:
        refuse(plan(resources, adopt=adopt))
    done: list[Step] = []
    for resource in resources:
        try:
            step = converge(google, resource, adopt=adopt)
        except AuditError as error:
            raise _located(error, resource, done) from error
        done.append(step)
        report(step)
    return done


def converge(google: Google, resource: Resource, *, adopt: bool) -> Step:
    """Bring one resource to where it should be, and wait until Google shows it so."""
    observed = resource.observe()
    step = judge(resource, observed, adopt=adopt)
    if step.action in (CREATE, CHANGE):
        _act(google, resource, observed)
    elif step.action == REFUSED:
        raise DeploymentError(f"{resource} {step.note}.")
    return step


def _act(google: Google, resource: Resource, observed: Json | None) -> None:
    keep = observed is not None and resource.owner(observed) is not Owner.OURS
    try:
        resource.apply(observed, adopt=keep)
    except Conflict as error:
        if observed is not None:
            raise
        _now_there(google, resource, error)
    settle(google, resource)


def _now_there(google: Google, resource: Resource, error: Conflict) -> None:
    """Go on with what exists although it did not show: an earlier try made it, or somebody else did."""
    pauses = google.waiting(f"see the {resource}", SETTLE)
    while (observed := resource.observe()) is None:
        try:
            next(pauses)
        except DeploymentError:
            raise error from None
    if judge(resource, observed, adopt=False).action == REFUSED:
        raise error
    if resource.diff(observed):
        resource.apply(observed, adopt=resource.owner(observed) is not Owner.OURS)


def settle(google: Google, resource: Resource) -> None:
    """Wait until what is observed is what was wanted."""
    pauses = google.waiting(f"see the {resource} in order", SETTLE)
    while True:
        observed = resource.observe()
        changes = resource.diff(observed) if observed is not None else [Change("existence", "(none)", "there")]
        if not changes:
            return
        try:
            next(pauses)
        except DeploymentError as error:
            fields = ", ".join(f"{change.field} is {change.before}" for change in changes[:5])
            raise DeploymentError(f"Google accepted the {resource}, but still shows {fields}.", error.hint) from error


def plan_destroy(resources: Sequence[Resource]) -> list[Step]:
    """Return what destroying would do; reads only."""
    return [step for resource in reversed(resources) if (step := _farewell(resource, resource.observe()))]


def _farewell(resource: Resource, observed: Json | None) -> Step | None:
    if observed is None:
        return None
    owner = resource.owner(observed)
    if owner in (Owner.FOREIGN, Owner.ADOPTED):
        return Step(resource, LEAVE, note=owner.value)
    reason = resource.keep(observed)
    return Step(resource, LEAVE if reason else DELETE, note=reason)


def destroy(resources: Sequence[Resource], *, report: Report = _silent) -> list[Step]:
    """Take away what this tool made, last first; what it did not make stays."""
    done: list[Step] = []
    for resource in reversed(resources):
        try:
            step = _remove(resource)
        except AuditError as error:
            raise _located(error, resource, done) from error
        if step:
            done.append(step)
            report(step)
    return done


def _remove(resource: Resource) -> Step | None:
    observed = resource.observe()
    step = _farewell(resource, observed)
    if step is None or observed is None or step.action == LEAVE:
        return step
    with contextlib.suppress(NotFound):  # somebody else was faster
        resource.destroy(observed)
    return step


def _located(error: AuditError, resource: Resource, done: list[Step]) -> AuditError:
    """Return the error with where it happened, keeping its kind."""
    acted = sum(step.action in (CREATE, CHANGE, DELETE) for step in done)
    message = f"{resource}: {error.message} ({acted} steps before it were done and stay done.)"
    kind = type(error) if type(error) in KEPT_KINDS else DeploymentError
    return kind(message, error.hint)
