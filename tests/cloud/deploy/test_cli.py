"""`mulesoft-audit deploy` and `mulesoft-audit feed` as a person and a script meet them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from tests.cloud.deploy.harness import INSTANCE, VALUE, source
from tests.control_plane import ControlPlane, World

from mulesoft_audit import clock
from mulesoft_audit.cli import deploy as deploy_module
from mulesoft_audit.cli import deploy_options as options
from mulesoft_audit.cli import feed as feed_module
from mulesoft_audit.cloud.deploy import source as source_module
from mulesoft_audit.errors import AuditError, DeploymentError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import click

PROJECT = ["--project", "acme-logs"]
BASE = [*PROJECT, "--region", "europe-west3", "--client-id", "cid", "--org-id", "0a"]
SECOPS = ["--secops-instance", INSTANCE, "--secops-location", "eu"]
Call = "Callable[..., Result]"


@pytest.fixture
def plane(monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlPlane]:
    with ControlPlane(World()) as plane:
        monkeypatch.setenv("MULESOFT_AUDIT_GOOGLE_ENDPOINT", plane.endpoint)
        monkeypatch.setenv("CLIENT_SECRET", VALUE)
        monkeypatch.setattr(clock, "SystemClock", lambda: plane.world.clock)
        monkeypatch.setattr(source_module, "built_source", source)
        for name in ("PROJECT", "REGION", "GCS_BUCKET", "MULE_ORG_ID", "CLIENT_ID", "SECOPS_INSTANCE"):
            monkeypatch.delenv(name, raising=False)
        yield plane
        assert plane.violations == []


def call(command: click.Command, *arguments: str, fails: type[AuditError] | None = None) -> Result:
    result = CliRunner().invoke(command, arguments, terminal_width=80)
    if fails is None:
        assert result.exception is None, repr(result.exception)
    else:
        assert isinstance(result.exception, fails), repr(result.exception)
    assert VALUE not in result.output
    return result


def deploy(*arguments: str, fails: type[AuditError] | None = None) -> Result:
    return call(deploy_module.command, *arguments, fails=fails)


def feed(*arguments: str, fails: type[AuditError] | None = None) -> Result:
    return call(feed_module.command, *arguments, fails=fails)


def test_a_plan_fits_eighty_columns_and_changes_nothing(plane: ControlPlane) -> None:
    shown = deploy("plan", *BASE, *SECOPS).stdout
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert "+ create  bucket acme-logs-mulesoft-audit-logs" in shown
    assert "value: (given, hidden)" in shown
    assert "19 to create, 1 to change" in shown
    assert [verb for verb, *_ in plane.world.log if verb != "GET"] == []


def test_options_may_stand_before_or_after_the_subcommand(plane: ControlPlane) -> None:
    assert deploy(*BASE, "plan").stdout == deploy("plan", *BASE).stdout
    assert "3 * * * *" in deploy(*BASE, "--schedule", "1 1 1 1 1", "plan", "--schedule", "3 * * * *").stdout


def test_bare_deploy_shows_does_runs_and_verifies(plane: ControlPlane) -> None:
    result = deploy(*BASE, *SECOPS, "--yes")
    assert "created function mulesoft-audit-collector" in result.stderr
    assert "The run succeeded: 1 log objects and 1 state objects written." in result.stdout
    assert "Feed MuleSoft Logs (feed-" in result.stdout
    assert "Google's parser for MULESOFT is active" in result.stdout
    again = deploy(*BASE, *SECOPS, "--yes")
    assert "20 in order" in again.stdout
    assert "The run" not in again.stdout


def test_a_script_gets_one_json_object(plane: ControlPlane) -> None:
    result = deploy(*BASE, *SECOPS, "--yes", "--json")
    found = json.loads(result.stdout)
    assert {step["action"] for step in found["steps"]} == {"create", "change"}
    assert found["run"]["succeeded"] is True
    assert found["feeds"][0]["state"] == "SUCCEEDED"
    assert json.loads(deploy("plan", *BASE, "--json").stdout)["steps"][0]["action"] == "none"


def test_without_yes_and_without_a_person_nothing_is_done(plane: ControlPlane) -> None:
    deploy(*BASE, fails=UsageError)
    assert [verb for verb, *_ in plane.world.log if verb != "GET"] == []


def test_every_setting_has_a_twin_in_the_environment(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"PROJECT": "acme-logs", "REGION": "us-east1", "GCS_BUCKET": "gs://my-logs/", "GCS_PREFIX": "/mule/"}
    for name, value in {**values, "CLIENT_ID": "cid", "RUN_SCHEDULE": "5 5 * * *", "BUCKET_VERSIONING": "0"}.items():
        monkeypatch.setenv(name, value)
    shown = deploy("plan").stdout
    assert "bucket my-logs" in shown
    assert "5 5 * * *" in shown
    assert "versioning" not in shown
    assert "environmentVariables.GCS_PREFIX: mule/" in shown


def test_the_secret_may_come_from_a_file(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    from pathlib import Path

    monkeypatch.delenv("CLIENT_SECRET")
    path = Path(str(tmp_path)) / "secret"
    path.write_text(f"{VALUE}\nnot this line\n", encoding="utf-8")
    deploy(*BASE, "--client-secret-file", str(path), "--yes", "--no-run")
    stored = plane.world.below("projects/acme-logs/secrets/mulesoft-audit-client-secret/versions/")
    assert [version["payload"] for version in stored] == [VALUE]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "The project is not set."),
        (PROJECT, "The region is not set."),
        ((*PROJECT, "--region", "europe-west3", "--yes"), "connected app's id is not set"),
        ((*BASE, "--secops-instance", INSTANCE), "location of the SecOps instance is not set"),
    ],
)
def test_what_is_missing_is_named(plane: ControlPlane, arguments: tuple[str, ...], said: str) -> None:
    result = deploy(*arguments, fails=UsageError)
    assert said in str(result.exception)


def test_a_secret_file_that_cannot_be_read_is_named(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLIENT_SECRET")
    result = deploy(*BASE, "--client-secret-file", "/nowhere/at-all", fails=UsageError)
    assert "'/nowhere/at-all', which cannot be read (FileNotFoundError)" in str(result.exception)


def test_the_settings_file_says_whose_log_it_is(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CLIENT_SECRET")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text(VALUE)
    (tmp_path / "mulesoft-audit.toml").write_text(
        f'mule_org_id = "0b"\nclient_id = "of-the-file"\nclient_secret_file = "{tmp_path}/secret"\n'
        'anypoint_plane = "eu"\narchive = "./archive"\n'
    )
    place = [*PROJECT, "--region", "europe-west3"]
    found = options.with_settings({"plane": None, "organization": "", "config": None})
    config = options.deployment({**found, "project": "acme-logs", "region": "europe-west3"})
    assert (config.organization, config.client_id, config.plane) == ("0b", "of-the-file", "eu")
    assert config.client_secret is not None
    assert config.client_secret.reveal() == VALUE
    assert config.bucket == "acme-logs-mulesoft-audit-logs"
    assert json.loads(deploy("plan", *place, "--json").stdout)["steps"]
    flags = options.with_settings({"plane": "us", "organization": "0a", "client_id": "of-the-flag"})
    assert (flags["plane"], flags["organization"], flags["client_id"]) == ("us", "0a", "of-the-flag")
    (tmp_path / "other.toml").write_text('client_idd = "x"\n')
    assert "client_idd" in str(deploy(*place, "--config", "other.toml", fails=UsageError).exception)


def test_a_private_cloud_of_the_settings_file_is_given_to_the_function(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ANYPOINT_BASE_URL", raising=False)
    file = tmp_path / "s.toml"
    file.write_text('anypoint_base_url = "https://anypoint.example.com"\n')
    values = options.with_settings({"config": str(file), "environment": {"A": "1"}})
    assert values["environment"] == {"ANYPOINT_BASE_URL": "https://anypoint.example.com", "A": "1"}
    assert "plane" not in values


def test_a_failed_run_is_reported_and_fails_the_command(plane: ControlPlane) -> None:
    plane.world.run_status = 500
    result = deploy(*BASE, "--yes", fails=DeploymentError)
    assert "The run FAILED with HTTP 500" in result.stdout
    assert "the run failed \\x1b[31mbadly" in result.stdout


def test_a_plan_shows_what_stands_in_the_way_and_applying_stops_there(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLIENT_SECRET")
    shown = deploy("plan", *BASE).stdout
    assert "! refused  secret mulesoft-audit-client-secret" in shown
    assert "1 refused" in shown
    refused = deploy(*BASE, "--yes", fails=UsageError)
    assert "client secret is not stored yet" in str(refused.exception)
    assert [verb for verb, *_ in plane.world.log if verb != "GET"] == []


def test_destroying_needs_neither_the_secret_nor_to_know_of_the_feeds_alert(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(*BASE, *SECOPS, "--yes", "--no-run")
    feed("destroy", *PROJECT, *SECOPS, "--yes")
    monkeypatch.delenv("CLIENT_SECRET")
    deploy("destroy", *PROJECT, "--region", "europe-west3", "--yes")
    assert plane.world.things == {}


def test_deleting_logs_has_to_be_said_twice(plane: ControlPlane) -> None:
    deploy(*BASE, "--yes")
    shown = deploy("destroy", *BASE, "--yes").stdout
    assert "leave   bucket acme-logs-mulesoft-audit-logs" in shown
    refused = deploy("destroy", *BASE, "--yes", "--delete-logs", fails=UsageError)
    assert "deletes the logs in acme-logs-mulesoft-audit-logs for good" in str(refused.exception)
    deploy("destroy", *BASE, "--yes", "--delete-logs", "--confirm-bucket", "acme-logs-mulesoft-audit-logs")
    assert plane.world.things == {}


def test_the_feed_alone(plane: ControlPlane) -> None:
    deploy(*BASE, "--yes", "--no-run")
    assert "create  feed MuleSoft Logs" in feed("plan", *PROJECT, *SECOPS).stdout
    assert "There is no feed MuleSoft Logs." in feed("status", *PROJECT, *SECOPS, fails=DeploymentError).stdout
    made = feed(*PROJECT, *SECOPS, "--yes", "--json")
    assert json.loads(made.stdout)["feeds"][0]["state"] == "SUCCEEDED"
    assert "SUCCEEDED" in feed("status", *PROJECT, *SECOPS).stdout
    assert "1 to create, 19 in order" in deploy("plan", *BASE, *SECOPS).stdout, "all but the alert for its silence"
    feed("destroy", *PROJECT, *SECOPS, "--yes")
    assert not [name for name in plane.world.things if "/feeds/" in name]


def test_the_feed_without_an_instance_says_what_to_set(plane: ControlPlane) -> None:
    assert "SECOPS_INSTANCE" in str(feed(*PROJECT, fails=UsageError).exception)


def test_emitting_a_module_needs_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    from pathlib import Path

    monkeypatch.setenv("MULESOFT_AUDIT_GOOGLE_ENDPOINT", "")
    monkeypatch.setattr(source_module, "built_source", source)
    target = Path(str(tmp_path)) / "infra"
    shown = deploy(*BASE, *SECOPS, "--emit", "terraform", str(target)).stdout
    assert str(target / "main.tf") in shown.splitlines()


@pytest.mark.parametrize("command", [deploy_module.command, feed_module.command])
def test_every_option_and_subcommand_has_help(command: click.Group) -> None:
    for one in [command, *command.commands.values()]:
        assert one.help
        assert all(getattr(parameter, "help", None) for parameter in one.params)
