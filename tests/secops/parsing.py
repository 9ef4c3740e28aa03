"""Our parser, as the emulator runs it."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from tests.secops.cbn.run import Parser
from tests.secops.udm import document_of, udm_of

TEXT = resources.files("mulesoft_audit.secops").joinpath("parser", "mulesoft.conf").read_text("utf-8")


@cache
def parser() -> Parser:
    """Return the parser."""
    return Parser(TEXT)


def udm(line: bytes) -> dict[str, Any]:
    """Return the UDM event of an entry, once it is known to be a valid one."""
    [event] = parser().run(line.decode("utf-8", "replace"))
    return document_of(udm_of(event))
