"""What the documentation promises, held against what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mulesoft_audit.cli import deploy as deploy_module
from mulesoft_audit.cli import feed as feed_module
from mulesoft_audit.cloud.deploy.run import force_run
from mulesoft_audit.cloud.deploy.services import APIS
from mulesoft_audit.cloud.deploy.source import built_source, zipped

if TYPE_CHECKING:
    import click
    from tests.cloud.deploy.harness import Bench

DOCS = Path(__file__).parents[3] / "docs"
DEPLOY = (DOCS / "deploy.md").read_text(encoding="utf-8")
FEED = (DOCS / "feed.md").read_text(encoding="utf-8")
# Permissions are named after methods, but for these ("IAM permissions reference").
NAMES = {
    "storage.buckets.insert": "storage.buckets.create",
    "storage.buckets.patch": "storage.buckets.update",
    "serviceusage.services.batchGet": "serviceusage.services.get",
    "serviceusage.services.batchEnable": "serviceusage.services.enable",
    "secretmanager.secrets.addVersion": "secretmanager.versions.add",
    "secretmanager.secrets.versions.get": "secretmanager.versions.get",
    "cloudfunctions.functions.generateUploadUrl": "cloudfunctions.functions.sourceCodeSet",
    "cloudresourcemanager.projects.get": "resourcemanager.projects.get",
    "logging.entries.list": "logging.logEntries.list",
}
FREE = {"serviceusage.operations.get"}


def permission(method: str) -> str:
    short = method.replace(".projects.locations.", ".").replace(".projects.", ".", 1)
    short = "cloudresourcemanager.projects.get" if method == "cloudresourcemanager.projects.get" else short
    return NAMES.get(short, re.sub(r"\.patch$", ".update", short))


def test_the_custom_role_holds_every_permission_that_is_used(bench: Bench) -> None:
    bench.apply()
    force_run(bench.google(), bench.config)
    needed = {permission(method) for method in bench.plane.methods if method not in FREE}
    missing = {name for name in needed if name not in DEPLOY}
    assert missing == set()
    assert "iam.serviceAccounts.actAs" in DEPLOY


@pytest.mark.parametrize(("command", "text"), [(deploy_module.command, DEPLOY), (feed_module.command, FEED)])
def test_every_flag_is_documented(command: click.Group, text: str) -> None:
    both = text if command is deploy_module.command else DEPLOY + text
    for one in [command, *command.commands.values()]:
        flags = {flag for parameter in one.params for flag in parameter.opts if flag.startswith("--")}
        assert {flag for flag in flags if f"`{flag}" not in both} == set(), one.name


def test_every_api_is_explained() -> None:
    assert [api for api in APIS if api.removesuffix(".googleapis.com") not in DEPLOY] == []


def test_the_real_source_is_the_same_bytes_each_time_and_has_its_entry_point() -> None:
    first = built_source()
    assert first == built_source()
    assert b"def main(event)" in _member(first, "main.py")


def test_caches_and_dates_do_not_change_the_source(tmp_path: Path) -> None:
    import os

    (tmp_path / "main.py").write_text("x = 1\n")
    before = zipped(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "main.pyc").write_bytes(b"0")
    os.utime(tmp_path / "main.py", (1, 1))
    assert zipped(tmp_path) == before


def _member(archive: bytes, name: str) -> bytes:
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(archive)) as held:
        return held.read(name)
