"""The emitted module: names and types the provider knows, no finding of a security policy, and real plans."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from tests.cloud.deploy.harness import VALUE, deployment, feed, source

from mulesoft_audit.cloud.deploy.hcl import Block, Raw, nested, quoted, render
from mulesoft_audit.cloud.deploy.terraform import blocks, module, write_module
from mulesoft_audit.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulesoft_audit.cloud.deploy.config import Deployment

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE / "google_provider_schema.json").read_text(encoding="utf-8"))
META = {"for_each", "depends_on", "count", "lifecycle", "provider"}
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "everything": {
        "prefix": "mulesoft/",
        "plane": "eu",
        "labels": {"team": "secops"},
        "environment": {"NOTE": 'say "hi" ${var.x} %{if} \\'},
        "channels": ("projects/acme-logs/notificationChannels/1", "projects/acme-logs/notificationChannels/2"),
        "alert_project": "secops-linked",
        "secret_locations": ("europe-west3", "europe-west4"),
        "build_account": "builder@acme-logs.iam.gserviceaccount.com",
    },
    "least": {
        "confine_overwrites": False,
        "versioning": False,
        "delete_after_days": 0,
        "soft_delete_days": 0,
        "alerts": False,
        "client_secret": None,
    },
}


@pytest.fixture(params=sorted(VARIANTS))
def config(request: pytest.FixtureRequest) -> Deployment:
    return deployment(**VARIANTS[request.param])


def found(config: Deployment, kind: str) -> list[Block]:
    return [block for block in blocks(config, "digest") if block.labels and block.labels[0] == kind]


def inner(block: Block, *path: str) -> Block:
    for name in path:
        block = next(one for one in block.blocks if one.kind == name)
    return block


def wrong(spec: dict[str, Any], block: Block, at: str) -> Iterator[str]:
    """Yield what the provider's schema says against a block."""
    for name, value in block.attributes.items():
        if name in META:
            continue
        if name not in spec["attributes"]:
            yield f"{at}.{name}: no such argument"
        elif not fits(spec["attributes"][name]["type"], value):
            yield f"{at}.{name}: {value!r} is no {spec['attributes'][name]['type']}"
    yield from (
        f"{at}.{name}: required"
        for name, one in spec["attributes"].items()
        if one.get("required") and name not in block.attributes
    )
    kinds = [one.kind for one in block.blocks]
    for name, one in spec["blocks"].items():
        if one["required"] and name not in kinds:
            yield f"{at}.{name}: required block"
        if not one["many"] and kinds.count(name) > 1:
            yield f"{at}.{name}: only once"
    for one in block.blocks:
        if one.kind not in spec["blocks"]:
            yield f"{at}.{one.kind}: no such block"
        else:
            yield from wrong(spec["blocks"][one.kind], one, f"{at}.{one.kind}")


def fits(kind: str, value: Any) -> bool:
    if isinstance(value, Raw):
        return True
    if kind == "map":
        return isinstance(value, dict) and all(isinstance(one, str | Raw) for one in value.values())
    if kind.startswith("list"):
        return isinstance(value, list) and all(fits(kind[5:-1], one) for one in value)
    wanted: dict[str, type] = {"string": str, "number": int, "bool": bool}
    return isinstance(value, wanted[kind]) and isinstance(value, bool) == (kind == "bool")


def test_every_argument_is_one_that_the_provider_has(config: Deployment) -> None:
    for block in blocks(config, "digest"):
        if block.kind in ("resource", "data"):
            spec = SCHEMA["resources" if block.kind == "resource" else "data"][block.labels[0]]
            assert list(wrong(spec, block, ".".join(block.labels))) == []


def test_the_check_itself_finds_mistakes() -> None:
    spec = SCHEMA["resources"]["google_storage_bucket"]
    bad = Block(
        "resource",
        ("google_storage_bucket", "x"),
        {"name": "x", "lokation": "EU", "force_destroy": "no"},
        [nested("versioning"), nested("versioning", enabled=True), nested("website2")],
    )
    assert set(wrong(spec, bad, "x")) == {
        "x.lokation: no such argument",
        "x.force_destroy: 'no' is no bool",
        "x.location: required",
        "x.versioning: only once",
        "x.versioning.enabled: required",
        "x.website2: no such block",
    }


def test_every_reference_is_to_something_in_the_module(config: Deployment) -> None:
    text = render(blocks(config, "digest"))
    defined = {".".join(block.labels) for block in blocks(config, "digest") if block.kind == "resource"}
    used = set(re.findall(r"\b(google_[a-z0-9_]+\.[a-z_]+)\b(?!\")", text))
    assert used <= defined | {"google_project.this"}


def test_it_says_the_same_as_the_deployment(config: Deployment) -> None:
    """The module and `deploy` are written from the same settings; here the two results are held side by side."""
    from mulesoft_audit.cloud.deploy.function import environment

    (function,) = found(config, "google_cloudfunctions2_function")
    plain = inner(function, "service_config").attributes["environment_variables"]
    assert isinstance(plain, dict)
    assert plain.keys() == environment(config).keys()
    (bucket,) = found(config, "google_storage_bucket")
    assert bucket.attributes["name"] == config.bucket
    rules = [inner(one, "condition").attributes for one in bucket.blocks if one.kind == "lifecycle_rule"]
    assert len(rules) == bool(config.delete_after_days) + config.versioning
    assert all("matches_prefix" in rule or "days_since_noncurrent_time" in rule for rule in rules)


# A security scan in the small: what such scanners look for in these resources, as assertions. --------------------


def test_the_bucket_is_private_and_undeletable_by_accident(config: Deployment) -> None:
    (bucket,) = found(config, "google_storage_bucket")
    assert bucket.attributes["uniform_bucket_level_access"] is True
    assert bucket.attributes["public_access_prevention"] == "enforced"
    assert bucket.attributes["force_destroy"] is False


def test_nobody_is_granted_anything_but_named_accounts_on_single_things(config: Deployment) -> None:
    grants = [block for block in blocks(config, "d") if block.labels and "_iam_" in block.labels[0]]
    allowed = {
        "roles/storage.objectViewer", "roles/storage.objectCreator", "roles/storage.objectUser",
        "roles/secretmanager.secretAccessor", "roles/pubsub.publisher", "roles/run.invoker",
    }  # fmt: skip
    for grant in grants:
        assert isinstance(grant.attributes["member"], Raw)
        assert grant.attributes["role"] in allowed
        assert not grant.labels[0].startswith(("google_project_iam", "google_organization_iam", "google_folder_iam"))
        assert grant.labels[0].endswith("_iam_member"), "a binding or policy would take others' access away"
    text = render(blocks(config, "d"))
    assert "allUsers" not in text
    assert "allAuthenticatedUsers" not in text


def test_overwriting_is_confined_to_the_state(config: Deployment) -> None:
    users = [
        one
        for one in found(config, "google_storage_bucket_iam_member")
        if one.attributes["role"] == "roles/storage.objectUser"
    ]
    if config.confine_overwrites:
        (user,) = users
        assert config.state_prefix in str(inner(user, "condition").attributes["expression"])


def test_the_function_is_internal_authenticated_and_has_its_secret_by_reference(config: Deployment) -> None:
    (function,) = found(config, "google_cloudfunctions2_function")
    service = inner(function, "service_config")
    assert service.attributes["ingress_settings"] == "ALLOW_INTERNAL_ONLY"
    assert "CLIENT_SECRET" not in str(service.attributes["environment_variables"])
    assert inner(service, "secret_environment_variables").attributes["key"] == "CLIENT_SECRET"


def test_no_file_holds_the_secret(config: Deployment, tmp_path: Path) -> None:
    written = write_module(config, feed(), source, tmp_path / "infra")
    assert {path.name for path in written} == {
        "versions.tf", "variables.tf", "main.tf", "outputs.tf", "README.md", "source.zip",
    }  # fmt: skip
    assert all(VALUE.encode() not in path.read_bytes() for path in written)
    variables = (tmp_path / "infra" / "variables.tf").read_text(encoding="utf-8")
    assert "ephemeral   = true" in variables
    assert "secret_data_wo " in (tmp_path / "infra" / "main.tf").read_text(encoding="utf-8")


def test_what_it_cannot_express_is_said(tmp_path: Path) -> None:
    write_module(deployment(), feed(), source, tmp_path)
    said = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "mulesoft-audit feed --project acme-logs" in said
    assert "--max-delivery-attempts 10" in said
    assert "google_chronicle_feed" not in (tmp_path / "main.tf").read_text(encoding="utf-8")


def test_a_directory_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeploymentError, match="cannot be written"):
        write_module(deployment(), None, source, tmp_path / "file")


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("plain", '"plain"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("${x} %{y} $x", '"$${x} %%{y} $x"'),
        ("a\nb", '"a\\nb"'),
    ],
)
def test_strings_stay_strings(text: str, literal: str) -> None:
    assert quoted(text) == literal


# With a real terraform. -----------------------------------------------------------------------------------------


def loudly_skipped(request: pytest.FixtureRequest, why: str) -> NoReturn:
    """Skip, and say so on a line of its own: an `s` among dots is too quiet for a check that was left out."""
    plugins = request.config.pluginmanager
    capture, reporter = plugins.get_plugin("capturemanager"), plugins.get_plugin("terminalreporter")
    if capture is not None and reporter is not None:
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"\nNOT CHECKED with a real terraform: {why}", yellow=True, bold=True)
    pytest.skip(why)


@pytest.fixture(scope="session")
def terraform(request: pytest.FixtureRequest) -> str:
    """The terraform on PATH."""
    program = shutil.which("terraform")
    if program is None:
        loudly_skipped(request, "there is none on PATH")
    return program


@pytest.fixture(scope="session")
def stub(request: pytest.FixtureRequest) -> Path:
    """A directory with a google provider that knows the schema, in an environment of its own that is kept."""
    home = request.config.cache.mkdir("terraform-stub") if request.config.cache else HERE
    python = home / "venv" / "bin" / "python"
    if not (home / "ready").exists():
        venv.create(home / "venv", with_pip=True, clear=True)
        wanted = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "tf==1.2.0"]
        try:
            done = subprocess.run(wanted, capture_output=True, timeout=90, check=False)
        except subprocess.TimeoutExpired:
            loudly_skipped(request, "PyPI's tf could not be installed in 90 s")
        if done.returncode:
            loudly_skipped(request, "PyPI's tf could not be installed")
        (home / "ready").touch()
    launcher = home / "terraform-provider-google"
    launcher.write_text(f'#!/bin/sh\nexec "{python}" "{HERE / "terraform_stub.py"}" "$@"\n')
    launcher.chmod(0o755)
    return home


def run(terraform: str, directory: Path, *arguments: str, rc: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": str(rc or os.devnull),
        "TF_VAR_client_secret": VALUE,
        "STUB_SCHEMA": str(HERE / "google_provider_schema.json"),
        "TF_IN_AUTOMATION": "1",
    }
    command = [terraform, *arguments]
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_terraform_finds_nothing_to_format(terraform: str, config: Deployment, tmp_path: Path) -> None:
    write_module(config, None, source, tmp_path)
    done = run(terraform, tmp_path, "fmt", "-check", "-diff")
    assert done.returncode == 0, done.stdout + done.stderr


def test_terraform_validates_and_plans_it(terraform: str, stub: Path, config: Deployment, tmp_path: Path) -> None:
    files = module(config, "digest")
    # The stub speaks a protocol from before write-only arguments, to which alone an ephemeral value may be given.
    files["variables.tf"] = re.sub(r"\n +ephemeral += true", "", files["variables.tf"])
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "source.zip").write_bytes(source())
    rc = tmp_path / "terraformrc"
    rc.write_text(f'provider_installation {{\n dev_overrides {{ "hashicorp/google" = "{stub}" }}\n direct {{}}\n}}\n')
    valid = run(terraform, tmp_path, "validate", "-no-color", rc=rc)
    assert valid.returncode == 0, valid.stdout + valid.stderr
    if config.prefix:  # one plan is enough; each takes seconds
        _plans(terraform, config, tmp_path, rc)
    broken = (tmp_path / "main.tf").read_text().replace("ingress_settings", "ingres_settings")
    (tmp_path / "main.tf").write_text(broken)
    assert "Unsupported argument" in run(terraform, tmp_path, "validate", "-no-color", rc=rc).stderr


def _plans(terraform: str, config: Deployment, tmp_path: Path, rc: Path) -> None:
    planned = run(terraform, tmp_path, "plan", "-no-color", "-input=false", rc=rc)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    resources = [block for block in blocks(config, "digest") if block.kind == "resource"]
    assert f"Plan: {len(resources) - 1 + 13} to add, 0 to change, 0 to destroy." in planned.stdout
