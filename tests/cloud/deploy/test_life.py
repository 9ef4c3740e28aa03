"""A deployment from nothing to nothing, by a real terraform with stub providers, as processes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from tests.cloud.deploy.harness import VALUE, Bench, deployed
from tests.cloud.deploy.process import APP, PLACE, Deploy

if TYPE_CHECKING:
    from pathlib import Path

BUCKET = "acme-logs-mulesoft-audit-logs"
STATE = "acme-logs-mulesoft-audit-tfstate"
LASTING = {"google_project_service.api", "time_sleep.apis"}


@pytest.mark.slow
def test_a_plan_makes_nothing_and_a_first_apply_makes_the_bucket_for_the_state(deploy: Deploy, project: Bench) -> None:
    shown = deploy("plan", *PLACE, *APP)
    assert re.search(r"Plan: \d\d to add, 0 to change, 0 to destroy", shown.stdout)
    assert project.mutations() == []
    assert not (deploy.folder / "terraform.tfstate").exists()

    applied = deploy("apply", *PLACE, *APP, "--yes", "--no-run", "--json", CLIENT_SECRET=VALUE)
    assert f"Made the bucket {STATE}" in applied.stderr
    assert json.loads(applied.stdout)["outputs"]["feed_uri"] == f"gs://{BUCKET}/audit/"
    assert "Apply complete!" in applied.stderr, "what terraform says is not for the script"
    made = project.world.things[f"b/{STATE}"]
    assert made["versioning"] == {"enabled": True}
    assert made["iamConfiguration"]["publicAccessPrevention"] == "enforced"
    assert "google_storage_bucket.archive" in deploy.addresses()
    assert VALUE not in deploy.everything()
    assert deploy.folder.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_from_the_second_apply_to_the_end(deploy: Deploy, project: Bench, tmp_path: Path) -> None:
    deploy(*PLACE, *APP, "--yes", "--no-run", CLIENT_SECRET=VALUE)
    deployed(project.world, project.config)

    # Nothing to do, no secret given, and another folder: the state knows.
    again = deploy(*PLACE, *APP, "--yes", "--dir", str(tmp_path / "elsewhere"))
    assert "No changes." in again.stdout
    assert "The run succeeded: 1 log objects written." in again.stdout

    # Another secret is stored once.
    deploy(*PLACE, *APP, "--yes", "--no-run", "--new-secret", fails=2)
    rotated = deploy(*PLACE, *APP, "--yes", "--no-run", "--new-secret", CLIENT_SECRET=f"{VALUE}-new")
    assert "google_secret_manager_secret_version.client[0]: Creation complete" in rotated.stdout
    assert "client_secret_version = 2" in (deploy.folder / "main.tf").read_text()
    assert "No changes." in deploy("plan", *PLACE, *APP).stdout

    outputs = json.loads(deploy("output", *PLACE, "--json").stdout)
    assert outputs["bucket"]["value"] == BUCKET

    # The bucket holds logs: it stays, and can still be deleted later.
    kept = deploy("destroy", *PLACE, "--yes")
    assert f"{BUCKET} holds logs: it stays" in kept.stderr
    assert deploy.addresses() == {"google_storage_bucket.archive"} | LASTING
    refused = deploy("destroy", *PLACE, "--yes", "--delete-logs", fails=2)
    assert f"--confirm-bucket {BUCKET}" in refused.stderr
    assert "google_storage_bucket.archive" in deploy.addresses()
    deploy("destroy", *PLACE, "--yes", "--delete-logs", "--confirm-bucket", BUCKET)
    assert deploy.state()["resources"] == []
    assert VALUE not in deploy.everything()
    first = [line.split()[0] for line in deploy.log.read_text().splitlines()]
    assert set(first) == {"version", "init", "state", "apply", "plan", "output", "destroy"}
    assert "Terraform knows of nothing" in deploy("destroy", *PLACE, "--yes").stderr


@pytest.mark.slow
def test_what_was_made_by_hand_is_refused_and_with_adopt_imported(deploy: Deploy, project: Bench) -> None:
    deployed(project.world, project.config)
    project.world.things[f"b/{BUCKET}"]["location"] = "EU"
    project.world.things[project.config.secret]["replication"] = {"automatic": {}}
    refused = deploy("plan", *PLACE, *APP, fails=7)
    assert f"bucket {BUCKET}" in refused.stderr
    assert "--adopt takes them over" in refused.stderr

    shown = deploy("plan", *PLACE, *APP, "--adopt").stdout
    assert "12 to import" in shown
    assert 'module.collector.google_storage_bucket.archive[0] will be updated in-place\n  # (imported from "' in shown
    main = (deploy.folder / "main.tf").read_text()
    assert re.search(r'bucket_location += "EU"', main)
    assert re.search(r"secret_locations += \[\]", main), "a secret that is replicated automatically stays so"
    applied = deploy(*PLACE, *APP, "--adopt", "--yes", "--no-run", CLIENT_SECRET=VALUE)
    assert "12 imported" in applied.stdout
    assert "No changes." in deploy("plan", *PLACE, *APP).stdout
    assert not (deploy.folder / "imports.tf").exists()


@pytest.mark.slow
def test_with_the_state_on_this_machine_nothing_is_kept_in_a_bucket(deploy: Deploy, project: Bench) -> None:
    local = ("--state", "local", "--name", "mulesoft-emea")
    deploy(*PLACE, *APP, *local, "--yes", "--no-run", CLIENT_SECRET=VALUE)
    state = deploy.folder.with_name("mulesoft-emea") / "terraform.tfstate"
    assert VALUE not in state.read_text()
    assert "mulesoft-emea-audit-collector" in state.read_text()
    assert f"b/{STATE}" not in project.world.things
