"""Cloud Functions, the Cloud Run service and the Eventarc trigger behind one, and what they log."""

from __future__ import annotations

import io
import re
import zipfile

from tests.control_plane.registry import Json, Request, paged, serves
from tests.control_plane.world import NUMBER, Refusal, World

FUNCTIONS = "cloudfunctions.projects.locations.functions"


@serves(f"{FUNCTIONS}.generateUploadUrl")
def upload_url(request: Request) -> Json:
    """Return a place to put a zip file."""
    name = f"upload-{request.world.next()}.zip"
    source = {"bucket": f"gcf-v2-uploads-{NUMBER}", "object": name}
    return {"uploadUrl": f"/upload/{name}", "storageSource": source}


@serves(f"{FUNCTIONS}.create")
def create(request: Request) -> Json:
    """Create a function with its service and trigger; everything it refers to must be there."""
    world, body = request.world, request.body
    name = f"{request.path['parent']}/functions/{request.ask('functionId')}"
    if body.get("name", name) != name:
        raise Refusal(400, "INVALID_ARGUMENT", "The name and functionId differ.")
    if name in world.things:
        raise Refusal(409, "ALREADY_EXISTS", f"Resource '{name}' already exists.")
    return _deploy(world, name, body, "buildConfig,serviceConfig,eventTrigger,labels,environment,name")


@serves(f"{FUNCTIONS}.patch")
def patch(request: Request) -> Json:
    """Change a function, under the same conditions."""
    request.world.need(request.name, 404)
    return _deploy(request.world, request.name, request.body, request.ask("updateMask"))


def _deploy(world: World, name: str, body: Json, mask: str) -> Json:
    _check(world, body)
    if "buildConfig" in mask.split(","):
        _check_source(world, body["buildConfig"])
    world.things.setdefault(name, {"name": name})
    world.hide(f"read {name}")
    thing = world.merge(name, body, mask)
    project, place, short = name.split("/")[1], name.split("/")[3], name.rsplit("/", 1)[-1]
    parent = f"projects/{project}/locations/{place}"
    operation = f"{parent}/operations/op-{world.next()}"
    if error := _cannot_start(world, thing):
        world.things[name]["state"] = "FAILED"
        return world.operation(operation, {}, error)
    service, trigger = f"{parent}/services/{short}", f"{parent}/triggers/{short}-1"
    subscription = f"projects/{project}/subscriptions/eventarc-{place}-{short}-1-sub"
    topic = thing["eventTrigger"]["pubsubTopic"]
    world.things.setdefault(service, {"name": service})
    transport = {"pubsub": {"topic": topic, "subscription": subscription}}
    world.things.setdefault(trigger, {"name": trigger, "transport": transport})
    made = {"name": subscription, "topic": topic, "ackDeadlineSeconds": thing["serviceConfig"]["timeoutSeconds"]}
    world.things.setdefault(subscription, made)
    _fill(world.things[name], service, trigger, f"https://{short}-uc.a.run.app")
    return world.operation(operation, world.things[name])


def _fill(thing: Json, service: str, trigger: str, uri: str) -> None:
    """Add what Google adds of itself."""
    thing["state"] = "ACTIVE"
    thing["url"] = uri
    config = thing["serviceConfig"]
    config.update({"service": service, "uri": uri, "revision": "r-1"})
    config["environmentVariables"] = {**config.get("environmentVariables", {}), "LOG_EXECUTION_ID": "true"}
    config["secretEnvironmentVariables"] = [
        {**one, "projectId": NUMBER} for one in config.get("secretEnvironmentVariables", [])
    ]
    thing["eventTrigger"]["trigger"] = trigger
    thing["buildConfig"].pop("source", None)


def _check(world: World, body: Json) -> None:
    for key, value in body.get("labels", {}).items():
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) or not re.fullmatch(r"[a-z0-9_-]{0,63}", value):
            raise Refusal(400, "INVALID_ARGUMENT", f"Label {key}={value} is invalid.")
    service, trigger = body["serviceConfig"], body["eventTrigger"]
    for email in (service["serviceAccountEmail"], trigger["serviceAccountEmail"]):
        world.need(f"projects/{world.project}/serviceAccounts/{email}")
    world.need(trigger["pubsubTopic"])
    if "CLIENT_SECRET" in service["environmentVariables"]:
        raise Refusal(400, "INVALID_ARGUMENT", "A secret as a plain environment variable: refused by this test.")


def _check_source(world: World, build: Json) -> None:
    uploaded = world.uploads.get(build.get("source", {}).get("storageSource", {}).get("object", ""))
    if uploaded is None:
        raise Refusal(400, "INVALID_ARGUMENT", "The source was not uploaded.")
    with zipfile.ZipFile(io.BytesIO(uploaded)) as archive:
        if "main.py" not in archive.namelist():
            raise Refusal(400, "INVALID_ARGUMENT", "The source has no main.py.")


def _cannot_start(world: World, thing: Json) -> Json | None:
    if world.build_error:
        return {"code": 3, "message": world.build_error}
    config = thing["serviceConfig"]
    for secret in config["secretEnvironmentVariables"]:
        name = f"projects/{world.project}/secrets/{secret['secret']}"
        world.need(name)
        email = config["serviceAccountEmail"]
        role = "roles/secretmanager.secretAccessor"
        if not world.granted(name, role, email) or world.hidden(f"grant {name}"):
            return {"code": 7, "message": f"Permission denied on secret: {name} for Revision service account {email}."}
        if not world.below(f"{name}/versions/"):
            return {"code": 9, "message": f"Secret {name}/versions/latest was not found"}
    return None


@serves(f"{FUNCTIONS}.delete")
def delete(request: Request) -> Json:
    """Delete a function with its service, trigger and subscription."""
    world, name = request.world, request.name
    thing = world.need(name, 404)
    trigger = thing.get("eventTrigger", {}).get("trigger", "")
    subscription = world.things.get(trigger, {}).get("transport", {}).get("pubsub", {}).get("subscription", "")
    for one in (subscription, trigger, thing.get("serviceConfig", {}).get("service", ""), name):
        if one in world.things:
            world.drop(one)
    return world.operation(f"{name.rsplit('/', 2)[0]}/operations/op-{world.next()}", {})


def invoke(world: World, topic: str) -> None:
    """Deliver a message to the functions that a topic triggers, and let them log and write."""
    for name, thing in list(world.things.items()):
        if "/functions/" in name and thing.get("eventTrigger", {}).get("pubsubTopic") == topic:
            _serve(world, thing)


def _serve(world: World, thing: Json) -> None:
    config = thing["serviceConfig"]
    allowed = world.granted(config["service"], "roles/run.invoker", thing["eventTrigger"]["serviceAccountEmail"])
    status = world.run_status if allowed else 403
    project, bucket = world.project, config["environmentVariables"]["GCS_BUCKET"]
    place = config["service"].split("/")[3]
    resource = {
        "type": "cloud_run_revision",
        "labels": {"service_name": config["service"].rsplit("/", 1)[-1], "location": place, "project_id": project},
    }
    common = {"resource": resource, "timestamp": world.stamp(), "insertId": str(world.next())}
    request = {"requestMethod": "POST", "status": status}
    log = f"projects/{project}/logs/run.googleapis.com%2F"
    severity = "INFO" if status < 300 else "ERROR"
    text = "run finished" if status < 300 else "the run failed \x1b[31mbadly"
    entry = {
        **common,
        "logName": f"{log}stderr",
        "severity": severity,
        "jsonPayload": {"message": text, "event": "run"},
    }
    world.log_entries.append(entry)
    world.log_entries.append({**common, "logName": f"{log}requests", "severity": severity, "httpRequest": request})
    if status < 300:
        number = world.next()
        for key in (f"audit/org/2026/01/01/mulesoft-audit-{number:06}.json.gz", "state/org/2026/01/01.manifest"):
            path = f"b/{bucket}/objects/{key}"
            world.things[path] = {"name": key, "generation": str(number), "updated": world.stamp()}


@serves("logging.entries.list")
def entries(request: Request) -> Json:
    """Return log entries, by the parts of the filter that are used here."""
    wanted = request.body["filter"]
    since = re.search(r'timestamp>="([^"]+)"', wanted)
    service = re.search(r'service_name="([^"]+)"', wanted)
    requests = re.search(r'(NOT )?log_id\("run.googleapis.com/requests"\)', wanted)
    if not since or not service or not requests:
        raise Refusal(400, "INVALID_ARGUMENT", f"Unsupported filter {wanted!r}.")
    if request.world.hidden("log entries"):
        return {}
    found = [
        entry
        for entry in request.world.log_entries
        if entry["timestamp"] >= since[1]
        and entry["resource"]["labels"]["service_name"] == service[1]
        and entry["logName"].endswith("requests") == (requests[1] is None)
    ]
    size = request.body.get("pageSize", 50)
    return paged(request, found[::-1][:size], "entries", 50)
