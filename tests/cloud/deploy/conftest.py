"""A control plane on this machine, and `mulesoft-audit deploy` with a real terraform over stub providers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tests.cloud.deploy.harness import Bench, deployed, on_a_plane
from tests.cloud.deploy.process import Deploy
from tests.fake_clock import FakeClock
from tests.storage_server import StorageServer
from tests.terraform import providers as shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

program, providers, mirror = shared.program, shared.providers, shared.mirror


class _Present(FakeClock):
    """The machine's own time: processes know no other."""

    def time(self) -> float:
        return time.time()


@pytest.fixture
def empty() -> Iterator[Bench]:
    """A project with nothing in it."""
    with on_a_plane() as made:
        yield made


@pytest.fixture
def bench(empty: Bench) -> Bench:
    """A project with a deployment in it."""
    deployed(empty.world, empty.config)
    return empty


@pytest.fixture
def project(empty: Bench) -> Bench:
    """A project with nothing in it, at the present time."""
    empty.world.clock = _Present()
    return empty


@pytest.fixture
def deploy(program: str, mirror: Path, project: Bench, tmp_path: Path) -> Iterator[Deploy]:
    """The command, as somebody runs it who has a terraform."""
    with StorageServer(buckets=["acme-logs-mulesoft-audit-tfstate"]) as storage:
        yield Deploy(program, tmp_path, project.plane.endpoint, str(mirror), storage)
