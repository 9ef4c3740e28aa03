"""A manifest is read as it was written, and refused if it is damaged or newer."""

from __future__ import annotations

import pytest

from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.ledger.manifest import (
    HOUR_MS,
    Damaged,
    Manifest,
    Oversize,
    PartEntry,
    Unreadable,
    decode,
    encode,
)


def full() -> Manifest:
    part = PartEntry(1, 5, 100, 900, "ab", 3, HOUR_MS, "cd")
    oversize = [Oversize("state/oversize/x", 5_000_000, b"k" * 24)]
    return Manifest(
        "org", "2026-10-01", 7, [part], oversize, [1] * 24, 9, [Unreadable(4, 5, "large")], 3, "ef", "me", 2
    )


def test_a_manifest_is_read_as_it_was_written() -> None:
    assert decode(encode(full()), "m") == full()
    assert (full().held, full().difference, full().numbers()) == (6, 3, {1})


def test_where_the_source_was_not_read_to_its_end_nothing_differs() -> None:
    assert Manifest("org", "2026-10-01").difference == 0


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"format":2}', b'{"format":"x"}'])
def test_a_damaged_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(Damaged):
        decode(data, "m")


def test_a_newer_manifest_is_refused_and_is_not_called_damaged() -> None:
    with pytest.raises(ArchiveError, match="newer") as caught:
        decode(b'{"format":3}', "m")
    assert not isinstance(caught.value, Damaged)


def test_entries_are_counted_by_the_hour() -> None:
    manifest = Manifest("org", "2026-10-01")
    manifest.count_hours([24 * HOUR_MS - 1, 0, HOUR_MS - 1, HOUR_MS])
    manifest.count_hours([HOUR_MS])
    assert manifest.hours == [2, 2, *[0] * 21, 1]
