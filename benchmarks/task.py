"""What every comparator is told, in one JSON argument: which log to bring where."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Task:
    """One organization's log over a stretch of time.

    Attributes:
        url: of the source.
        client_id: of the connected app.
        client_secret: its secret.
        organization: whose log.
        start: the first moment, ISO 8601.
        end: the last moment, ISO 8601, included.
        out: an empty directory.
    """

    url: str
    client_id: str
    client_secret: str
    organization: str
    start: str
    end: str
    out: str

    @property
    def folder(self) -> Path:
        """The directory to write to."""
        return Path(self.out)

    def as_argument(self) -> str:
        """Return the task for a command line."""
        return json.dumps(asdict(self))


def given() -> Task:
    """Return the task this process was given."""
    return Task(**json.loads(sys.argv[1]))
