"""What flags, the environment and the settings file say, and what is made of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner
from tests.cloud.deploy.harness import INSTANCE, VALUE, Bench
from tests.terraform.workspace import MODULE

from mulesoft_audit.cli import deploy_values as given
from mulesoft_audit.cli.deploy import command
from mulesoft_audit.cli.feed import command as feed
from mulesoft_audit.errors import DeploymentError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from mulesoft_audit.cloud.deploy.deployment import Deployment

PLACE = ["--project", "acme-logs", "--region", "europe-west3"]
SECOPS = ["--secops-instance", INSTANCE, "--secops-location", "eu"]
VARIABLES = "\n".join(file.read_text() for file in sorted(MODULE.glob("variables*.tf")))


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PROJECT", "REGION", "GCS_BUCKET", "MULE_ORG_ID", "CLIENT_ID", "CLIENT_SECRET", "ANYPOINT_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def described(*arguments: str) -> Deployment:
    """Return the deployment that a command line describes."""
    context = command.commands["plan"].make_context("plan", [*PLACE, *arguments])
    return given.deployment(given.with_settings(context.params))


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments)
    assert isinstance(result.exception, UsageError), repr(result.exception)
    return str(result.exception)


def test_every_option_that_goes_to_the_module_is_a_variable_of_it() -> None:
    known = {parameter.name for parameter in command.params}
    for name in given.ARGUMENTS:
        assert name in known
        assert f'variable "{name}" {{' in VARIABLES
    names = VARIABLES[VARIABLES.index('variable "names"') :]
    assert all(re.search(rf"^    {key} += optional", names, re.MULTILINE) for key in given.NAMES.values())


def test_defaults_are_the_modules() -> None:
    assert described("--no-alerts", "--memory", "1Gi").arguments == {"alerts": False, "memory": "1Gi"}
    assert described("--keep-logs-days", "0").arguments == {"keep_logs_days": 0}
    assert described().arguments == {}


def test_every_setting_has_a_twin_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"GCS_BUCKET": "gs://my-logs/", "GCS_PREFIX": "/mule/", "RUN_SCHEDULE": "5 5 * * *", "CLIENT_ID": "cid"}
    for name, value in {**values, "BUCKET_VERSIONING": "0", "NOTIFICATION_CHANNELS": "a b"}.items():
        monkeypatch.setenv(name, value)
    found = described("--client-id", "of-the-flag")
    assert (found.bucket, found.prefix, found.client_id) == ("my-logs", "mule", "of-the-flag")
    assert found.log_prefix == "mule/audit/"
    wanted = {"schedule": "5 5 * * *", "bucket_versioning": False, "notification_channels": ("a", "b")}
    assert found.arguments == wanted


def test_the_settings_file_says_what_nothing_else_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{VALUE}\nnot this line\n")
    (tmp_path / "mulesoft-audit.toml").write_text(
        f'mule_org_id = "0b"\nclient_id = "of-the-file"\nclient_secret_file = "{tmp_path}/secret"\n'
        'anypoint_plane = "eu"\ngcs_bucket = "of-the-file"\n'
    )
    found = described()
    assert (found.organization, found.client_id, found.plane) == ("0b", "of-the-file", "eu")
    assert found.bucket == "of-the-file"
    monkeypatch.setenv("CLIENT_ID", "of-the-environment")
    assert described("--plane", "us").plane == "us"
    assert described().client_id == "of-the-environment"
    assert given.with_settings({})["client_secret"].reveal() == VALUE
    (tmp_path / "other.toml").write_text('client_idd = "x"\n')
    assert "client_idd" in refused("plan", *PLACE, "--config", "other.toml")


def test_a_private_cloud_of_the_settings_file_is_given_to_the_function(tmp_path: Path) -> None:
    (tmp_path / "mulesoft-audit.toml").write_text('anypoint_base_url = "https://anypoint.example.com"\n')
    wanted = {"A": "1", "ANYPOINT_BASE_URL": "https://anypoint.example.com"}
    assert described("--env", "A=1").arguments == {"environment": wanted}


def test_with_a_secops_instance_the_feed_is_watched() -> None:
    assert described(*SECOPS).arguments == {"secops_project_id": "acme-logs"}
    assert described(*SECOPS, "--secops-project", "soc-1").arguments == {"secops_project_id": "soc-1"}


def test_names_of_ones_own_and_what_somebody_else_keeps() -> None:
    found = described(
        "--name", "emea", "--job", "hourly", "--account", "collector", "--existing-bucket", "gs://shared/"
    )
    assert (found.job, found.function, found.bucket) == ("hourly", "emea-audit-collector", "shared")
    assert found.account_email == "collector@acme-logs.iam.gserviceaccount.com"
    other = described("--existing-secret", "projects/p/secrets/s", "--secret-location", "auto")
    assert (other.secret, other.arguments) == ("projects/p/secrets/s", {"secret_locations": []})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan"], "The project is not set."),
        (["plan", *PLACE[:2]], "The region is not set."),
        (["plan", *PLACE[2:], "--project", "My Project"], "The project is 'My Project'; expected a project ID"),
        (["plan", *PLACE, "--function", "../x"], "The name of the function is '../x'"),
        (["plan", *PLACE, "--existing-secret", "s"], "expected projects/PROJECT/secrets/NAME"),
        (["plan", *PLACE, "--prefix", "a/../b"], "The prefix is 'a/../b'"),
        (["write", "x", *PLACE], "connected app's id is not set"),
        (["plan", *PLACE, "--secops-instance", INSTANCE], "location of the SecOps instance is not set"),
        (["plan", *PLACE, "--client-secret-file", "/nowhere/at-all"], "which cannot be read (FileNotFoundError)"),
    ],
)
def test_what_is_missing_or_malformed_is_named(arguments: list[str], said: str) -> None:
    assert said in refused(*arguments)


# The feed alone, whose options are among them.


@pytest.fixture
def secops(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    from mulesoft_audit import clock

    monkeypatch.setenv("MULESOFT_AUDIT_GOOGLE_ENDPOINT", bench.plane.endpoint)
    monkeypatch.setattr(clock, "SystemClock", lambda: bench.world.clock)
    return bench


def test_the_feed_alone(secops: Bench) -> None:
    def call(*arguments: str, fails: bool = False) -> str:
        result = CliRunner().invoke(feed, [*arguments, *PLACE[:2], *SECOPS], terminal_width=80)
        assert isinstance(result.exception, DeploymentError) if fails else result.exception is None, result.exception
        return result.stdout

    assert "create  feed MuleSoft Logs" in call("plan")
    assert "There is no feed MuleSoft Logs." in call("status", fails=True)
    assert '"state": "SUCCEEDED"' in call("apply", "--yes", "--json")
    assert "SUCCEEDED" in call("status")
    call("destroy", "--yes")
    assert not [name for name in secops.world.things if "/feeds/" in name]


def test_the_feed_without_an_instance_says_what_to_set() -> None:
    result = CliRunner().invoke(feed, PLACE[:2])
    assert isinstance(result.exception, UsageError)
    assert "SECOPS_INSTANCE" in str(result.exception)


@pytest.mark.parametrize("group", [command, feed])
def test_every_option_and_subcommand_has_help(group: click.Group) -> None:
    for one in [group, *group.commands.values()]:
        assert one.help
        assert all(
            getattr(parameter, "help", None) or isinstance(parameter, click.Argument) for parameter in one.params
        )
