"""`deploy write`: offline, the same bytes each time, as a person would have written it, and without the secret."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.cloud.deploy.harness import ORGANIZATION, VALUE, deployment
from tests.cloud.deploy.process import APP, PLACE, command, environment
from tests.terraform.workspace import MODULE, Workspace

from mulesoft_audit.cloud.deploy.deployment import default_names
from mulesoft_audit.cloud.deploy.folder import module_files
from mulesoft_audit.cloud.deploy.hcl import attributes, literal, quoted
from mulesoft_audit.cloud.deploy.root import Backend, Import, imports_file, main_file
from mulesoft_audit.cloud.deploy.source import built_source, zipped

if TYPE_CHECKING:
    from pathlib import Path

MORE = ("--label", "cost-center=soc", "--env", "HTTP_TIMEOUT=30", "--secret-location", "auto", "--paused")
#: What names.tf refers to.
AROUND = """
variable "project_id" {}
variable "name" {}
variable "labels" {
  default = {}
}
variable "names" {
  default = {
NULLS
  }
}
output "names" {
  value = local.names
}
"""


def write(home: Path, *arguments: str, fails: int = 0) -> str:
    """Write into `infra`, without a terraform, a network or credentials; return what is said on standard error."""
    line = command("write", "infra", *PLACE, *APP, *arguments)
    given = environment(home, PATH="", CLIENT_SECRET=VALUE, GOOGLE_APPLICATION_CREDENTIALS="/nowhere")
    ended = subprocess.run(line, cwd=home, env=given, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == fails, ended.stderr
    return ended.stderr


def files(home: Path) -> dict[str, bytes]:
    folder = home / "infra"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_is_whole_the_same_each_time_and_without_the_secret(tmp_path: Path) -> None:
    said = write(tmp_path, *MORE)
    first = files(tmp_path)
    assert {"main.tf", "source.zip", "module/function.tf", "module/README.md"} <= set(first)
    assert not [name for name in first if "test" in name or "example" in name]
    assert "gcloud storage buckets create gs://acme-logs-mulesoft-audit-tfstate" in said
    write(tmp_path, *MORE)
    assert files(tmp_path) == first
    assert VALUE.encode() not in b"".join(first.values())


def test_the_names_of_googles_page_stand_in_it(tmp_path: Path) -> None:
    write(tmp_path, "--state", "local")
    text = files(tmp_path)["main.tf"].decode()
    for name in (
        *("mulesoft-logs-collector-sa", "acme-logs-mulesoft-audit-logs", "mulesoft-audit-trigger"),
        *("mulesoft-audit-collector", "daily-mulesoft-audit-export", ORGANIZATION),
    ):
        assert f'"{name}"' in text
    assert "backend" not in text


def test_terraform_finds_it_formatted_and_valid(mirror: Path, program: str, tmp_path: Path) -> None:
    write(tmp_path, *MORE, "--state", "local", "--static-ip", "--alert-email", "soc@example.com")
    (tmp_path / "infra" / "imports.tf").write_text(imports_file([Import("module.collector.google_x.y[0]", "a/b")]))
    given = environment(tmp_path, TF_CLI_CONFIG_FILE=str(mirror), TF_CLI_ARGS="-no-color")
    for arguments in (["fmt", "-check", "-diff", "-recursive"], ["init", "-input=false"], ["validate"]):
        if arguments == ["validate"]:
            (tmp_path / "infra" / "imports.tf").unlink()
        line = [program, *arguments]
        ended = subprocess.run(line, cwd=tmp_path / "infra", env=given, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "main.tf").write_text("# somebody else's\n")
    assert "holds something else" in write(tmp_path, fails=2)
    assert files(tmp_path) == {"main.tf": b"# somebody else's\n"}


def test_what_lies_beside_it_stays(tmp_path: Path) -> None:
    write(tmp_path)
    for name in ("terraform.tfstate", "override.tf"):
        (tmp_path / "infra" / name).write_text("{}")
    (tmp_path / "infra" / "module" / "gone.tf").write_text("# of an earlier version\n")
    write(tmp_path)
    assert {"terraform.tfstate", "override.tf"} <= set(files(tmp_path))
    assert "module/gone.tf" not in files(tmp_path)


def test_the_module_is_that_of_the_checkout() -> None:
    wanted = {path.name for path in MODULE.iterdir() if path.suffix in (".tf", ".md")}
    assert set(module_files()) == wanted
    assert module_files()["names.tf"] == (MODULE / "names.tf").read_bytes()


@pytest.mark.parametrize("name", ["mulesoft", "acme-emea-prod"])
@pytest.mark.parametrize("project", ["acme-logs-123", "example.com:logs", "a-project-of-thirty-characters"])
def test_names_are_those_of_the_module(program: str, providers: Path, tmp_path: Path, project: str, name: str) -> None:
    workspace = Workspace(program, providers, tmp_path)
    expression = (workspace.module / "names.tf").read_text()
    for file in workspace.module.glob("*.tf"):
        file.unlink()
    nulls = "\n".join(f"    {key} = null" for key in default_names(project))
    (workspace.module / "main.tf").write_text(AROUND.replace("NULLS", nulls) + expression)
    workspace.done("apply", "-auto-approve", name=name, project_id=project)
    shown = json.loads(workspace.done("output", "-json"))["names"]["value"]
    assert {key: value for key, value in shown.items() if key != "metrics"} == default_names(project, name)


# Strings stay strings.


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('say "hi" \\', '"say \\"hi\\" \\\\"'),
        ("${file(\"/etc/passwd\")}", '"$${file(\\"/etc/passwd\\")}"'),
        ("%{ if true }", '"%%{ if true }"'),
        ("a\nb\x1b", '"a\\u000ab\\u001b"'),
        ("é🙂", '"é🙂"'),
    ],
)  # fmt: skip
def test_a_string_is_never_a_template(text: str, written: str) -> None:
    assert quoted(text) == written


def test_values_are_written_as_terraform_does() -> None:
    assert [literal(one) for one in (True, 3, ["a", "b"], [])] == ["true", "3", '["a", "b"]', "[]"]
    with pytest.raises(TypeError):
        literal(1.5)
    assert attributes({"a": 1, "long": "x", "map": {"b-c": "d", "for": "e"}}) == [
        *("  a    = 1", '  long = "x"', "", "  map = {", '    "b-c" = "d"', '    "for" = "e"', "  }")
    ]


def test_the_state_has_a_folder_for_each_deployment() -> None:
    text = main_file(deployment(name="emea"), Backend("states", "emea"), secret_version=3)
    assert re.search(r'backend "gcs" \{\n    bucket = "states"\n    prefix = "emea"\n  \}\n\}', text)
    assert "client_secret_version = 3" in text


# The function's source.


def test_the_source_is_the_same_bytes_each_time_and_has_its_entry_point() -> None:
    first = built_source()
    assert first == built_source()
    with zipfile.ZipFile(io.BytesIO(first)) as held:
        assert b"def main(event)" in held.read("main.py")


def test_caches_and_dates_do_not_change_the_source(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("x = 1\n")
    before = zipped(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "main.pyc").write_bytes(b"0")
    os.utime(tmp_path / "main.py", (1, 1))
    assert zipped(tmp_path) == before
