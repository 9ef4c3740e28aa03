"""An archive that two runs filled, its source, and ways to tamper with it."""

from __future__ import annotations

import gzip
import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.collect.hourly import GROUP, NOON, hourly
from tests.collect.in_process import DAY, Shifted, run_at
from tests.plain_source import CLIENT_ID, CLIENT_SECRET, ROOT, PlainSource, entry

from mulesoft_audit.archive import layout
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.clock import Stop
from mulesoft_audit.evidence.offline import Offline
from mulesoft_audit.evidence.verification import Scope, verify
from mulesoft_audit.settings import load
from mulesoft_audit.wiring import find_organizations, open_source

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from mulesoft_audit.anypoint.pacer import Pacer
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.collect.period import Whose
    from mulesoft_audit.evidence.finding import Finding
    from mulesoft_audit.evidence.offline import Result
    from mulesoft_audit.evidence.verification import Verification

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


@contextmanager
def opened(
    source: PlainSource, at: int, organizations: tuple[str, ...] = ()
) -> Iterator[tuple[AuditQuery, Pacer, Whose]]:
    """Give the source as if it were `at` (Unix ms)."""
    flags = {"client_id": CLIENT_ID, "anypoint_base_url": source.url, "requests_per_minute": 100_000}
    settings = load({**flags, "client_secret": CLIENT_SECRET}, {})
    anypoint = open_source(settings, settings.secret, Stop(Shifted(at)))
    try:
        yield anypoint.query, anypoint.pacer, find_organizations(anypoint, settings, organizations)
    finally:
        anypoint.close()


def compared(source: PlainSource, root: Path, at: int = NOON + DAY // 12, **scope: Any) -> Verification:
    """Verify an archive against its source as if it were `at` (Unix ms)."""
    asked = Scope(**scope)
    with opened(source, at, asked.organizations) as against:
        return verify(LocalStore(root), asked, source=against, now=at)


def differing(source: PlainSource, root: Path, **scope: Any) -> list[tuple[str, str]]:
    """Return the kind and path of each problem that a comparison with the source finds."""
    return [(one.kind.value, one.path) for one in compared(source, root, **scope).problems]


def forget(root: Path, organization: str, day: date) -> None:
    """Remove a day with everything in the archive that knows of it."""
    name = layout.manifest_name(organization, day)
    shutil.rmtree(root / layout.parts_of(organization, day))
    shutil.rmtree(root / name.replace(".manifest.json", ".keys"))
    (root / name).unlink()
    document = json.loads((root / head(organization)).read_bytes())
    del document["days"][day.isoformat()]
    (root / head(organization)).write_bytes(json.dumps(document).encode())
