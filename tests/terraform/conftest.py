"""A real terraform over the module, with stub providers that know the real ones' schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.terraform import providers as shared
from tests.terraform.workspace import SECRET, Plan, Workspace

if TYPE_CHECKING:
    from pathlib import Path

program, providers = shared.program, shared.providers


@pytest.fixture
def workspace(program: str, providers: Path, tmp_path: Path) -> Workspace:
    """A copy of the module to run terraform in."""
    return Workspace(program, providers, tmp_path)


@pytest.fixture(scope="session")
def basic(program: str, providers: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of examples/basic."""
    return Workspace(program, providers, tmp_path_factory.mktemp("basic")).plan("examples/basic", client_secret=SECRET)


@pytest.fixture(scope="session")
def two_roots(program: str, providers: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of examples/two-roots."""
    secrets = f'{{"mulesoft-emea": "{SECRET}1", "mulesoft-us": "{SECRET}2"}}'
    place = Workspace(program, providers, tmp_path_factory.mktemp("two"))
    return place.plan("examples/two-roots", client_secrets=secrets)
