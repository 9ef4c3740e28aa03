"""A deployed collector, and a SecOps tenant beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.cloud.deploy.harness import Bench
from tests.control_plane import ControlPlane, World

from mulesoft_audit.cloud.deploy import secret

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench where everything but the feed is deployed."""
    monkeypatch.setattr(secret, "COST", 4)
    with ControlPlane(World()) as plane:
        made = Bench(plane)
        wanted, made.feed = made.feed, None
        made.apply()
        made.feed = wanted
        yield made
        made.close()
        assert plane.violations == [], "a request that Google's own descriptions do not allow"
