"""Which half-written files nobody will finish."""

from __future__ import annotations

import pytest

from mulesoft_audit.archive.temporary import LONG_AGO, Writer, left_behind, new_name, this_writer, writer_of

ME = Writer("host-1", 100, "a" * 12)


def test_a_name_tells_who_wrote_it() -> None:
    assert writer_of(new_name()) == this_writer()


@pytest.mark.parametrize("name", ["", "x", "host-1.100", "host-1.100.x-1", f"host.100.{'a' * 12}-1", "a-1.1.tmp"])
def test_any_other_name_is_nobodys(name: str) -> None:
    assert writer_of(name) is None


@pytest.mark.parametrize(
    ("writer", "age", "alive", "left"),
    [
        (ME, 0, True, False),
        (Writer("host-1", 7, "b" * 12), 0, True, False),
        (Writer("host-1", 7, "b" * 12), 0, False, True),
        (Writer("host-1", 100, "b" * 12), 0, True, True),
        (Writer("host-2", 7, "b" * 12), 0, False, False),
        (Writer("host-2", 7, "b" * 12), LONG_AGO + 1, False, True),
        (Writer("host-1", 7, "b" * 12), LONG_AGO + 1, True, True),
    ],
    ids=["mine", "alive", "dead", "same number again", "another host", "another host, long ago", "alive, long ago"],
)
def test_what_is_left_behind(writer: Writer, age: float, alive: bool, left: bool) -> None:
    assert left_behind(writer, ME, age, alive=alive) is left
