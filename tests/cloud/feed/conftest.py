"""A deployed collector, and a SecOps tenant beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.cloud.deploy.harness import Bench, deployed
from tests.control_plane import ControlPlane, World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A bench where everything but the feed is deployed."""
    with ControlPlane(World()) as plane:
        made = Bench(plane)
        deployed(made.world, made.config)
        yield made
        made.close()
        assert plane.violations == [], "a request that Google's own descriptions do not allow"
