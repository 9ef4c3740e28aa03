"""Forwarders run over an archive as docs/forward.md says, and collecting goes on: each entry is sent once, whole."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.archives import collect, lines
from tests.forward.documented import written
from tests.forward.forwarders import program_or_skip, run_until, sent

from anypoint_simulator import Anypoint, Behaviour, World, quiet, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY_MS = 86_400_000


@dataclass
class Place:
    """An archive that grows, and the folders of a forwarder beside it."""

    anypoint: Anypoint
    folder: Path

    def __post_init__(self) -> None:
        for name in ("spool", "state", "out"):
            self.at(name).mkdir()

    def at(self, name: str) -> Path:
        return self.folder / name

    def add(self, entries: list[dict[str, object]]) -> None:
        """Let these happen a moment ago, in the root organization."""
        now = int(time.time() * 1000) - 5000
        self.anypoint.add_entries(self.anypoint.root, [{"timestamp": now} | one for one in entries])

    def collect(self) -> None:
        credentials = {"CLIENT_ID": self.anypoint.client_id, "CLIENT_SECRET": self.anypoint.client_secret}
        done = collect(self.anypoint.url, self.at("archive"), "--since", "3d", **credentials)
        assert done.returncode == 0, done.stderr

    def unpack(self, status: int = 0) -> None:
        script = written("unpack.sh", self.folder)
        done = subprocess.run(["sh", script, self.at("archive"), self.at("spool")], check=False, capture_output=True)
        assert (done.returncode, bool(done.stderr)) == (status, bool(status))

    def outputs(self) -> list[Path]:
        """Return the files that a forwarder has written."""
        return sorted(self.at("out").iterdir())

    def count(self, pattern: str) -> int:
        """Return how many lines the forwarder has written."""
        return sum(file.read_bytes().count(b"\n") for file in self.at("out").glob(pattern))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with running(World(quiet(groups=2, days=3, entries_per_day=300)), Behaviour(token_entries=False)) as anypoint:
        place = Place(anypoint, tmp_path)
        place.add([{"action": "long", "payload": {"text": "ö" * 1_500_000}}, {"action": "twin"}, {"action": "twin"}])
        place.collect()
        yield place


def more(place: Place) -> None:
    """Collect again: a new part of today, and one of a single late entry, as small as an entry can be."""
    place.add([{"action": "another", "payload": {"number": 10**30}}])
    place.add([{"action": "late", "timestamp": int(time.time() * 1000) - 2 * DAY_MS}])
    place.collect()


def test_each_part_is_unpacked_once_whatever_becomes_of_the_copies(place: Place) -> None:
    place.unpack()
    copies = {file.name: file.read_bytes() for file in place.at("spool").glob("*.json")}
    held = lines(place.at("archive"))
    assert sum(text.count(b"\n") for text in copies.values()) == held.total()
    for name in list(copies)[:2]:
        (place.at("spool") / name).unlink()
    more(place)
    place.unpack()
    place.unpack()
    new = [file for file in place.at("spool").glob("*.json") if file.name not in copies]
    assert sum(file.read_bytes().count(b"\n") for file in new) == lines(place.at("archive")).total() - held.total() == 2
    assert [file.name for file in place.at("spool").glob(".*")] == [".done"]


def test_a_damaged_part_is_named_keeps_no_other_away_and_is_unpacked_once_it_is_repaired(place: Place) -> None:
    first, *rest = sorted(place.at("archive").glob("audit/*/*/*/*/*.json.gz"))
    whole = first.read_bytes()
    first.write_bytes(whole[:-10])
    place.unpack(status=1)
    assert len(list(place.at("spool").glob("*.json"))) == len(rest)
    first.write_bytes(whole)
    place.unpack()
    assert len(list(place.at("spool").glob("*.json"))) == len(rest) + 1


def filebeat(place: Place, output: str) -> list[str]:
    """Return the command that runs Filebeat as the page says, with files of this name as its output."""
    program = program_or_skip("filebeat", "install Filebeat 8.1 or later (elastic.co)")
    config = written("filebeat.yml", place.folder, SPOOL=place.at("spool"))
    paths = [f"--path.home={place.at('state')}", "-E", f"output.file.path={place.at('out')}"]
    files = ["-E", f"output.file.filename={output}", "-E", "output.file.rotate_every_kb=1048576"]
    return [program, "-e", "-c", str(config), "--strict.perms=false", *paths, *files]


def test_filebeat_sends_each_entry_of_unpacked_copies_once(place: Place) -> None:
    command = filebeat(place, "entries")
    for step in (lambda: None, lambda: more(place), lambda: None):
        step()
        place.unpack()
        held = lines(place.at("archive"))
        run_until(command, lambda: place.count("entries*"), held.total(), place.at("log"))
        assert sent(place.outputs(), "message") == held


def test_what_filebeat_sends_again_after_it_was_killed_has_the_same_document_ids(tmp_path: Path) -> None:
    world = World(quiet(groups=2, days=3, entries_per_day=4000))
    with running(world, Behaviour(token_entries=False)) as anypoint:
        place = Place(anypoint, tmp_path)
        command = filebeat(place, "first")
        place.collect()
        place.unpack()
        held = lines(place.at("archive"))
        run_until(command, lambda: place.count("first*"), held.total() // 3, place.at("log"), kill=True)
        assert place.count("first*") < held.total()
        run_until(filebeat(place, "second"), lambda: len(documents(place)), held.total(), place.at("log"))
        assert Counter(documents(place).values()) == held


def documents(place: Place) -> dict[str, bytes]:
    """Return what Elasticsearch would hold: the last that was sent under each id."""
    found = {}
    for file in place.outputs():
        for line in file.read_bytes().splitlines():
            if line.endswith(b"}"):  # a process that was killed may have written half a line
                document = json.loads(line)
                found[document["@metadata"]["_id"]] = document["message"].encode()
    return found
