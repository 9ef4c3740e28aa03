"""Where the collector's processor time goes: each stage by itself, on pages in memory, by the functions it calls.

The stages take turns; of many turns the cheapest counts. Only the request needs a source: the task's.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from isal import isal_zlib

from benchmarks.task import given
from mulesoft_audit import settings as all_settings
from mulesoft_audit.anypoint.entry import Recognized, read_page, recognize
from mulesoft_audit.anypoint.transport import MAX_BODY, Response
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.archive.part import PartWriter
from mulesoft_audit.clock import Stop
from mulesoft_audit.ledger.batch import Batch
from mulesoft_audit.ledger.commit import commit
from mulesoft_audit.ledger.day import Day
from mulesoft_audit.wiring import Source, open_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.task import Task

PAGES = 50
ENTRIES = PAGES * 200
TURNS = 15
DAY_MS = 86_400_000


@dataclass(slots=True)
class Stages:
    """The stages over the first pages of a task.

    Attributes:
        answers: the pages as received, inflated.
        packed: the same, as the source sent them.
        found: their entries, recognized.
        blocks: their lines.
    """

    task: Task
    source: Source
    answers: list[bytes] = field(default_factory=list)
    packed: list[bytes] = field(default_factory=list)
    found: list[Recognized] = field(default_factory=list)
    blocks: list[bytes] = field(default_factory=list)

    def prepare(self) -> None:
        """Fetch the pages."""
        for number in range(PAGES):
            body = self._ask(200 * number)
            page = read_page(body)
            self.answers.append(body)
            self.packed.append(isal_zlib.compress(body, 1, 31))
            self.found.append(recognize(page.entries))
            self.blocks.append(b"\n".join([*self.found[-1].lines, b""]))

    def _ask(self, offset: int) -> bytes:
        query = {"startDate": self.task.start, "endDate": self.task.end, "ascending": True, "limit": 200}
        return self.source.transport.request(
            "POST",
            f"/audit/v2/organizations/{self.task.organization}/query?getVersionedObjectsInLogs=true",
            json=msgspec.json.encode(query | {"offset": offset}),
            tokens=self.source.tokens,
            read=_body,
            what="a page",
        )

    def request(self) -> None:
        """Ask for the pages and inflate them."""
        for _ in range(PAGES):
            self._ask(0)

    def inflate(self) -> None:
        """Inflate the pages, as `Transport` does."""
        for packed in self.packed:
            isal_zlib.decompressobj(31).decompress(packed, MAX_BODY)

    def cut(self) -> None:
        """Cut the pages into entries."""
        for answer in self.answers:
            read_page(answer)

    def recognize(self) -> None:
        """Find what each entry is recognized by."""
        for found in self.found:
            recognize(found.lines)

    def compress(self) -> None:
        """Compress the lines."""
        writer = PartWriter()
        for block in self.blocks:
            writer.add(block, 200)
        writer.finish()

    def fill(self) -> Batch:
        """Join the lines, compress them, and keep their keys."""
        batch = Batch(date(2026, 1, 1))
        for lines, times, keys in self.found:
            batch.add(lines, [(time or 0) % DAY_MS for time in times], keys)
        batch.seal()
        return batch

    def commit(self, batch: Batch) -> float:
        """Write the part, its keys and the manifest; return seconds."""
        with tempfile.TemporaryDirectory() as folder:
            day = Day(LocalStore(Path(folder)), self.task.organization, batch.day).load()
            return seconds(lambda: commit(day, batch))


def _body(response: Response) -> bytes:
    return response.body


def seconds(call: Callable[[], object]) -> float:
    """Return the processor seconds of a call."""
    began = time.thread_time()
    call()
    return time.thread_time() - began


def measure(stages: Stages) -> dict[str, float]:
    """Return microseconds of processor time an entry, by stage."""
    turns = [
        {
            "request": seconds(stages.request),
            "inflate": seconds(stages.inflate),
            "cut": seconds(stages.cut),
            "recognize": seconds(stages.recognize),
            "compress": seconds(stages.compress),
            "fill": seconds(stages.fill),
            "commit": stages.commit(stages.fill()),
        }
        for _ in range(TURNS)
    ]
    least = {name: min(turn[name] for turn in turns) / ENTRIES * 1e6 for name in turns[0]}
    return {
        "request and read": least["request"] - least["inflate"],
        "inflate": least["inflate"],
        "cut into entries": least["cut"],
        "recognize": least["recognize"],
        "keys and lines": least["fill"] - least["compress"],
        "compress": least["compress"],
        "digest and write": least["commit"],
    }


def main() -> None:
    """Measure the task this process was given, and print the result."""
    task = given()
    settings = all_settings.load({"requests_per_minute": 100_000})
    stages = Stages(task, open_source(settings, settings.secret, Stop()))
    stages.prepare()
    print(json.dumps(measure(stages)))
    stages.source.close()


if __name__ == "__main__":
    main()
