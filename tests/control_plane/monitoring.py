"""Cloud Monitoring's alert policies, which Google names itself."""

from __future__ import annotations

import re

from tests.control_plane.registry import Json, Request, paged, serves
from tests.control_plane.world import Refusal


@serves("monitoring.projects.alertPolicies.list")
def list_alerts(request: Request) -> Json:
    """Return the policies with a user label."""
    found = request.world.below(f"{request.name}/alertPolicies/")
    if wanted := request.ask("filter"):
        match = re.fullmatch(r'user_labels="?([\w-]+)=([\w-]+)"?', wanted)
        if not match:
            raise Refusal(400, "INVALID_ARGUMENT", f"Unsupported filter {wanted!r}.")
        found = [one for one in found if one.get("userLabels", {}).get(match[1]) == match[2]]
    return paged(request, found, "alertPolicies", 100)


@serves("monitoring.projects.alertPolicies.create")
def create(request: Request) -> Json:
    """Create a policy under a new name, every time."""
    _check(request.body)
    name = f"{request.name}/alertPolicies/{7000 + len(request.world.below(f'{request.name}/alertPolicies/'))}"
    while name in request.world.things:
        name += "0"
    return request.world.make(name, {**request.body, "name": name, "conditions": _named(name, request.body)})


@serves("monitoring.projects.alertPolicies.patch")
def patch(request: Request) -> Json:
    """Change a policy."""
    _check(request.body)
    body = {**request.body, "conditions": _named(request.name, request.body)}
    return request.world.merge(request.name, body, request.ask("updateMask"))


def _named(name: str, body: Json) -> list[Json]:
    return [{**one, "name": f"{name}/conditions/{i}"} for i, one in enumerate(body["conditions"])]


def _check(body: Json) -> None:
    for condition in body["conditions"]:
        absent = condition.get("conditionAbsent", {}).get("duration", "0s")
        if int(absent.rstrip("s")) > 84600:
            raise Refusal(400, "INVALID_ARGUMENT", "A metric-absence duration is at most 23 hours and 30 minutes.")
    for key, value in body.get("userLabels", {}).items():
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", key) or not re.fullmatch(r"[a-z0-9_-]*", value):
            raise Refusal(400, "INVALID_ARGUMENT", f"User label {key}={value} is invalid.")


@serves("monitoring.projects.notificationChannels.list")
def list_channels(request: Request) -> Json:
    """Return every channel."""
    return paged(request, request.world.below(f"{request.name}/notificationChannels/"), "notificationChannels", 2)


@serves("monitoring.projects.notificationChannels.create")
def create_channel(request: Request) -> Json:
    """Create a channel under a new name, every time."""
    if request.body.get("type") != "email" or "email_address" not in request.body.get("labels", {}):
        raise Refusal(400, "INVALID_ARGUMENT", "Only email channels are known here.")
    name = f"{request.name}/notificationChannels/{request.world.next() + 9000}"
    return request.world.make(name, {**request.body, "name": name, "enabled": True})


@serves("monitoring.projects.notificationChannels.patch")
def patch_channel(request: Request) -> Json:
    """Change a channel."""
    return request.world.merge(request.name, request.body, request.ask("updateMask"))


@serves("monitoring.projects.notificationChannels.delete")
def delete_channel(request: Request) -> Json:
    """Delete a channel that no policy uses."""
    policies = request.world.below(f"{request.name.rsplit('/', 2)[0]}/alertPolicies/")
    if any(request.name in policy.get("notificationChannels", []) for policy in policies):
        raise Refusal(400, "FAILED_PRECONDITION", "The channel is in use.")
    request.world.drop(request.name)
    return {}
