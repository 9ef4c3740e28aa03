"""A deployed collector, and a SecOps tenant beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.cloud.deploy.harness import Bench, deployed, on_a_plane

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A bench where everything but the feed is deployed."""
    with on_a_plane() as made:
        deployed(made.world, made.config)
        yield made
