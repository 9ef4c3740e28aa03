"""A source to collect from."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tests.plain_source import ROOT, PlainSource, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def source() -> Iterator[PlainSource]:
    found = PlainSource()
    now = int(time.time() * 1000)
    found.fill(ROOT, 50, now - 3_600_000, now - 60_000)
    with serving(found):
        yield found
