"""Totals that lag, are capped, constant or no numbers: nothing is lost, nothing unproved is called complete."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.hostile.behaviours import after, once, stale, total
from tests.hostile.running import (
    QUICK,
    assert_done,
    assert_exact,
    assert_nothing_missing,
    collect,
    lines,
    settle,
)
from tests.hostile_source import DAY, HOUR, MINUTE, ROOT, HostileSource, Query, Response, body, honest, now

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("number", [1, 2, 3, 4, 6, 9])
def test_one_total_of_zero_loses_nothing(large: HostileSource, tmp_path: Path, number: int) -> None:
    large.respond = once(number, total(lambda true, query: 0))
    run = settle(large, tmp_path, "--since", "3d", **QUICK)
    assert run.complete
    assert_exact(large, tmp_path)


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_one_response_of_an_empty_replica_loses_nothing(large: HostileSource, tmp_path: Path, number: int) -> None:
    large.respond = once(number, stale(0))
    if number == 1:  # nothing contradicts the very first response: the next run must
        collect(large, tmp_path, "--since", "3d", **QUICK)
    run = settle(large, tmp_path, "--since", "3d", **QUICK)
    assert run.complete
    assert_exact(large, tmp_path)


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_one_response_of_a_replica_an_hour_behind_loses_nothing(
    large: HostileSource, tmp_path: Path, number: int
) -> None:
    assert_done(collect(large, tmp_path, "--since", "3d"))
    large.spread(ROOT, 30, now() - 4 * MINUTE, now(), seed="new")
    large.forget()
    large.respond = once(number, stale(now() - HOUR))
    assert settle(large, tmp_path).complete
    assert_exact(large, tmp_path)


def test_replicas_that_take_turns_lose_nothing(large: HostileSource, tmp_path: Path) -> None:
    behind = stale(now() - 2 * HOUR)
    large.respond = lambda source, query: (behind if query.number % 2 else honest)(source, query)
    for _ in range(2):
        assert collect(large, tmp_path, "--since", "3d", **QUICK).code in {0, 5}
    large.respond = honest
    assert_done(collect(large, tmp_path))
    assert_exact(large, tmp_path)


def test_a_lagging_total_beside_a_right_page_is_asked_again(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    source.spread(ROOT, 20, now() - 4 * MINUTE, now(), seed="new")
    source.forget()
    source.respond = once(1, total(lambda true, query: true - 20))
    assert_done(collect(source, tmp_path), 20)
    assert source.asked(ROOT) <= 4, "a total that lags its page must not cost a search"
    assert_exact(source, tmp_path)


WRONG = {
    "always 0": lambda true, query: 0,
    "a constant 1,000,000": lambda true, query: 1_000_000,
    "a constant 7": lambda true, query: 7,
    "absent": lambda true, query: None,
    "null": lambda true, query: "null",
    "the page's own length": lambda true, query: min(query.limit, max(0, true - query.offset)),
    "capped at 1,000": lambda true, query: min(true, 1_000),
    "one more than there is": lambda true, query: true + 1,
    "one less than there is": lambda true, query: max(0, true - 1),
    "doubled": lambda true, query: 2 * true,
    "rounded down to 300s": lambda true, query: true // 300 * 300,
    "another each time": lambda true, query: true + 1 + query.number % 3,
}


@pytest.mark.parametrize("name", WRONG)
def test_totals_that_prove_nothing_keep_no_entry_away_and_prove_nothing(
    large: HostileSource, tmp_path: Path, name: str
) -> None:
    large.respond = total(WRONG[name])
    for _ in range(2):
        run = collect(large, tmp_path, "--since", "3d", **QUICK)
        assert run.code in {0, 5}, run.err
        assert not run.complete, "nothing proves it"
        assert run.errors or run.of(ROOT).get("not_proved") or run.of(ROOT)["left_to_the_next_run"]
    assert_exact(large, tmp_path)


@pytest.mark.parametrize("name", ["absent", "always 0", "a constant 1,000,000", "capped at 1,000"])
def test_new_entries_arrive_whatever_the_totals_say(large: HostileSource, tmp_path: Path, name: str) -> None:
    large.respond = total(WRONG[name])
    collect(large, tmp_path, "--since", "3d", **QUICK)
    large.spread(ROOT, 30, now() - 4 * MINUTE, now(), seed="new")
    collect(large, tmp_path, **QUICK)
    assert_exact(large, tmp_path)


def test_what_capped_totals_prove_is_said_with_its_time(large: HostileSource, tmp_path: Path) -> None:
    large.respond = total(WRONG["capped at 1,000"])
    run = collect(large, tmp_path, "--since", "3d", **QUICK)
    proof = " ".join(run.of(ROOT)["not_proved"])
    assert "20" in proof, "from when on it is proved must be said"


def test_totals_that_are_capped_later_are_noticed(large: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(large, tmp_path, "--since", "3d"))
    large.respond = total(WRONG["capped at 1,000"])
    run = collect(large, tmp_path, **QUICK)
    assert not run.complete
    assert run.new == 0
    assert_exact(large, tmp_path)


ODD = ["1e999", "-1e999", "NaN", "-1", "300.0", "3e2", '"300"', "true", "[]", "{}", "9" * 400, "1" * 5000, "300.5"]


@pytest.mark.parametrize("spelled", ODD)
def test_a_total_that_is_no_count_is_no_traceback_and_keeps_nothing_away(
    source: HostileSource, tmp_path: Path, spelled: str
) -> None:
    source.respond = total(lambda true, query: spelled)
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code in {0, 5}, run.err
    source.respond = honest
    assert_done(collect(source, tmp_path))
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("spelled", ["1e999", "NaN", '"300"', "-1", "true"])
def test_entries_beside_a_total_that_is_no_count_are_delivered_at_once(
    source: HostileSource, tmp_path: Path, spelled: str
) -> None:
    source.respond = total(lambda true, query: spelled)
    assert not collect(source, tmp_path, "--since", "5d", **QUICK).complete
    assert_nothing_missing(source, tmp_path)


def test_a_manifest_never_gives_the_archives_own_count_for_the_sources(source: HostileSource, tmp_path: Path) -> None:
    source.respond = total(WRONG["absent"])
    collect(source, tmp_path, "--since", "5d", **QUICK)
    manifests = [json.loads(path.read_bytes()) for path in tmp_path.glob("state/*/*/*/*.manifest.json")]
    assert manifests
    assert [one.get("source_total") for one in manifests] == [None] * len(manifests)


def test_totals_that_count_the_groups_too_lose_nothing(source: HostileSource, tmp_path: Path) -> None:
    def both(true: int, query: Query) -> int:
        return true + 60 if query.organization == ROOT else true

    source.respond = total(both)
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert not run.complete
    assert_exact(source, tmp_path)


def test_a_total_that_is_wrong_for_one_day_names_that_day(source: HostileSource, tmp_path: Path) -> None:
    assert_done(collect(source, tmp_path, "--since", "5d"))
    noon = now() // DAY * DAY - DAY - 12 * HOUR

    def one_too_many(true: int, query: Query) -> int:
        return true + (query.organization == ROOT and query.start <= noon <= query.end)

    source.respond = after(1, total(one_too_many))
    run = collect(source, tmp_path, **QUICK)
    assert not run.complete
    assert f"{datetime.fromtimestamp(noon / 1000, UTC):%Y-%m-%d}" in run.said
    assert run.new == 0


def test_a_cap_that_is_gone_is_noticed_by_the_next_run(large: HostileSource, tmp_path: Path) -> None:
    large.respond = total(lambda true, query: min(true, 4_000))
    capped = collect(large, tmp_path, "--since", "3d", **QUICK)
    assert capped.code == 0
    assert not capped.complete
    assert "4000" in capped.said
    assert_exact(large, tmp_path)
    large.respond = honest
    assert_done(collect(large, tmp_path), 0)


@pytest.mark.parametrize("nonsense", [lambda true, query: 7, lambda true, query: None, lambda true, query: 0])
def test_totals_that_count_again_are_believed_again(
    large: HostileSource, tmp_path: Path, nonsense: Callable[[int, Query], object]
) -> None:
    large.respond = total(nonsense)
    collect(large, tmp_path, "--since", "3d", **QUICK)
    [late] = large.add(ROOT, now() - 60 * HOUR, seed="late")
    assert not collect(large, tmp_path, **QUICK).complete
    assert not lines(tmp_path, ROOT)[late], "it is older than what is read again"
    large.respond = honest
    assert_done(settle(large, tmp_path))
    assert_exact(large, tmp_path)


def test_an_entry_that_every_response_repeats_is_forgotten_with_it(large: HostileSource, tmp_path: Path) -> None:
    more = body(now() - 30 * HOUR, random.Random(1))

    def haunted(source: HostileSource, query: Query) -> Response:
        given = honest(source, query)
        return given._replace(entries=[*given.entries, more], total=int(str(given.total)) + 1)

    large.respond = haunted
    assert not collect(large, tmp_path, "--since", "3d", **QUICK).complete
    large.respond = honest
    runs = [collect(large, tmp_path) for _ in range(3)]
    assert runs[-1].complete
    assert_nothing_missing(large, tmp_path)
