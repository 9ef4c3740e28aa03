from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tests.cloud.deploy.harness import Bench, deployed, on_a_plane
from tests.doctor.harness import GROUP, OTHER
from tests.plain_source import ROOT, PlainSource, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def source() -> Iterator[PlainSource]:
    """Anypoint with a root and two business groups, a few entries in each."""
    plain = PlainSource(names={GROUP: "Payments", OTHER: "Logistics"})
    now = int(time.time() * 1000)
    for organization, count in ((ROOT, 30), (GROUP, 20), (OTHER, 10)):
        plain.fill(organization, count, now - 3_600_000, now - 1000, seed=count)
    with serving(plain):
        yield plain


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A deployment that has not run yet; looking at it must change nothing."""
    with on_a_plane() as made:
        deployed(made.world, made.config)
        yield made
        assert made.mutations() == [], "looking changed something"
