"""A control plane on this machine, a client of it, and a deployment to bring about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.cloud.deploy.harness import Bench
from tests.control_plane import ControlPlane, World

from mulesoft_audit.cloud.deploy import secret

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="session")
def cheap_fingerprints() -> Iterator[None]:
    """Fingerprints cost 50 ms each, on purpose; a thousand applies need cheaper ones."""
    before, secret.COST = secret.COST, 4
    yield
    secret.COST = before


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def bench(world: World) -> Iterator[Bench]:
    with ControlPlane(world) as plane:
        yield Bench(plane)
        assert plane.violations == [], "a request that Google's own descriptions do not allow"
