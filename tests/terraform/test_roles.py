"""The roles and the environment that the module gives the collector are enough for it to do its work."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from tests.archives import command
from tests.plain_source import CLIENT_ID, CLIENT_SECRET, ROOT, PlainSource, serving
from tests.storage_server import StorageServer
from tests.storage_server.routes import ROUTES

if TYPE_CHECKING:
    from tests.terraform.workspace import Plan

DAY = 86_400_000
# What the roles have of the permissions that the storage server asks for (Cloud Storage, "IAM roles").
ROLES = {
    "roles/storage.objectViewer": {"storage.objects.get", "storage.objects.list"},
    "roles/storage.objectCreator": {"storage.objects.create"},
    "roles/storage.objectUser": {f"storage.objects.{verb}" for verb in ("get", "list", "create", "delete", "update")},
}


def give(storage: StorageServer, plan: Plan) -> None:
    """Leave callers what the plan grants the collector, and nothing else."""
    everywhere: set[str] = set()
    confined: dict[str, str] = {}
    for one in plan.resources():
        if one.kind == "google_storage_bucket_iam_member":
            permissions = ROLES[one.values["role"]]
            if not one.values["condition"]:
                everywhere |= permissions
                continue
            prefix = one.values["condition"][0]["expression"].partition("/objects/")[2].removesuffix('")')
            confined |= dict.fromkeys(permissions, prefix)
    asked = {route.permission for route in ROUTES if route.permission}
    storage.deny(*(asked - everywhere - set(confined)))
    for permission in set(confined) - everywhere:
        storage.confine(permission, confined[permission])


def test_a_collector_with_these_roles_writes_days_again_and_again(basic: Plan) -> None:
    given = basic.values("google_cloudfunctions2_function.collector")["service_config"][0]["environment_variables"]
    source = PlainSource()
    now = int(time.time() * 1000)
    with serving(source), StorageServer(buckets=[given["GCS_BUCKET"]]) as storage:
        give(storage, basic)
        local = {
            "MULE_ORG_ID": ROOT,
            "CLIENT_ID": CLIENT_ID,
            "CLIENT_SECRET": CLIENT_SECRET,
            "ANYPOINT_BASE_URL": source.url,
            "STORAGE_EMULATOR_HOST": storage.url,
            "REQUESTS_PER_MINUTE": "100000",
        }
        line, environment = command(source.url, given["GCS_BUCKET"], "--since", "3d", **{**given, **local})
        at = line.index("--archive")
        del line[at : at + 2]  # the environment says where
        for entries in (500, 800, 1100):  # late ones among them
            source.fill(ROOT, entries, now - 3 * DAY, now - 1000, seed=entries)
            done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        refused = [seen for seen in storage.seen if seen.status == 403]
        written = [seen.name for seen in storage.seen if seen.kind == "insert"]
    assert refused == []
    assert len(written) > len(set(written)), "nothing was overwritten, so nothing was tried"
