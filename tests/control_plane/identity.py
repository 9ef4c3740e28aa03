"""The project, its APIs, its policies, and looking at what there is."""

from __future__ import annotations

from tests.control_plane.registry import Json, Request, serves
from tests.control_plane.world import NUMBER, Refusal


@serves("cloudresourcemanager.projects.get")
def project(request: Request) -> Json:
    """Return the project with its number."""
    return {"name": f"projects/{NUMBER}", "projectId": request.world.project, "state": "ACTIVE"}


@serves("serviceusage.services.batchGet")
def batch_get(request: Request) -> Json:
    """Return the state of up to 30 APIs."""
    names = request.query["names"]
    if len(names) > 30:
        raise Refusal(400, "INVALID_ARGUMENT", "At most 30 services.")
    on = request.world.enabled
    return {"services": [{"name": n, "state": "ENABLED" if n.rsplit("/", 1)[-1] in on else "DISABLED"} for n in names]}


@serves("iam.projects.serviceAccounts.get", "secretmanager.projects.secrets.get", "pubsub.projects.topics.get")
@serves("pubsub.projects.subscriptions.get", "cloudfunctions.projects.locations.functions.get")
@serves("cloudscheduler.projects.locations.jobs.get")
def get(request: Request) -> Json:
    """Return a thing by its name."""
    return request.world.read(request.name)


@serves("secretmanager.projects.secrets.versions.get")
def get_version(request: Request) -> Json:
    """Return the newest version's state, never its value."""
    parent = request.name.rpartition("/versions/")[0]
    versions = request.world.below(f"{parent}/versions/")
    if not versions:
        raise Refusal(404, "NOT_FOUND", f"Secret Version [{request.name}] not found.")
    return {"name": versions[-1]["name"], "state": "ENABLED"}


@serves("secretmanager.projects.secrets.getIamPolicy", "pubsub.projects.topics.getIamPolicy")
@serves("run.projects.locations.services.getIamPolicy", "pubsub.projects.subscriptions.getIamPolicy")
@serves("iam.projects.serviceAccounts.getIamPolicy")
def get_policy(request: Request) -> Json:
    """Return a thing's policy."""
    return request.world.policy(request.name)


@serves("cloudresourcemanager.projects.getIamPolicy")
def project_policy(request: Request) -> Json:
    """Return who may do what on the project."""
    return {**request.world.policies.get(request.name, {"bindings": []}), "version": 3}


@serves("orgpolicy.projects.policies.getEffectivePolicy")
def effective_policy(request: Request) -> Json:
    """Return the rules of a constraint; without any, everything is allowed."""
    constraint = request.name.rpartition("/")[2]
    return {"name": request.name, "spec": {"rules": request.world.constraints.get(constraint, [{"allowAll": True}])}}
