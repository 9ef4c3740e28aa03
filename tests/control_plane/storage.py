"""Cloud Storage: buckets, their policies, and enough of objects."""

from __future__ import annotations

from tests.control_plane.registry import Json, Request, paged, serves
from tests.control_plane.world import NUMBER, Refusal


def bucket(name: str) -> str:
    """Return the name under which a bucket is kept."""
    return f"b/{name}"


@serves("storage.buckets.insert")
def insert(request: Request) -> Json:
    """Create a bucket; names are shared by the world."""
    body, now = request.body, request.world.stamp()
    if any("condition" not in rule or "action" not in rule for rule in body.get("lifecycle", {}).get("rule", [])):
        raise Refusal(400, "invalid", "A lifecycle rule needs an action and a condition.")
    made = {"storageClass": "STANDARD", **body, "location": body.get("location", "US").upper(), "projectNumber": NUMBER}
    return request.world.make(bucket(body["name"]), {**made, "timeCreated": now, "updated": now})


@serves("storage.buckets.get")
def get(request: Request) -> Json:
    """Return a bucket."""
    return request.world.read(bucket(request.path["bucket"]))


@serves("storage.buckets.patch")
def patch(request: Request) -> Json:
    """Merge into a bucket; its place cannot change."""
    name = bucket(request.path["bucket"])
    request.world.need(name, 404)
    if "location" in request.body and request.body["location"].upper() != request.world.things[name]["location"]:
        raise Refusal(400, "invalid", "A bucket's location cannot be changed.")
    labels = {**request.world.things[name].get("labels", {}), **request.body.get("labels", {})}
    merged = request.world.merge(name, request.body, ",".join(request.body)) if request.body else {}
    if "labels" in request.body:
        request.world.things[name]["labels"] = {key: value for key, value in labels.items() if value is not None}
    return merged


@serves("storage.buckets.delete")
def delete(request: Request) -> Json:
    """Delete a bucket that is empty."""
    name = bucket(request.path["bucket"])
    request.world.need(name, 404)
    if request.world.below(f"{name}/objects/"):
        raise Refusal(409, "conflict", "The bucket you tried to delete is not empty.")
    request.world.drop(name)
    return {}


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


@serves("storage.objects.delete")
def delete_object(request: Request) -> Json:
    """Delete an object."""
    request.world.drop(f"{bucket(request.path['bucket'])}/objects/{request.path['object']}")
    return {}
