"""Forgeries that try to be taken for the collector's own: by the next run, by a checksum, by `repair`."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from typing import TYPE_CHECKING

import pytest
from tests.archives import lines
from tests.collect.hourly import assert_exact
from tests.collect.in_process import DAY, run_at
from tests.evidence.archive import (
    LAST_DAY,
    NOON,
    ROOT,
    compared,
    entry,
    filled,
    keys,
    manifest,
    only,
    part,
    problems,
    rewrite_lines,
    verified,
)
from tests.evidence.keys import pair
from tests.evidence.sealed import seal, wrong
from tests.evidence.test_repair import offline, repaired
from tests.plain_source import PlainSource, serving

from mulesoft_audit.archive import layout
from mulesoft_audit.evidence.finding import Kind, Remedy
from mulesoft_audit.ledger.parts import derive_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mulesoft_audit.collect.summary import Summary

FORGED = b'{"timestamp": %d, "action": "Forged", "platform": "X"}\n' % (NOON + 7)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[PlainSource, Path]]:
    """A source and an archive of it that a test may change."""
    with serving(PlainSource()) as source:
        yield source, filled(source, tmp_path / "archive")


def run_with_news(source: PlainSource, root: Path) -> Summary:
    stamp = NOON + DAY // 16
    source.add(ROOT, stamp, entry(stamp, random.Random(3)))
    return run_at(source, root, stamp + 1000)


@pytest.mark.parametrize("claimed", [False, True])
def test_no_run_takes_a_forged_part_for_one_of_its_own(own: tuple[PlainSource, Path], claimed: bool) -> None:
    """As the next part's number, where a killed run would have left its own; with keys, too."""
    source, root = own
    data = gzip.compress(FORGED, mtime=0)
    (root / part(3)).write_bytes(data)
    if claimed:
        (root / keys(3)).write_bytes(derive_keys(data, "forged", layout.day_start(LAST_DAY)).keys.data)
    for _ in range(2):
        assert run_with_news(source, root).complete
        assert only(compared(source, root).problems).path == part(3)
        assert claimed or problems(root) == [("unknown", part(3))]
    assert verified(root).held[ROOT].entries == len(source.logs[ROOT]), "what is forged is not counted"
    assert repaired(source, root, by_day=True).problems == []
    assert_exact(source, root)


def test_a_copy_of_a_part_is_not_taken_in_by_a_run(own: tuple[PlainSource, Path]) -> None:
    source, root = own
    (root / part(3)).write_bytes((root / part(2)).read_bytes())
    assert run_with_news(source, root).complete
    assert problems(root) == [("unknown", part(3))]


LETTERS = 40  #: of a name that are chosen so that the checksum fits


def altered(line: bytes, **changes: object) -> bytes:
    """Return an entry with these changes, of another user's name, and of the same CRC-32.

    CRC-32 is linear: of letters that may each be one of two, some choice makes up for any difference.
    """
    value = json.loads(line) | changes | {"userName": "a" * LETTERS}
    body = bytearray(json.dumps(value).encode())
    at, plain = body.index(b"a" * LETTERS), zlib.crc32(body)
    left, chosen = zlib.crc32(line) ^ plain, 0
    rows: list[tuple[int, int]] = []  # what a letter, or some of them, change of the checksum
    for letter in range(LETTERS):
        body[at + letter] ^= 2
        rows.append((zlib.crc32(body) ^ plain, 1 << letter))
        body[at + letter] ^= 2
    for place in range(32):
        pivot = next(row for row in rows if row[0] >> place & 1)
        rows = [(a ^ pivot[0], b ^ pivot[1]) if a >> place & 1 else (a, b) for a, b in rows if (a, b) != pivot]
        if left >> place & 1:
            left, chosen = left ^ pivot[0], chosen ^ pivot[1]
    for letter in range(LETTERS):
        body[at + letter] ^= 2 * (chosen >> letter & 1)
    assert zlib.crc32(body) == zlib.crc32(line)
    return bytes(body)


def test_an_entry_of_the_same_checksum_is_not_taken_for_the_one_that_was(root: Path) -> None:
    rewrite_lines(root / part(), lambda found: [altered(found[0], action="Nothing"), *found[1:]])
    found = only(verified(root).problems)
    assert (found.kind, found.remedy) == (Kind.ALTERED, Remedy.SET_ASIDE)
    assert "not those that its keys name" in found.found


def test_repair_asks_the_source_for_an_entry_of_which_only_names_and_checksum_can_tell(
    served: PlainSource, root: Path
) -> None:
    """Names are in no key, and a checksum can be made to fit: what a part of other bytes holds is anybody's guess."""
    rewrite_lines(root / part(), lambda found: [altered(found[0]), *found[1:]])
    assert repaired(served, root).problems == []
    assert_exact(served, root)
    assert all("a" * 5 not in line.decode() for line in lines(root))


def test_a_sealed_part_is_kept_where_its_manifest_says_otherwise(
    served: PlainSource, root: Path, tmp_path: Path
) -> None:
    keys_ = pair(tmp_path)
    seal(root, keys_)
    document = json.loads((root / manifest()).read_bytes())
    document["parts"][0]["sha256"] = "0" * 64
    (root / manifest()).write_bytes(json.dumps(document).encode())
    assert repaired(served, root).problems == []
    assert (root / part()).exists()
    assert wrong(root, keys_) == []


def test_where_the_source_is_not_asked_a_part_compressed_anew_is_kept(root: Path) -> None:
    rewrite_lines(root / part(), lambda found: found)
    assert offline(root).problems == []
    assert (root / part()).exists()
