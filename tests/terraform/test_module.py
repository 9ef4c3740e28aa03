"""The module as terraform itself sees it: format, validity, its own tests, and a whole life with a stub provider."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.terraform.workspace import MODULE, SECRET

if TYPE_CHECKING:
    from tests.terraform.workspace import Workspace

TESTS = sorted(path.name for path in (MODULE / "tests").glob("*.tftest.hcl"))


def test_terraform_finds_nothing_to_format(workspace: Workspace) -> None:
    workspace.done("fmt", "-check", "-diff", "-recursive")


@pytest.mark.parametrize("place", [".", "examples/basic", "examples/two-roots"])
def test_it_is_valid(workspace: Workspace, place: str) -> None:
    workspace.done("get", at=place)
    workspace.done("validate", at=place)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("ingress_settings ", "ingres_settings ", "Unsupported argument"),
        ("  location    = var.region\n", "", "Missing required argument"),
        ("direct_vpc_network_interface\" {", "direct_vpc_interface\" {", "Unsupported block type"),
    ],
)  # fmt: skip
def test_the_stub_provider_notices_mistakes(workspace: Workspace, right: str, wrong: str, message: str) -> None:
    file = workspace.module / "function.tf"
    text = file.read_text(encoding="utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    ended = workspace.run("validate")
    assert ended.returncode
    assert message in ended.stderr


@pytest.mark.parametrize("name", TESTS)
def test_its_own_tests_pass(workspace: Workspace, name: str) -> None:
    workspace.done("test", f"-filter=tests/{name}")


@pytest.mark.slow
def test_it_is_applied_changed_and_destroyed_without_the_secret_in_the_state(workspace: Workspace) -> None:
    place = "examples/basic"
    workspace.done("get", at=place)
    state = workspace.module / place / "terraform.tfstate"

    workspace.done("apply", "-auto-approve", "-input=false", at=place, client_secret=SECRET)
    first = state.read_text(encoding="utf-8")
    again = workspace.done("plan", "-input=false", at=place, client_secret="another one, which is not asked for")
    assert "No changes." in again

    workspace.change(place, "client_secret_version = 2")
    rotated = workspace.done("apply", "-auto-approve", "-input=false", at=place, client_secret=f"{SECRET}-new")
    made = rotated.index("google_secret_manager_secret_version.client[0]: Creation complete")
    gone = rotated.index("deposed object")
    assert made < rotated.index("google_secret_manager_secret_version.client[0] (deposed", made) <= gone

    assert SECRET not in first + state.read_text(encoding="utf-8")
    workspace.done("destroy", "-auto-approve", "-input=false", at=place, client_secret=SECRET)
    assert json.loads(state.read_text(encoding="utf-8"))["resources"] == []
