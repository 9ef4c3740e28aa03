"""Entries that change places, vanish, or are spelled otherwise the next time."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.archives import lines
from tests.collect.hourly import NOON, assert_exact
from tests.collect.in_process import DAY, HOUR, run_at
from tests.plain_source import ROOT, PlainSource, entry, serving

if TYPE_CHECKING:
    from pathlib import Path


def test_entries_of_one_millisecond_that_change_places_are_each_read_once(tmp_path: Path) -> None:
    source = PlainSource()
    rng = random.Random(5)
    for _ in range(60):
        stamp = NOON - rng.randrange(1000, DAY // 2)
        for _ in range(rng.randrange(1, 50)):
            source.add(ROOT, stamp, entry(stamp, rng))

    def shuffled_ties(found: list[bytes]) -> list[bytes]:
        return sorted(found, key=lambda body: (json.loads(body)["timestamp"], rng.random()))

    source.order = shuffled_ties
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
    assert_exact(source, tmp_path)


def test_an_entry_that_vanishes_while_it_is_read_takes_no_other_with_it(tmp_path: Path) -> None:
    source = PlainSource()
    source.fill(ROOT, 2000, NOON - DAY // 2, NOON - 1000)
    before = source.truth(ROOT)

    def vanish(of: PlainSource) -> None:
        if of.counts["queries"] == 6:
            del of.logs[ROOT][0]

    source.before_query = vanish
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
    held = lines(tmp_path, ROOT)
    assert not source.truth(ROOT) - held
    assert not held - before, "nothing but the one that vanished, which may have been read before that"


def respelling(every: int) -> Any:
    """Return what gives one entry of so many, always the same ones, with its payload in another order."""

    def other(body: bytes) -> bytes:
        value: dict[str, Any] = json.loads(body)
        value["payload"] = dict(reversed(value["payload"].items()))
        return json.dumps(value).encode()

    return lambda found: [other(body) if json.loads(body)["timestamp"] % every == 0 else body for body in found]


def test_an_entry_in_another_spelling_is_delivered_and_no_other_is_lost(tmp_path: Path) -> None:
    source = PlainSource()
    source.fill(ROOT, 300, NOON - DAY // 2, NOON - 1000)
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
        before = lines(tmp_path, ROOT)
        source.order = respelling(10)
        late = entry(NOON - HOUR, random.Random(7))
        source.add(ROOT, NOON - HOUR, late)
        run_at(source, tmp_path, NOON + 1)
    held = lines(tmp_path, ROOT)
    assert not before - held
    given = Counter(source.order([*source.truth(ROOT).elements()]))
    assert held == before | given
    assert held.total() > 301


def test_a_run_stops_where_most_of_what_is_held_is_not_recognized_any_more(tmp_path: Path) -> None:
    source = PlainSource()
    source.fill(ROOT, 300, NOON - DAY // 2, NOON - 1000)
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
        before = lines(tmp_path, ROOT)
        source.order = respelling(1)
        source.add(ROOT, NOON - HOUR, entry(NOON - HOUR, random.Random(7)))
        assert run_at(source, tmp_path, NOON + 1).exit_code == 5
    assert lines(tmp_path, ROOT) == before


def test_what_was_deleted_is_noted_though_the_head_is_lost(tmp_path: Path) -> None:
    """The page shows the whole log, and nobody knows any more what it showed before."""
    source = PlainSource()
    source.fill(ROOT, 50, NOON - 3 * DAY, NOON - 1000)
    with serving(source):
        assert run_at(source, tmp_path, NOON, since=NOON - 3 * DAY).complete
        for index in (-1, 20):
            for head in tmp_path.glob("state/*/head.json"):
                head.unlink()
            del source.logs[ROOT][index]
            assert run_at(source, tmp_path, NOON + DAY).complete
            assert run_at(source, tmp_path, NOON + 2 * DAY).complete
