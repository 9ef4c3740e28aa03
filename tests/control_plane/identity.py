"""The project, its APIs, service accounts and secrets."""

from __future__ import annotations

import base64

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


@serves("serviceusage.services.batchEnable")
def batch_enable(request: Request) -> Json:
    """Enable up to 20 APIs; each takes a while to be seen."""
    services = request.body["serviceIds"]
    if len(services) > 20:
        raise Refusal(400, "INVALID_ARGUMENT", "At most 20 services.")
    for service in services:
        request.world.enabled.add(service)
        request.world.hide(f"api {service}")
    return request.world.operation(f"operations/acf.{request.world.next()}", {})


@serves("serviceusage.operations.get", "cloudfunctions.projects.locations.operations.get")
def operation(request: Request) -> Json:
    """Look at a long-running operation."""
    return request.world.poll(request.name)


@serves("iam.projects.serviceAccounts.create")
def create_account(request: Request) -> Json:
    """Create a service account, which other APIs learn of later."""
    world, account = request.world, request.body["accountId"]
    email = f"{account}@{world.project}.iam.gserviceaccount.com"
    name = f"projects/{world.project}/serviceAccounts/{email}"
    world.hide(f"member {name}")
    body = {**request.body["serviceAccount"], "name": name, "email": email, "uniqueId": str(world.next())}
    return world.make(name, body)


@serves("iam.projects.serviceAccounts.get", "secretmanager.projects.secrets.get", "pubsub.projects.topics.get")
@serves("pubsub.projects.subscriptions.get", "eventarc.projects.locations.triggers.get")
@serves("cloudscheduler.projects.locations.jobs.get", "cloudfunctions.projects.locations.functions.get")
def get(request: Request) -> Json:
    """Return a thing by its name."""
    return request.world.read(request.name)


@serves("iam.projects.serviceAccounts.patch")
def patch_account(request: Request) -> Json:
    """Change what is said of an account."""
    return request.world.merge(request.name, request.body["serviceAccount"], request.body["updateMask"])


@serves("iam.projects.serviceAccounts.enable")
def enable_account(request: Request) -> Json:
    """Enable an account."""
    request.world.need(request.name, 404).pop("disabled", None)
    return {}


@serves("iam.projects.serviceAccounts.delete", "pubsub.projects.topics.delete", "pubsub.projects.subscriptions.delete")
@serves("cloudscheduler.projects.locations.jobs.delete", "monitoring.projects.alertPolicies.delete")
def delete(request: Request) -> Json:
    """Delete a thing by its name."""
    request.world.drop(request.name)
    return {}


@serves("secretmanager.projects.secrets.create")
def create_secret(request: Request) -> Json:
    """Create a secret without a version."""
    if not request.body.get("replication"):
        raise Refusal(400, "INVALID_ARGUMENT", "Field [replication] is required.")
    name = f"{request.path['parent']}/secrets/{request.ask('secretId')}"
    return request.world.make(name, {**request.body, "name": name})


@serves("secretmanager.projects.secrets.patch")
def patch_secret(request: Request) -> Json:
    """Change labels and annotations."""
    return request.world.merge(request.name, request.body, request.ask("updateMask"))


@serves("secretmanager.projects.secrets.delete")
def delete_secret(request: Request) -> Json:
    """Delete a secret with its versions."""
    request.world.drop(request.name)
    for version in request.world.below(f"{request.name}/versions/"):
        request.world.drop(version["name"])
    return {}


@serves("secretmanager.projects.secrets.addVersion")
def add_version(request: Request) -> Json:
    """Store a value under the next number."""
    parent = request.path["parent"]
    request.world.need(parent, 404)
    value = base64.b64decode(request.body["payload"]["data"]).decode()
    number = len(request.world.below(f"{parent}/versions/")) + 1
    name = f"{parent}/versions/{number}"
    request.world.things[name] = {"name": name, "state": "ENABLED", "payload": value}
    return {"name": name, "state": "ENABLED"}


@serves("secretmanager.projects.secrets.versions.get")
def get_version(request: Request) -> Json:
    """Return the newest version's state, never its value."""
    parent = request.name.rpartition("/versions/")[0]
    versions = request.world.below(f"{parent}/versions/")
    if not versions:
        raise Refusal(404, "NOT_FOUND", f"Secret Version [{request.name}] not found.")
    return {"name": versions[-1]["name"], "state": "ENABLED"}


@serves("secretmanager.projects.secrets.getIamPolicy", "pubsub.projects.topics.getIamPolicy")
@serves("pubsub.projects.subscriptions.getIamPolicy", "run.projects.locations.services.getIamPolicy")
def get_policy(request: Request) -> Json:
    """Return a thing's policy."""
    return request.world.policy(request.name)


@serves("secretmanager.projects.secrets.setIamPolicy", "pubsub.projects.topics.setIamPolicy")
@serves("pubsub.projects.subscriptions.setIamPolicy", "run.projects.locations.services.setIamPolicy")
def set_policy(request: Request) -> Json:
    """Write a thing's policy."""
    return request.world.set_policy(request.name, request.body["policy"])
