"""The JSON API of buckets: their settings, IAM policies and notification configurations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.storage_server.conditions import Conditions
from tests.storage_server.errors import ApiError, condition_not_met
from tests.storage_server.objects import Bucket, merged, rfc3339
from tests.storage_server.wire import Request, Response, json_response

if TYPE_CHECKING:
    from tests.storage_server.state import State

#: What a client may not set on a bucket, or only once.
_FIXED = ("kind", "id", "name", "selfLink", "projectNumber", "metageneration", "etag", "timeCreated", "updated")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_WEEK = 604_800


def make(state: State, name: str, settings: dict[str, Any]) -> Bucket:
    """Create a bucket with the defaults of the real service."""
    if not _NAME.fullmatch(name) or name.startswith("goog") or ".." in name:
        raise ApiError(400, f"Invalid bucket name: '{name}'")
    with state.lock:
        if name in state.buckets:
            raise ApiError(
                409,
                "Your previous request to create the named bucket succeeded and you already own it.",
                "conflict",
            )
        now = state.tick()
        defaults: dict[str, Any] = {
            "location": "US",
            "locationType": "multi-region",
            "storageClass": "STANDARD",
            "iamConfiguration": {
                "uniformBucketLevelAccess": {"enabled": False},
                "publicAccessPrevention": "inherited",
            },
            "softDeletePolicy": {"retentionDurationSeconds": str(_WEEK)},
        }
        bucket = Bucket(name, now, {})
        bucket.settings = _normal(merged(defaults, _settable(settings)), {}, now)
        state.buckets[name] = bucket
        return bucket


def _settable(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in _FIXED}


def _normal(new: dict[str, Any], old: dict[str, Any], now: int) -> dict[str, Any]:
    """Spell settings as the service returns them: int64 as strings, times filled in."""
    new["location"] = new["location"].upper()
    new["softDeletePolicy"] = new.get("softDeletePolicy") or {"retentionDurationSeconds": "0"}
    _check_soft_delete(int(new["softDeletePolicy"].get("retentionDurationSeconds", 0)))
    periods = {"softDeletePolicy": "retentionDurationSeconds", "retentionPolicy": "retentionPeriod"}
    for key, period in periods.items():
        if key in new:
            policy = {**new[key], period: str(new[key].get(period, 0))}
            if policy != old.get(key):
                policy["effectiveTime"] = rfc3339(now)
            new[key] = policy
    access = new["iamConfiguration"].get("uniformBucketLevelAccess", {})
    if access.get("enabled"):
        access.setdefault("lockedTime", rfc3339(now + 90 * 86_400 * 1_000_000))
        # The older name of the same switch, which clients still read.
        new["iamConfiguration"]["bucketPolicyOnly"] = dict(access)
    return new


def _check_soft_delete(seconds: int) -> None:
    if seconds and not _WEEK <= seconds <= 90 * 86_400:
        raise ApiError(400, "Soft delete retention duration must be 0 or between 7 and 90 days.")


def insert(state: State, request: Request) -> Response:
    if not request.param("project"):
        raise ApiError(400, "Required parameter: project", "required")
    bucket = make(state, str(request.json.get("name", "")), request.json)
    return json_response(bucket.resource(request.base), request)


def get(state: State, request: Request) -> Response:
    bucket = state.bucket(request.bucket)
    Conditions.of(request).check(0, bucket.metageneration, reading=True)
    return json_response(bucket.resource(request.base), request)


def list_(state: State, request: Request) -> Response:
    """Buckets by name, `maxResults` at a time; the page token is the last name."""
    with state.lock:
        names = sorted(
            n for n in state.buckets if n.startswith(request.param("prefix")) and n > request.param("pageToken")
        )
        limit = request.number("maxResults") or 1000
        items = [state.buckets[name].resource(request.base) for name in names[:limit]]
    resource: dict[str, Any] = {"kind": "storage#buckets", "items": items}
    if len(names) > limit:
        resource["nextPageToken"] = names[limit - 1]
    return json_response(resource, request)


def patch(state: State, request: Request) -> Response:
    """PATCH merges; PUT replaces everything that can be set."""
    with state.lock:
        bucket = state.bucket(request.bucket)
        Conditions.of(request).check(0, bucket.metageneration)
        base = bucket.settings
        if request.method == "PUT":
            base = {key: base[key] for key in ("location", "locationType", "storageClass", "iamConfiguration")}
        now = state.tick()
        bucket.settings = _normal(merged(base, _settable(request.json)), bucket.settings, now)
        bucket.metageneration += 1
        bucket.updated = now
        return json_response(bucket.resource(request.base), request)


def delete(state: State, request: Request) -> Response:
    with state.lock:
        bucket = state.bucket(request.bucket)
        Conditions.of(request).check(0, bucket.metageneration)
        if bucket.live or bucket.noncurrent:
            raise ApiError(409, "The bucket you tried to delete is not empty.", "conflict")
        del state.buckets[request.bucket]
    return Response(204)


def storage_layout(state: State, request: Request) -> Response:
    bucket = state.bucket(request.bucket)
    keys = ("location", "locationType", "hierarchicalNamespace")
    layout = {key: bucket.settings[key] for key in keys if key in bucket.settings}
    return json_response({"kind": "storage#storageLayout", "bucket": bucket.name, **layout}, request)


def get_policy(state: State, request: Request) -> Response:
    return json_response(_policy(state.bucket(request.bucket)), request)


def set_policy(state: State, request: Request) -> Response:
    """Replace the policy; an etag that is sent has to be the current one."""
    with state.lock:
        bucket = state.bucket(request.bucket)
        if request.json.get("etag") not in (None, "", _policy(bucket)["etag"]):
            raise condition_not_met()
        bindings = request.json.get("bindings", [])
        enforced = bucket.settings["iamConfiguration"].get("publicAccessPrevention") == "enforced"
        public = {"allUsers", "allAuthenticatedUsers"}
        if enforced and any(public & set(binding.get("members", [])) for binding in bindings):
            raise ApiError(
                412,
                "The member bindings allUsers and allAuthenticatedUsers are not allowed since public access "
                "prevention is enforced.",
                "conditionNotMet",
            )
        bucket.policy = {"bindings": bindings, "version": request.json.get("version", 1)}
        bucket.policy_version += 1
        return json_response(_policy(bucket), request)


def _policy(bucket: Bucket) -> dict[str, Any]:
    return {
        "kind": "storage#policy",
        "resourceId": f"projects/_/buckets/{bucket.name}",
        "version": bucket.policy.get("version", 1),
        "etag": f"CAI{bucket.policy_version}=",
        "bindings": bucket.policy.get("bindings", []),
    }


def test_permissions(state: State, request: Request) -> Response:
    """Which of the permissions asked for the caller has: all that were not taken away."""
    state.bucket(request.bucket)
    asked = request.query.get("permissions", [])
    granted = [permission for permission in asked if permission not in state.denied]
    resource: dict[str, Any] = {"kind": "storage#testIamPermissionsResponse"}
    return json_response(resource | ({"permissions": granted} if granted else {}), request)


def insert_notification(state: State, request: Request) -> Response:
    with state.lock:
        configs = state.bucket(request.bucket).notifications
        if not str(request.json.get("topic", "")).startswith("//pubsub.googleapis.com/projects/"):
            raise ApiError(400, "Invalid Google Cloud Pub/Sub topic.")
        number = str(len(configs) + 1)
        link = f"{request.base}/storage/v1/b/{request.bucket}/notificationConfigs/{number}"
        made = {**request.json, "kind": "storage#notification", "id": number, "selfLink": link, "etag": number}
        configs[number] = made
        return json_response(made, request)


def list_notifications(state: State, request: Request) -> Response:
    with state.lock:
        items = list(state.bucket(request.bucket).notifications.values())
    return json_response({"kind": "storage#notifications", "items": items}, request)


def one_notification(state: State, request: Request) -> Response:
    """GET or DELETE one configuration."""
    with state.lock:
        configs = state.bucket(request.bucket).notifications
        if request.name not in configs:
            raise ApiError(404, f"Notification {request.name} not found")
        if request.method == "GET":
            return json_response(configs[request.name], request)
        del configs[request.name]
    return Response(204)


def service_account(_state: State, request: Request) -> Response:
    """The service agent's address, which a notification's topic has to let publish."""
    address = "service-123456789012@gs-project-accounts.iam.gserviceaccount.com"
    return json_response({"kind": "storage#serviceAccount", "email_address": address}, request)
