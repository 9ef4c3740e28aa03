"""Cloud Storage: buckets, their policies, and enough of objects."""

from __future__ import annotations

import json

from tests.control_plane.registry import Json, Request, paged, serves
from tests.control_plane.world import NUMBER, Refusal


def bucket(name: str) -> str:
    """Return the name under which a bucket is kept."""
    return f"b/{name}"


@serves("storage.buckets.insert")
def insert(request: Request) -> Json:
    """Create a bucket; names are shared by the world."""
    body, now, world = request.body, request.world.stamp(), request.world
    if body["name"] in world.elsewhere:
        raise Refusal(409, "conflict", "The requested bucket name is not available.")
    made = {"storageClass": "STANDARD", **body, "location": body.get("location", "US").upper(), "projectNumber": NUMBER}
    return world.make(bucket(body["name"]), {**made, "timeCreated": now, "updated": now})


@serves("storage.buckets.list")
def list_buckets(request: Request) -> Json:
    """Return the project's buckets, by the beginning of their names."""
    found = [one for one in request.world.below(bucket(request.ask("prefix"))) if "location" in one]
    found = [one for one in found if one["name"] not in request.world.elsewhere]
    return paged(request, found, "items", 1000, "maxResults")


@serves("storage.buckets.get")
def get(request: Request) -> Json:
    """Return a bucket; one of another project's only if that made it public."""
    name = request.path["bucket"]
    if name in request.world.elsewhere and bucket(name) not in request.world.things:
        text = "somebody@example.com does not have storage.buckets.get access to the Google Cloud Storage bucket."
        raise Refusal(403, "forbidden", text)
    return request.world.read(bucket(request.path["bucket"]))


@serves("storage.buckets.getIamPolicy")
def get_policy(request: Request) -> Json:
    """Return a bucket's policy; with conditions only if version 3 was asked for."""
    name = bucket(request.path["bucket"])
    request.world.read(name)
    policy = request.world.policy(name)
    if any(b.get("condition") for b in policy["bindings"]) and request.ask("optionsRequestedPolicyVersion") != "3":
        raise Refusal(400, "invalid", "The policy has conditions; ask for version 3.")
    return policy


@serves("storage.buckets.setIamPolicy")
def set_policy(request: Request) -> Json:
    """Write a bucket's policy; a condition needs uniform access."""
    name = bucket(request.path["bucket"])
    uniform = (
        request.world.need(name, 404).get("iamConfiguration", {}).get("uniformBucketLevelAccess", {}).get("enabled")
    )
    if any(b.get("condition") for b in request.body["bindings"]) and not uniform:
        raise Refusal(400, "invalid", "Conditions need uniform bucket-level access.")
    if any(b.get("condition") and "legacy" in b["role"] for b in request.body["bindings"]):
        raise Refusal(400, "invalid", "Legacy roles take no conditions.")
    return request.world.set_policy(name, request.body)


@serves("storage.objects.list")
def objects(request: Request) -> Json:
    """Return the objects of a bucket under a prefix."""
    name = bucket(request.path["bucket"])
    request.world.need(name, 404)
    found = request.world.below(f"{name}/objects/{request.ask('prefix')}")
    return paged(request, found, "items", 1000, "maxResults")


@serves("storage.objects.get")
def get_object(request: Request) -> Json:
    """Return what is known of an object, or what is in it (of JSON only)."""
    found = request.world.read(f"{bucket(request.path['bucket'])}/objects/{request.path['object']}")
    content = found.pop("content", "{}")
    return dict(json.loads(content)) if request.ask("alt") == "media" else found
