"""Durations as people write them."""

from __future__ import annotations

import pytest

from mulesoft_audit.errors import UsageError
from mulesoft_audit.times import duration, earliest, moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("90m", 5400), (" 24H ", 86400), ("7 d", 604800), ("1h30m", 5400), ("1d 2h", 93600), ("2w", 1209600)],
)
def test_a_duration(text: str, seconds: int) -> None:
    assert duration(text, "--every") == seconds * 1000
    assert moment(text, 1_800_000_000_000, "--since") == 1_800_000_000_000 - seconds * 1000


@pytest.mark.parametrize("text", ["", "h", "1", "1x", "-1h", "1h30", "1.5h", "²s", "101w1000000d", "999999w"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match="--every is "):
        duration(text, "--every")


@pytest.mark.parametrize(("moments", "expected"), [((), 0), ((0, 0), 0), ((0, 7), 7), ((9, 7), 7), ((9, 0, 8), 8)])
def test_the_earliest_of_times_of_which_some_say_nothing(moments: tuple[int, ...], expected: int) -> None:
    assert earliest(*moments) == expected
