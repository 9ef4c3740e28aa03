"""Runs, kills, rivals, late entries, deletions, renames, retention, a feed, tampering and repair, in any order.

What must hold: after a complete run everything that the source has was delivered, each entry once; verify tells the
truth: it finds what was tampered with, and nothing where nothing was. `make soak` tries for longer.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import tempfile
import threading
from collections import Counter
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.evidence.archive import DAY, GROUP, NOON, ROOT, compared, opened, verified
from tests.evidence.runs import Failing, run_on
from tests.plain_source import PlainSource, serving

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.evidence.finding import Kind
from mulesoft_audit.evidence.repair import Repair
from mulesoft_audit.evidence.verification import Scope, verify

if TYPE_CHECKING:
    from mulesoft_audit.collect.summary import Summary
    from mulesoft_audit.evidence.finding import Finding

SOAK = int(os.environ.get("SOAK", "1"))  #: how many times as long to try
HOUR = 3_600_000
BEGIN = NOON - 5 * DAY


class Archiving(RuleBasedStateMachine):
    """A source with two logs, its archive, and whoever meddles with them."""

    @initialize(seed=st.integers(0, 1 << 30), entries=st.integers(0, 40))
    def begin(self, seed: int, entries: int) -> None:
        self.random = random.Random(seed)
        self.folder = Path(tempfile.mkdtemp())
        self.root = self.folder / "archive"
        self.serving = serving(PlainSource())
        self.source = self.serving.__enter__()
        self.at = NOON
        self.number = count()
        self.ever: Counter[bytes] = Counter()  # all that the source ever had, as it was first given
        self.now: dict[str, list[bytes]] = {ROOT: [], GROUP: []}  # what it has, as it was first given
        self.fed: Counter[bytes] = Counter()  # what a feed has read and removed
        self.deleted = (
            False  # whether an entry vanished: a part that a killed run left cannot be told from a forged one
        )
        self.dropped = False  # whether the source kept older entries no more
        self.lost = False  # whether the source dropped what may not have been collected
        self.equal = False  # whether the archive was proved to equal the source, and nothing happened since
        self.source.logs = {ROOT: [], GROUP: []}
        for _ in range(entries):
            self.arrive(self.random.choice([ROOT, GROUP]), self.random.randrange(4 * DAY))

    def teardown(self) -> None:
        if hasattr(self, "serving"):
            self.serving.__exit__(None, None, None)
            shutil.rmtree(self.folder)

    # The source.

    @rule(organization=st.sampled_from([ROOT, GROUP]), age=st.integers(0, 4 * DAY), twins=st.integers(1, 2))
    def arrives(self, organization: str, age: int, twins: int) -> None:
        self.arrive(organization, age, twins)
        self.equal = False

    def arrive(self, organization: str, age: int, twins: int = 1) -> None:
        stamp = self.at - age
        value = {"timestamp": stamp, "action": f"a{next(self.number)}", "objects": [{"objectName": "n"}]}
        line = json.dumps(value).encode()
        for _ in range(twins):
            self.source.add(organization, stamp, line)
            self.now[organization].append(line)
            self.ever[line] += 1

    @rule(organization=st.sampled_from([ROOT, GROUP]), index=st.integers(0, 1000))
    def deletes(self, organization: str, index: int) -> None:
        log = self.source.logs[organization]
        if log:
            _, _, body = log.pop(index % len(log))
            self.now[organization].remove(body.replace(b'"m"', b'"n"'))
            self.deleted, self.equal = True, False

    @rule(organization=st.sampled_from([ROOT, GROUP]), index=st.integers(0, 1000))
    def renames(self, organization: str, index: int) -> None:
        log = self.source.logs[organization]
        if log:
            stamp, visible, body = log[index % len(log)]
            log[index % len(log)] = (stamp, visible, body.replace(b'"n"', b'"m"'))
            self.lost = True  # what is collected under its new name is another line than the first one

    @rule(hours=st.integers(24, 100))
    def drops_the_oldest(self, hours: int) -> None:
        for organization, log in self.source.logs.items():
            kept = [item for item in log if item[0] >= self.at - hours * HOUR]
            self.source.logs[organization] = kept
            self.now[organization] = [body.replace(b'"m"', b'"n"') for _, _, body in kept]
        self.deleted = self.dropped = True
        self.equal = False

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        self.at += hours * HOUR

    # The collector.

    @rule()
    def collects(self) -> None:
        self.judge(run_on(self.source, LocalStore(self.root), self.moment(), BEGIN))

    @rule(writes=st.integers(0, 12), after=st.booleans())
    def is_killed(self, writes: int, after: bool) -> None:
        self.judge(run_on(self.source, Failing(self.root, writes, after=after), self.moment(), BEGIN))

    @rule(queries=st.integers(1, 6))
    def loses_its_source(self, queries: int) -> None:
        asked = count(1)
        self.source.answer = lambda handler, path: (
            path.endswith("/query") and next(asked) >= queries and refuse(handler)
        )
        self.judge(run_on(self.source, LocalStore(self.root), self.moment(), BEGIN))
        self.source.answer = None

    @rule()
    def has_a_rival(self) -> None:
        moment = self.moment()
        rival = threading.Thread(target=run_on, args=(self.source, LocalStore(self.root), moment, BEGIN))
        rival.start()
        summary = run_on(self.source, LocalStore(self.root), moment, BEGIN)
        rival.join()
        self.judge(summary)

    def moment(self) -> int:
        self.at += 1000
        return self.at

    def judge(self, summary: Summary | None) -> None:
        self.equal = summary is not None and summary.complete
        if self.equal and not self.lost:
            held = self.held()
            wanted = Counter(line for log in self.now.values() for line in log)
            assert not wanted - held, "something is missing"
            assert not held - self.ever, "something is there too often"

    def held(self) -> Counter[bytes]:
        found = Counter(self.fed)
        for path in (self.root / "audit").rglob("*.gz"):
            found.update(gzip.decompress(path.read_bytes()).splitlines())
        return found

    # The feed, and whoever tampers.

    @precondition(lambda self: self.equal)
    @rule(index=st.integers(0, 1000))
    def feeds(self, index: int) -> None:
        parts = sorted((self.root / "audit").rglob("*.gz"))
        if parts:
            path = parts[index % len(parts)]
            self.fed.update(gzip.decompress(path.read_bytes()).splitlines())
            path.unlink()

    @precondition(lambda self: self.equal and not self.dropped)
    @rule(
        index=st.integers(0, 1000),
        how=st.sampled_from(["flip", "cut", "remove", "copy"]),
        at=st.integers(0, 10_000),
        killed=st.integers(0, 30),
    )
    def is_tampered_with(self, index: int, how: str, at: int, killed: int) -> None:
        """Tamper with an object; it is found, and repaired, however often the repair is killed."""
        folders = [self.root / "audit", self.root / "state"]
        objects = sorted(path for folder in folders for path in folder.rglob("*") if self.may_be_tampered_with(path))
        if not objects:
            return
        path = objects[index % len(objects)]
        fed = not self.part_of(path).exists()
        self.tamper(path, how, at)
        if how == "remove" and path.suffix == ".gz":
            assert verified(self.root).problems == []
            assert [one for one in verified(self.root).notes if one.kind is Kind.TRANSFERRED]
            assert verified(self.root, require_parts=True).problems
        else:
            assert compared(self.source, self.root, self.at).problems, (path, how)
        self.lost |= fed  # its entries may be delivered twice, as is said
        self.repair(killed, require_parts=how == "remove")
        self.equal = not self.lost

    def may_be_tampered_with(self, path: Path) -> bool:
        name = path.relative_to(self.root).as_posix()
        return (
            path.is_file()
            and path.stat().st_size > 0
            and name.endswith((".gz", ".bin", ".manifest.json"))
            and "quarantine" not in name
        )

    def part_of(self, path: Path) -> Path:
        """Return the part whose keys these are; the path itself, if it is something else."""
        if path.suffix != ".bin":
            return path
        day = path.parent.as_posix().replace("/state/", "/audit/").removesuffix(".keys")
        return Path(day) / f"mulesoft-audit-{path.stem}.json.gz"

    def tamper(self, path: Path, how: str, at: int) -> None:
        data = path.read_bytes()
        if how == "flip":
            at %= len(data)
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        elif how == "cut":
            path.write_bytes(data[: at % len(data)])
        elif how == "remove":
            path.unlink()
        else:
            other = path.with_name(
                path.name.replace("00000", "00100") if path.suffix != ".json" else f"{path.name}.old"
            )
            other.write_bytes(data)
            if path.suffix == ".bin":  # a claim alone is what a killed run leaves: with a part it is forged
                Path(self.part_of(other)).write_bytes(b"forged")

    def repair(self, killed: int, *, require_parts: bool) -> None:
        scope = Scope(require_parts=require_parts and not self.fed)
        for writes in (killed, 1000):
            store = Failing(self.root, writes)
            with opened(self.source, self.at) as (query, pacer, whose):
                found = verify(store, scope, source=(query, pacer, whose), now=self.at)
                try:
                    Repair(
                        store, found, require_parts=scope.require_parts, query=query, root=whose.root, now=self.at
                    ).run()
                except ArchiveError:
                    continue
                finally:
                    store.close()
        left = self.told(compared(self.source, self.root, self.at).problems)
        assert left == [], left

    # What holds at any time.

    def told(self, findings: list[Finding]) -> list[Finding]:
        """Return the findings that must not be there: what was copied beside the manifests is left to people."""
        wrong = [one for one in findings if one.kind is not Kind.MISPLACED]
        return [one for one in wrong if not (self.deleted and "deleted there since" in one.found)]

    @invariant()
    def nothing_is_taken_for_tampering(self) -> None:
        if hasattr(self, "root") and (self.root / "state/organizations.json").exists():
            found = self.told(verified(self.root).problems)
            assert found == [], found

    @invariant()
    def an_archive_that_equals_the_source_is_verified(self) -> None:
        if getattr(self, "equal", False):
            found = self.told(compared(self.source, self.root, self.at, deep=True).problems)
            assert found == [], found


def refuse(handler: object) -> bool:
    """Respond as a source that refuses a query."""
    handler.reply(403, {"message": "no"})  # type: ignore[attr-defined]  # the source's
    return True


TestArchiving = Archiving.TestCase
TestArchiving.settings = settings(
    max_examples=6 * SOAK,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
