"""A source with two logs over the last days, and an empty archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.hostile_source import DAY, GROUP, HOUR, MINUTE, ROOT, HostileSource, now, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def source() -> Iterator[HostileSource]:
    """Two logs of 300 and 60 entries over four days; `--since 5d` reaches them all."""
    made = HostileSource()
    made.spread(ROOT, 300, now() - 4 * DAY, now() - 5 * MINUTE)
    made.spread(GROUP, 60, now() - 4 * DAY, now() - HOUR)
    made.names[GROUP] = "Group"
    with serving(made) as served:
        yield served


@pytest.fixture
def large() -> Iterator[HostileSource]:
    """One log of 5,000 entries over two days."""
    made = HostileSource()
    made.spread(ROOT, 5_000, now() - 2 * DAY, now() - 5 * MINUTE)
    with serving(made) as served:
        yield served
