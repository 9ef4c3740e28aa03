"""Runs, kills and rivals at random, against a source that misbehaves at random and whose logs change meanwhile.

Everything follows from a seed. More seeds: `python -m tests.hostile.random_runs.test_random_runs 1 300`.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.hostile.behaviours import bounds, cut, rolls_up, stale, ties_change_places, total
from tests.hostile.running import QUICK, Run, checked, lines, start
from tests.hostile_source import (
    DAY,
    GROUP,
    HOUR,
    OTHER,
    ROOT,
    SECOND,
    HostileSource,
    Query,
    Response,
    found,
    honest,
    now,
    serving,
)

if TYPE_CHECKING:
    from tests.hostile.behaviours import Respond

SPAN = 6 * DAY
LIES = {"stale", "empty"}  #: what hides entries as if they were not there


def short_page(source: HostileSource, query: Query) -> Response:
    """Give half of a page, and the right total."""
    given = honest(source, query)
    return given._replace(entries=given.entries[: max(1, len(given.entries) // 2)])


def behaviours(rng: random.Random) -> dict[str, Respond]:
    """Return ways to misbehave, by name."""
    limit, cap = rng.choice([1, 7, 50, 100]), rng.choice([100, 500, 1000])
    return {
        "stale": stale(now() - rng.randrange(SPAN)),
        "empty": lambda _source, _query: Response([], 0),
        "zero": total(lambda _count, _query: 0),
        "none": total(lambda _count, _query: None),
        "cap": total(lambda count, _query: min(count, cap)),
        "more": total(lambda count, _query: count + 1),
        "clamp": bounds(lambda query: query._replace(limit=min(limit + 6, query.limit))),
        "seconds": bounds(lambda query: query._replace(start=cut(query.start))),
        "end": bounds(lambda query: query._replace(end=1 << 42)),
        "ties": ties_change_places,
        "short": short_page,
        "broken": lambda _source, _query: Response([], status=500, raw=b"<html>"),
        "refused": lambda _source, _query: Response([], status=403, raw=b"{}"),
        "repeats": rolls_up(),
    }


@dataclass
class World:
    """A source, what it ever held, and what it held when it was last asked for the newest page."""

    seed: int
    archive: Path
    source: HostileSource = field(default_factory=HostileSource)
    ever: dict[str, Counter[bytes]] = field(default_factory=dict)
    last: dict[str, tuple[list[bytes], bool]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = rng = random.Random(self.seed)
        organizations = [ROOT, GROUP, OTHER][: rng.choice([1, 1, 2, 3])]
        for one in organizations:
            self.source.spread(one, rng.choice([15, 60, 250, 900, 2500]), now() - SPAN + DAY, now() - HOUR, seed=rng)
            if rng.random() < 0.3:
                self.source.add(one, *[now() - rng.randrange(SPAN - DAY)] * (190 if self.seed % 2 else 230), seed=rng)
            self.ever[one] = self.source.truth(one)
        self.source.retention = rng.choice([365, 5, "?"])
        known = behaviours(rng)
        if not self.seed % 2:
            del known["ties"]  # more than a page of one millisecond that changes places cannot be read, as is said
        chosen = rng.sample(sorted(known), rng.choice([1, 2, 2]))
        self.ways = {name: (known[name], rng.choice([0.05, 0.3, 1.0])) for name in chosen}
        if "repeats" in self.ways:
            self.ways["repeats"] = (known["repeats"], 1.0)
        self.change = rng.choice([0, 0.1, 0.5])
        self.deletes = rng.random() < 0.3  #: then none arrive late: as many late ones balance, as the guarantees say
        self.honest = False
        self.source.respond = self.respond
        self.told.append(f"{len(organizations)} logs, {[len(one) for one in self.source.logs.values()]} entries")
        self.told.append(f"{ {name: share for name, (_, share) in self.ways.items()} }, changes {self.change}")

    def respond(self, source: HostileSource, query: Query) -> Response:
        rng, lies = self.rng, False
        if not self.honest and rng.random() < self.change:
            self.alter(query.organization)
        way: Respond = honest
        for name, (behaviour, share) in self.ways.items():
            if (name == "repeats") or (not self.honest and rng.random() < share):
                way, lies = behaviour, name in LIES
        if not query.ascending:
            self.last[query.organization] = ([entry.body for entry in found(source, query)], lies)
        return way(source, query)

    def alter(self, organization: str) -> None:
        log = self.source.logs[organization]
        if self.deletes and self.rng.random() < 0.5 and log:
            log.pop(self.rng.randrange(len(log)))
            return
        ages = [0, SECOND] if self.deletes else [0, SECOND, HOUR, DAY, SPAN - DAY]
        stamp = now() - self.rng.choice(ages) - self.rng.randrange(SECOND)
        self.ever[organization].update(self.source.add(organization, stamp, seed=self.rng.random()))

    def held(self) -> Counter[bytes]:
        return sum((lines(self.archive, one) for one in self.source.logs), Counter())

    def run(self, *arguments: str, rivals: int = 0, kill: float = 0.0) -> Run | None:
        """Run once, maybe beside others, maybe to be killed; return how it ended."""
        self.told.append(f"collect {' '.join(arguments)} rivals={rivals} kill={kill:.2f}")
        self.last.clear()
        running = [start(self.source, self.archive, *arguments, **QUICK) for _ in range(1 + rivals)]
        if kill:
            time.sleep(kill)
            running[0].kill()
        ended = []
        for one in running:
            try:
                out, err = one.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                one.kill()
                raise AssertionError("a run hangs") from None
            if one.returncode != -9:
                ended.append(checked(one.returncode, out, err))
                self.told.append(f"  {one.returncode} {ended[-1].complete} {ended[-1].said[:150]}")
        self.check_nothing_twice()
        if len(ended) == 1 and not kill:
            self.check_complete(ended[0], "--until" in arguments)
        return ended[0] if ended else None

    def check_nothing_twice(self) -> None:
        if "repeats" not in self.ways:
            more = self.held() - sum(self.ever.values(), Counter())
            assert not more, f"{more.total()} entries are there twice"

    def check_complete(self, run: Run, until: bool) -> None:
        if not run.complete or until:
            return
        for one, (shown, lies) in self.last.items():
            missing = Counter(shown) - (self.held() if "repeats" in self.ways else lines(self.archive, one))
            if self.source.retention == 5:  # what is about to be dropped is not compared
                bodies = {entry.body: entry.stamp for entry in self.source.logs[one]}
                missing = Counter(b for b in missing.elements() if bodies.get(b, 0) > now() - 3 * DAY)
            assert lies or not missing, f"complete, and {missing.total()} of {one} are missing"

    def play(self) -> None:
        rng = self.rng
        since = f"{SPAN // DAY + 1}d"
        for number in range(rng.choice([2, 3, 4])):
            arguments = ["--since", since] if number == 0 or rng.random() < 0.3 else []
            if rng.random() < 0.1:
                arguments = ["--since", since, "--until", f"{rng.randrange(1, 60)}h"]
            kill = rng.uniform(0.25, 0.9) if rng.random() < 0.4 else 0.0
            self.run(*arguments, rivals=rng.random() < 0.2, kill=kill)
            for _ in range(rng.choice([0, 1, 3, 30])):
                self.alter(rng.choice(sorted(self.source.logs)))
        self.honest = True
        last = [self.run("--since", since), self.run(), self.run()][-1]
        assert last is not None
        assert last.complete, f"it never becomes complete: {last.summary}"


@pytest.mark.parametrize("seed", [3, 14, 263])
def test_whatever_happens_at_random_nothing_is_missing_or_there_twice(seed: int, tmp_path: Path) -> None:
    play(seed, tmp_path)


def play(seed: int, archive: Path) -> None:
    world = World(seed, archive)
    with serving(world.source):
        try:
            world.play()
        except AssertionError as error:
            raise AssertionError("\n".join([f"seed {seed}", *world.told, str(error)])) from error


def main(first: int, last: int) -> None:
    for seed in range(first, last):
        with tempfile.TemporaryDirectory() as folder:
            try:
                play(seed, Path(folder))
                print(seed, "holds", flush=True)
            except Exception as error:
                print("BREACH", repr(error) if not isinstance(error, AssertionError) else error, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
