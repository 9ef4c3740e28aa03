"""What runs once something is deployed: a message reaches the function, which logs and writes."""

from __future__ import annotations

import json
import re

from tests.control_plane.registry import Json, Request, paged, serves
from tests.control_plane.world import Refusal, World


def invoke(world: World, topic: str) -> None:
    """Deliver a message of a topic to the functions that its subscriptions push to, and let them log and write."""
    subscriptions = [thing for name, thing in world.things.items() if "/subscriptions/" in name]
    for push in [one["pushConfig"] for one in subscriptions if one["topic"] == topic and "pushConfig" in one]:
        for name, thing in list(world.things.items()):
            if "/functions/" in name and thing["serviceConfig"]["uri"] == push["pushEndpoint"]:
                _serve(world, thing, push["oidcToken"]["serviceAccountEmail"])


def _serve(world: World, thing: Json, caller: str) -> None:
    config = thing["serviceConfig"]
    status = world.run_status if world.granted(config["service"], "roles/run.invoker", caller) else 403
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
    payload = {"message": text, "event": "run"}
    world.log_entries.append({**common, "logName": f"{log}stderr", "severity": severity, "jsonPayload": payload})
    world.log_entries.append({**common, "logName": f"{log}requests", "severity": severity, "httpRequest": request})
    number = world.next()
    written = {"state/last-run.json": json.dumps({"exit_code": 0 if status < 300 else 5, "complete": status < 300})}
    if status < 300:
        written[f"audit/org/2026/01/01/mulesoft-audit-{number:06}.json.gz"] = ""
    for key, content in written.items():
        thing = {"name": key, "generation": str(number), "updated": world.stamp(), "content": content}
        world.things[f"b/{bucket}/objects/{key}"] = thing


@serves("logging.entries.list")
def entries(request: Request) -> Json:
    """Return log entries, by the parts of the filter that are used here."""
    wanted = request.body["filter"]
    since = re.search(r'timestamp>="([^"]+)"', wanted)
    service = re.search(r'service_name="([^"]+)"', wanted)
    requests = re.search(r'(NOT )?log_id\("run.googleapis.com/requests"\)', wanted)
    if not since or not service or not requests:
        raise Refusal(400, "INVALID_ARGUMENT", f"Unsupported filter {wanted!r}.")
    if request.world.logs_excluded or request.world.hidden("log entries"):
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
