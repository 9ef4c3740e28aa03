"""Where things lie in an archive.

audit/<org>/<YYYY>/<MM>/<DD>/mulesoft-audit-000001.json.gz    what the feed reads, and nothing else
state/<org>/<YYYY>/<MM>/<DD>.manifest.json                    what is held of that day
state/<org>/<YYYY>/<MM>/<DD>.keys/000001.bin                  the keys of each part
state/<org>/head.json                                         where to continue: a hint
state/organizations.json                                      whose archive this is
state/last-run.json                                           what the last run found: for people and alerts
state/oversize/<org>/<YYYY>/<MM>/<DD>/…                       entries too long for a line of the feed
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

AUDIT, STATE = "audit/", "state/"
ORGANIZATIONS = "state/organizations.json"
LAST_RUN = "state/last-run.json"
#: Folders under `state/` that are no organization's.
NOT_ORGANIZATIONS = frozenset({"tmp", "oversize", "quarantine"})
DAY_MS = 86_400_000
_PART = re.compile(r"mulesoft-audit-([0-9]{6,})\.json\.gz")


def day_of(milliseconds: int) -> date:
    """Return the UTC day of a Unix time in milliseconds."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).date()


def day_start(day: date) -> int:
    """Return 00:00 UTC of `day` in Unix milliseconds."""
    return (day - date(1970, 1, 1)).days * DAY_MS


def days_between(start: int, end: int) -> Iterator[date]:
    """Yield the UTC days that `start` up to but not including `end` (Unix ms) touches."""
    day = day_of(start)
    while day_start(day) < end:
        yield day
        day += timedelta(days=1)


def _path(day: date) -> str:
    return f"{day.year:04d}/{day.month:02d}/{day.day:02d}"


def parts_of(organization: str, day: date) -> str:
    """Return the prefix under which a day's parts lie, and nothing else."""
    return f"{AUDIT}{organization}/{_path(day)}/"


def part_name(organization: str, day: date, number: int) -> str:
    """Return the name of a day's part number `number` (from 1)."""
    return f"{parts_of(organization, day)}mulesoft-audit-{number:06d}.json.gz"


def part_number(name: str) -> int | None:
    """Return the number in a part's name; None if it is not the name of a part."""
    match = _PART.fullmatch(name.rsplit("/", 1)[-1])
    return int(match.group(1)) if match else None


def manifest_name(organization: str, day: date) -> str:
    """Return the name of a day's manifest."""
    return f"{STATE}{organization}/{_path(day)}.manifest.json"


def manifests_of(organization: str) -> str:
    """Return the prefix under which an organization's manifests and keys lie."""
    return f"{STATE}{organization}/"


_MANIFEST = re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2})\.manifest\.json")


def day_of_manifest(organization: str, name: str) -> date | None:
    """Return the day whose manifest `name` is; None if it is something else."""
    match = _MANIFEST.fullmatch(name.removeprefix(manifests_of(organization)))
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:  # no calendar has such a day
        return None


def keys_name(organization: str, day: date, number: int) -> str:
    """Return the name of the keys of a day's part `number`."""
    return f"{STATE}{organization}/{_path(day)}.keys/{number:06d}.bin"


def head_name(organization: str) -> str:
    """Return the name of an organization's head."""
    return f"{STATE}{organization}/head.json"


_HEAD = re.compile(re.escape(STATE) + r"([^/]+)/head\.json")


def organization_of(name: str) -> str | None:
    """Return the id of the organization whose head `name` is; None if it is something else."""
    match = _HEAD.fullmatch(name)
    return match.group(1) if match and match.group(1) not in NOT_ORGANIZATIONS else None


def oversize_name(organization: str, day: date, digest: str, ordinal: int) -> str:
    """Return the name of an entry too long for a line, by the SHA-256 of its bytes and its number among its twins."""
    return f"{STATE}oversize/{organization}/{_path(day)}/{digest}-{ordinal}.json.gz"


@dataclass(frozen=True, slots=True)
class DayNames:
    """The names of the objects of an organization's day."""

    organization: str
    day: date

    @property
    def manifest(self) -> str:
        """Of the manifest."""
        return manifest_name(self.organization, self.day)

    def part(self, number: int) -> str:
        """Of a part."""
        return part_name(self.organization, self.day, number)

    def keys(self, number: int) -> str:
        """Of a part's keys."""
        return keys_name(self.organization, self.day, number)
