"""Pub/Sub and Cloud Scheduler; a job that is run reaches the function."""

from __future__ import annotations

import base64
import json

from tests.control_plane.compute import invoke
from tests.control_plane.registry import Json, Request, serves
from tests.control_plane.world import Refusal


@serves("pubsub.projects.topics.create")
def create_topic(request: Request) -> Json:
    """Create a topic."""
    return request.world.make(request.name, {**request.body, "name": request.name})


@serves("pubsub.projects.subscriptions.create")
def create_subscription(request: Request) -> Json:
    """Create a subscription to a topic that exists."""
    request.world.need(request.body["topic"], 404)
    body = {"ackDeadlineSeconds": 10, **request.body, "name": request.name}
    return request.world.make(request.name, body)


@serves("pubsub.projects.topics.patch")
def patch_topic(request: Request) -> Json:
    """Change a topic."""
    return request.world.merge(request.name, request.body["topic"], request.body["updateMask"])


@serves("pubsub.projects.subscriptions.patch")
def patch_subscription(request: Request) -> Json:
    """Change a subscription; its dead-letter topic must exist, its numbers be within bounds."""
    wanted = request.body["subscription"]
    if letters := wanted.get("deadLetterPolicy"):
        request.world.need(letters["deadLetterTopic"], 404)
        if not 5 <= letters["maxDeliveryAttempts"] <= 100:
            raise Refusal(400, "INVALID_ARGUMENT", "maxDeliveryAttempts must be 5 to 100.")
    if not 10 <= wanted.get("ackDeadlineSeconds", 10) <= 600:
        raise Refusal(400, "INVALID_ARGUMENT", "ackDeadlineSeconds must be 10 to 600.")
    return request.world.merge(request.name, wanted, request.body["updateMask"])


@serves("cloudscheduler.projects.locations.jobs.create")
def create_job(request: Request) -> Json:
    """Create a job; its topic must exist, its message not be empty."""
    body = request.body
    _check_job(request, body)
    return request.world.make(body["name"], {**body, "state": "ENABLED"})


@serves("cloudscheduler.projects.locations.jobs.patch")
def patch_job(request: Request) -> Json:
    """Change a job."""
    _check_job(request, request.body)
    return request.world.merge(request.name, request.body, request.ask("updateMask"))


def _check_job(request: Request, body: Json) -> None:
    if len(body["schedule"].split()) != 5:
        raise Refusal(400, "INVALID_ARGUMENT", "Schedule or time zone is invalid.")
    request.world.need(body["pubsubTarget"]["topicName"], 404)
    if not body["pubsubTarget"].get("data"):
        raise Refusal(400, "INVALID_ARGUMENT", "Pubsub message must contain either non-empty data, or an attribute.")


@serves("cloudscheduler.projects.locations.jobs.run")
def run_job(request: Request) -> Json:
    """Publish the job's message now."""
    job = request.world.need(request.name, 404)
    json.loads(base64.b64decode(job["pubsubTarget"]["data"]))
    invoke(request.world, job["pubsubTarget"]["topicName"])
    return request.world.read(request.name)
