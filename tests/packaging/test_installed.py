"""What is installed suffices: every command runs where pip installed the wheel, and no developers' tool is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.cloud.function.harness import BUCKET, assert_exact, environment, served
from tests.packaging.installing import VERSIONS, Environment
from tests.storage_server import StorageServer

from anypoint_simulator import Anypoint, Behaviour, World, quiet, running
from mulesoft_audit.cloud.build import build_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.packaging.conftest import With

pytestmark = pytest.mark.slow

EVERY_HELP = """
from mulesoft_audit.cli import main
from mulesoft_audit.cli.reference import commands
for path in [context.command_path.split()[1:] for context in commands()]:
    try:
        main([*path, "--help"])
    except SystemExit as end:
        assert end.code == 0, (path, end.code)
"""
INSTALL = "Run `pip install 'mulesoft-audit-collector[gcp]'`."
ORGANIZATION = "10000000-0000-4000-8000-000000000000"
PLACE = ("--project", "my-project", "--region", "us-central1")
SECOPS = ("--secops-instance", "20000000-0000-4000-8000-000000000000", "--secops-location", "eu")


@pytest.fixture(scope="module")
def anypoint() -> Iterator[Anypoint]:
    world = World(quiet(groups=1, days=1, entries_per_day=50))
    with running(world, Behaviour(token_entries=False)) as simulated:
        yield simulated


def settings(anypoint: Anypoint) -> dict[str, str]:
    return {
        "CLIENT_ID": anypoint.client_id,
        "CLIENT_SECRET": anypoint.client_secret,
        "ANYPOINT_BASE_URL": anypoint.url,
        "REQUESTS_PER_MINUTE": "100000",
    }


def test_pip_finds_nothing_missing_and_no_tool_of_the_developers(installed: Environment) -> None:
    installed.pip("check")
    assert not installed.distributions & {"functions-framework", "gunicorn", "hatchling", "pytest", "deptry"}


def test_every_command_has_help(installed: Environment) -> None:
    assert "Commands:" in installed.run("--help").stdout
    assert "mulesoft-audit function build" in installed.script(EVERY_HELP)


def test_the_demo_proves_its_archive(installed: Environment) -> None:
    done = installed.run("demo")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_function_is_built_as_the_developers_build_it(installed: Environment, tmp_path: Path) -> None:
    done = installed.run("function", "build", str(tmp_path / "installed"))
    assert done.returncode == 0, done.stderr
    build_source(tmp_path / "here")
    here, there = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "here", tmp_path / "installed")
    ]
    assert here == there


def test_a_configuration_for_terraform_is_written_without_credentials_or_a_network(
    installed: Environment, tmp_path: Path
) -> None:
    written = tmp_path / "infra"
    app = ("--org-id", ORGANIZATION, "--client-id", "id")
    done = installed.run("deploy", "write", str(written), *PLACE, *app, HTTPS_PROXY="http://127.0.0.1:1")
    assert done.returncode == 0, done.stderr
    files = {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()}
    assert files == {line.removeprefix(f"{written}/") for line in done.stdout.splitlines()}
    assert {"main.tf", "source.zip"} <= files
    assert ORGANIZATION in (written / "main.tf").read_text("utf-8")


def test_it_collects_and_the_doctor_finds_nothing_wrong(
    installed: Environment, anypoint: Anypoint, tmp_path: Path
) -> None:
    for command in ("collect", "doctor"):
        done = installed.run(command, "--archive", str(tmp_path / "archive"), "--json", **settings(anypoint))
        assert done.returncode == 0, done.stdout + done.stderr


def test_with_the_extra_gcp_it_collects_into_a_bucket(with_extras: With, anypoint: Anypoint) -> None:
    with StorageServer(buckets=[BUCKET]) as storage:
        known = {**settings(anypoint), "STORAGE_EMULATOR_HOST": storage.url, "GCS_BUCKET": BUCKET}
        for command in ("collect", "doctor"):
            done = with_extras("gcp").run(command, "--json", **known)
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("init", "--archive", "gs://my-bucket"),
        ("collect", "--archive", "gs://my-bucket"),
        ("doctor", "--archive", "gs://my-bucket"),
        ("doctor", "--archive", "archive", *PLACE),
        ("backfill", "--archive", "gs://my-bucket", "--since", "7d", "--yes"),
        ("backfill", "--archive", "archive", "--since", "7d", "--via", "projects/my-project/topics/trigger"),
        ("deploy", "plan", *PLACE, "--org-id", ORGANIZATION),
        ("feed", "plan", "--project", "my-project", "--bucket", "my-bucket", *SECOPS),
    ],
    ids=lambda command: " ".join(command[:4]),
)
def test_a_missing_extra_is_one_message_with_the_command_that_installs_it(
    bare: Environment, command: tuple[str, ...]
) -> None:
    """Status 2, and not 5: Anypoint, which is not there, was not even asked."""
    done = bare.run(*command, CLIENT_ID="id", CLIENT_SECRET="secret", ANYPOINT_BASE_URL="http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "needs packages that are not installed." in done.stderr
    assert INSTALL in done.stderr


@pytest.mark.parametrize("version", VERSIONS[1:], indirect=True)
def test_the_function_is_installed_by_pip_from_its_own_list_alone_and_serves_a_push(
    bare: Environment, version: str, anypoint: Anypoint, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    assert bare.run("function", "build", str(source)).returncode == 0
    listed = ("--require-hashes", "--requirement", str(source / "requirements.txt"))
    deployed = Environment.made(tmp_path / "deployed", version, *listed)
    deployed.pip("check")
    with (
        StorageServer(buckets=[BUCKET]) as storage,
        served(source, tmp_path, environment(anypoint, storage), deployed.python) as function,
    ):
        assert function.deliver({"since": "7d"}, style="push") == 200, function.output
        assert_exact(anypoint, storage)
