"""Entries as spreadsheets read them. Whatever text is in an entry, it stays text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isal.isal_zlib import crc32

from mulesoft_audit.printable import printable
from mulesoft_audit.times import iso

if TYPE_CHECKING:
    from mulesoft_audit.ledger.names import Names
    from mulesoft_audit.reading.entry import Entry
    from mulesoft_audit.reading.view import View

COLUMNS = (
    "time",
    "organization",
    "organization_name",
    "platform",
    "action",
    "subaction",
    "user_name",
    "user_id",
    "client_name",
    "client_id",
    "object_type",
    "object_name",
    "object_id",
    "environment",
    "failed",
    "ip",
    "transaction",
    "entry",
)


def reference(line: bytes) -> str:
    """Return what `show --entry` takes: the CRC-32 of an entry's bytes, 8 hex digits. Two entries may share one."""
    return f"{crc32(line):08x}"


def columns(entry: Entry, said: View, names: Names) -> tuple[str | bool | None, ...]:
    """Return an entry's values in the order of `COLUMNS`; its time is ISO 8601 in UTC."""
    first = said.first
    return (
        iso(entry.time),
        entry.organization,
        names.of(entry.organization),
        said.platform,
        said.action,
        said.subaction,
        said.user_name,
        said.user_id,
        said.client_name,
        said.client_id,
        first.object_type,
        first.object_name,
        first.object_id,
        said.environment,
        said.has_failed,
        said.ip,
        said.transaction,
        reference(entry.line),
    )


def spreadsheet_cell(value: str | bool | None) -> str:
    """Return a value as a cell that a spreadsheet shows and does not run: a formula gets an apostrophe before it.

    A program that calculates what begins with =, +, -, @ is what OWASP calls CSV injection.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = printable(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
