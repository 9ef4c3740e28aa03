"""An archive that two runs filled, its source, and ways to tamper with it."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from tests.collect.hourly import GROUP, NOON, hourly
from tests.collect.in_process import DAY, run_at
from tests.plain_source import ROOT, PlainSource, entry

from mulesoft_audit.archive import layout
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.evidence.offline import Offline

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from mulesoft_audit.evidence.finding import Finding
    from mulesoft_audit.evidence.offline import Result

__all__ = ["DAY", "GROUP", "NOON", "ROOT", "entry"]

START = NOON - 3 * DAY
SECOND_DAY = layout.day_of(NOON - 2 * DAY)
LAST_DAY = layout.day_of(NOON)


def filled(source: PlainSource, root: Path) -> Path:
    """Fill an archive by two runs, so that the last day has two parts."""
    source.names[GROUP] = "Group"
    for organization in (ROOT, GROUP):
        source.logs.setdefault(organization, [])
        hourly(source, organization, START, NOON)
    assert run_at(source, root, NOON, since=START).complete
    more(source)
    assert run_at(source, root, NOON + DAY // 24).complete
    return root


def more(source: PlainSource) -> None:
    """Let some entries come that were not there before, three an organization."""
    import random

    for organization in (ROOT, GROUP):
        rng: random.Random = random.Random(organization)
        for minute in (1, 2, 3):
            stamp = NOON + minute * 60_000
            source.add(organization, stamp, entry(stamp, rng))


def verified(root: Path, **asked: Any) -> Result:
    return Offline(LocalStore(root), **asked).run()


def problems(root: Path, **asked: Any) -> list[tuple[str, str]]:
    """Return the kind and path of each problem."""
    return [(one.kind.value, one.path) for one in verified(root, **asked).problems]


def notes(root: Path, **asked: Any) -> list[tuple[str, str]]:
    """Return the kind and path of each note."""
    return [(one.kind.value, one.path) for one in verified(root, **asked).notes]


def part(number: int = 1, organization: str = ROOT) -> str:
    return layout.part_name(organization, LAST_DAY, number)


def keys(number: int = 1, organization: str = ROOT) -> str:
    return layout.keys_name(organization, LAST_DAY, number)


def manifest(organization: str = ROOT) -> str:
    return layout.manifest_name(organization, LAST_DAY)


def head(organization: str = ROOT) -> str:
    return layout.head_name(organization)


def rewrite_lines(path: Path, change: Any) -> None:
    """Make a part anew of what `change` makes of its lines."""
    lines = gzip.decompress(path.read_bytes()).splitlines()
    path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in change(lines)), mtime=0))


def edit(path: Path, **fields: Any) -> None:
    """Change fields of a JSON document."""
    document = json.loads(path.read_bytes())
    path.write_bytes(json.dumps(document | fields).encode())


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1, found
    return found[0]
