"""Cloud Scheduler: a job that is run reaches the function."""

from __future__ import annotations

import base64
import json

from tests.control_plane.compute import invoke
from tests.control_plane.registry import Json, Request, serves


@serves("cloudscheduler.projects.locations.jobs.run")
def run_job(request: Request) -> Json:
    """Publish the job's message now."""
    job = request.world.need(request.name, 404)
    json.loads(base64.b64decode(job["pubsubTarget"]["data"]))
    invoke(request.world, job["pubsubTarget"]["topicName"])
    return request.world.read(request.name)
