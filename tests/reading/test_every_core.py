"""Lines made on every core are those made on one, and take little memory, whatever the entries."""

from __future__ import annotations

import tracemalloc
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.reading.archives import START, add, line, name

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.ledger.names import names_of
from mulesoft_audit.reading import every_core
from mulesoft_audit.reading.every_core import made_of
from mulesoft_audit.reading.filters import Wanted
from mulesoft_audit.reading.lines import Lines
from mulesoft_audit.reading.pieces import load
from mulesoft_audit.reading.stream import entries, in_order

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3_600_000
ODD = [
    b'"userName":"\\ud83d"',
    b'"userName":%s' % (b"9" * 5000),
    b'"userName":%s"x"%s' % (b"[" * 5000, b"]" * 5000),
    b'"userName":%s%s' % (b"[" * 950, b"]" * 950),
    b'"userName":"a","userName":"\\u001b[31mb"',
    b'"objects":{"objectName":"alone"},"failed":"true"',
    b'"objects":[1,{"objectId":7}],"payload":{"subaction":"Failure","x":%s%s}' % (b"[" * 5000, b"]" * 5000),
]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """An archive of two organizations with entries of the same milliseconds, parts out of order, and odd entries."""
    store = LocalStore(tmp_path)
    name(store, org1="Payments", org2="Größe")
    for organization in ("org1", "org2"):
        held: list[bytes] = []
        for part in range(3):
            held += [
                b'{"timestamp":%d,"action":"%d",%s}' % (START + (number * 7919) % 5, part, odd)
                for number, odd in enumerate(ODD)
            ]
            add(store, organization, held[::-1])
    return store


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(failed=True), Wanted(user=["[*"]), Wanted(grep="FAILURE")])
def test_lines_are_the_same_in_one_process_and_in_several_and_an_entry_at_a_time(store, monkeypatch, wanted) -> None:
    monkeypatch.setattr(every_core, "FEW", 0)
    names = names_of(store)
    lines = partial(Lines, names, list(names.by_id), wanted)
    each = Lines(names, list(names.by_id), wanted)
    plain = [text for one in entries(store) for text in each(one.organization, [one.time], [one.line]).items]
    assert plain
    for cores in (1, 2):
        blocks = made_of(store, lines, (START, START + HOUR), cores=cores)
        assert [text for block in blocks for _, _, text in block] == plain


def test_what_a_process_made_is_kept_packed(tmp_path) -> None:
    store = LocalStore(tmp_path)
    add(store, "org1", [line(START + number // 9, userName="x" * 70) for number in range(20_000)])
    names = names_of(store)
    of_part = every_core._OfPart(partial(Lines, names, ["org1"]), tmp_path)
    sizes = []

    def read(piece):
        sizes.append(sum(map(len, of_part(piece, (START, START + HOUR)))) / piece.size)
        return load(store, piece)

    list(in_order(store, read, (START, START + HOUR), ["org1"]))
    assert max(sizes) < 4


def test_long_names_are_not_kept(store) -> None:
    lines = Lines(names_of(store), ["org1"])
    tracemalloc.start()
    try:
        for number in range(100):
            long = str(number) + "x" * 1_000_000
            entry = line(START, userName=long, platform=long, objects=[{"objectType": long, "objectName": long}])
            assert len(lines.of("org1", [START], [entry])[0]) < 500
        assert tracemalloc.get_traced_memory()[0] < 20_000_000  # of 400 million characters
    finally:
        tracemalloc.stop()
