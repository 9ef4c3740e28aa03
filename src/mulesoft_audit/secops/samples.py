"""The parser, and logs with the UDM event that it makes of each in the tests' emulator.

The file is written by `python -m tests.secops.samples`; a test fails when it is out of date.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import msgspec


class Sample(msgspec.Struct, frozen=True):
    """A log and what the parser is expected to make of it.

    Attributes:
        name: what kind of entry it is, for people.
        log: the entry's line.
        event: the UDM event as JSON, by the names that the API has.
    """

    name: str
    log: str
    event: dict[str, Any]


def parser() -> bytes:
    """Return the text of the parser."""
    return resources.files("mulesoft_audit.secops").joinpath("parser", "mulesoft.conf").read_bytes()


def samples() -> list[Sample]:
    """Return the logs with their events."""
    data = resources.files("mulesoft_audit.secops").joinpath("parser", "samples.ndjson").read_bytes()
    return msgspec.json.Decoder(Sample).decode_lines(data)
