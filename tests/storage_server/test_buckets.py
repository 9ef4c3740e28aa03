"""Buckets of the test server: settings, policies, retention, soft deletion, notifications."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions

if TYPE_CHECKING:
    import requests
    from google.cloud import storage


def test_a_name_is_taken_once(client: storage.Client) -> None:
    client.create_bucket("new-bucket", location="EU", retry=None)
    with pytest.raises(exceptions.Conflict):
        client.create_bucket("new-bucket", retry=None)
    with pytest.raises(exceptions.BadRequest):
        client.bucket("Not_A-Name").create(retry=None)
    assert {bucket.name for bucket in client.list_buckets(retry=None)} == {"audit-archive", "new-bucket"}
    assert client.get_bucket("new-bucket", retry=None).location == "EU"


def test_settings_are_merged_and_counted(client: storage.Client) -> None:
    bucket = client.get_bucket("audit-archive", retry=None)
    bucket.add_lifecycle_delete_rule(age=30)
    bucket.versioning_enabled = True
    bucket.iam_configuration.uniform_bucket_level_access_enabled = True
    bucket.iam_configuration.public_access_prevention = "enforced"
    bucket.labels = {"a": "b"}
    bucket.soft_delete_policy.retention_duration_seconds = 0
    bucket.patch(retry=None)
    found = client.get_bucket("audit-archive", retry=None)
    assert [dict(rule) for rule in found.lifecycle_rules] == [{"action": {"type": "Delete"}, "condition": {"age": 30}}]
    assert found.versioning_enabled
    assert found.iam_configuration.uniform_bucket_level_access_enabled
    assert found.iam_configuration.public_access_prevention == "enforced"
    assert found.labels == {"a": "b"}
    assert found.soft_delete_policy.retention_duration_seconds == 0
    assert found.metageneration == 2
    with pytest.raises(exceptions.PreconditionFailed):
        found.patch(if_metageneration_match=1, retry=None)


def test_a_soft_deletion_of_a_day_is_refused(client: storage.Client) -> None:
    bucket = client.get_bucket("audit-archive", retry=None)
    bucket.soft_delete_policy.retention_duration_seconds = 86_400
    with pytest.raises(exceptions.BadRequest):
        bucket.patch(retry=None)


def test_only_an_empty_bucket_can_be_deleted(client: storage.Client, bucket: storage.Bucket) -> None:
    bucket.blob("a").upload_from_string("1", retry=None)
    with pytest.raises(exceptions.Conflict):
        bucket.delete(retry=None)
    bucket.blob("a").delete(retry=None)
    bucket.delete(retry=None)
    with pytest.raises(exceptions.NotFound):
        client.get_bucket("audit-archive", retry=None)


def test_a_policy_is_replaced_by_etag(bucket: storage.Bucket) -> None:
    mine, theirs = (bucket.get_iam_policy(requested_policy_version=3, retry=None) for _ in range(2))
    member = {"role": "roles/storage.objectUser", "members": {"serviceAccount:x@p.iam.gserviceaccount.com"}}
    theirs.bindings.append(member)
    bucket.set_iam_policy(theirs, retry=None)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.set_iam_policy(mine, retry=None)
    found = bucket.get_iam_policy(requested_policy_version=3, retry=None)
    assert [binding["role"] for binding in found.bindings] == ["roles/storage.objectUser"]


def test_public_members_are_refused_where_they_are_prevented(client: storage.Client) -> None:
    bucket = client.get_bucket("audit-archive", retry=None)
    bucket.iam_configuration.public_access_prevention = "enforced"
    bucket.patch(retry=None)
    policy = bucket.get_iam_policy(requested_policy_version=3, retry=None)
    policy.bindings.append({"role": "roles/storage.objectViewer", "members": {"allUsers"}})
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.set_iam_policy(policy, retry=None)


def test_permissions_are_those_that_were_not_taken_away(server: Any, bucket: storage.Bucket) -> None:
    asked = ["storage.objects.get", "storage.objects.delete"]
    assert bucket.test_iam_permissions(asked, retry=None) == asked
    server.deny("storage.objects.delete")
    assert bucket.test_iam_permissions(asked, retry=None) == ["storage.objects.get"]


def test_a_retention_policy_keeps_objects(client: storage.Client) -> None:
    bucket = client.get_bucket("audit-archive", retry=None)
    bucket.retention_period = 3_600
    bucket.patch(retry=None)
    bucket.blob("a").upload_from_string("1", retry=None)
    with pytest.raises(exceptions.Forbidden, match="retention"):
        bucket.blob("a").delete(retry=None)
    with pytest.raises(exceptions.Forbidden, match="retention"):
        bucket.blob("a").upload_from_string("2", retry=None)
    assert bucket.get_blob("a", retry=None).retention_expiration_time is not None


def test_what_was_deleted_softly_can_be_restored(client: storage.Client, bucket: storage.Bucket) -> None:
    bucket.blob("a").upload_from_string("1", retry=None)
    generation = bucket.get_blob("a", retry=None).generation
    bucket.blob("a").delete(retry=None)
    gone = list(client.list_blobs("audit-archive", soft_deleted=True, retry=None))
    assert [blob.generation for blob in gone] == [generation]
    assert bucket.restore_blob("a", generation=generation, retry=None).generation > generation
    assert bucket.blob("a").download_as_bytes(retry=None) == b"1"


def test_notifications_are_kept(client: storage.Client, bucket: storage.Bucket) -> None:
    made = bucket.notification(topic_name="topic-1", topic_project="project-1")
    made.create(retry=None)
    assert [one.notification_id for one in bucket.list_notifications(retry=None)] == [made.notification_id]
    made.delete(retry=None)
    assert list(bucket.list_notifications(retry=None)) == []
    assert "gs-project-accounts" in client.get_service_account_email(retry=None)


@pytest.mark.parametrize("kind", ["Object", "Bucket"])
def test_resources_are_those_of_the_published_description(
    kind: str, http: requests.Session, base: str, bucket: storage.Bucket
) -> None:
    """Google's own description of the API names every key, and says which numbers are strings."""
    documents = resources.files("googleapiclient.discovery_cache") / "documents"
    schemas = json.loads((documents / "storage.v1.json").read_text(encoding="utf-8"))["schemas"]
    bucket.blob("a").upload_from_string("1", retry=None)
    found = http.get(f"{base}/o/a" if kind == "Object" else base).json()
    properties = schemas[kind]["properties"]
    types = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}
    assert set(found) <= set(properties)
    for key, value in found.items():
        assert isinstance(value, types[properties[key].get("type", "object")]), key
