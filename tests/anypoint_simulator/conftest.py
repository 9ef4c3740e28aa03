"""Fixtures of the simulator's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.anypoint_simulator.client import Client, simulated

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client() -> Iterator[Client]:
    """Return a logged-in client of a small world that a test may change."""
    with simulated() as client:
        client.log_in()
        yield client


@pytest.fixture(scope="module")
def reader() -> Iterator[Client]:
    """Return a logged-in client of a small world that all tests of a module only read."""
    with simulated() as client:
        client.log_in()
        yield client
