"""What a process made of a chunk of a part arrives as it was, be it much or little."""

from __future__ import annotations

import pytest

from mulesoft_audit.reading.every_core import LARGE, Made, _packed, _unpacked

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("count", [0, 1, LARGE])
def test_what_was_made_arrives_and_much_of_it_is_small_on_the_way(count: int):
    made = Made(list(range(count)), ["2026-11-26 \ud83d é"] * count, (count, 0))
    data = _packed(made)
    assert _unpacked(data) == made
    assert len(data) < LARGE * 8
