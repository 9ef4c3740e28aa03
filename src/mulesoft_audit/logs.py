"""Logs as Cloud Logging parses them: one JSON object a line, with severity, message, labels and trace.

Field names: Cloud Logging, "Structured logging".
"""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from mulesoft_audit.printable import json_line, printable
from mulesoft_audit.secret import without_secrets

#: Fields that every line of an invocation carries, such as `logging.googleapis.com/trace`.
context: ContextVar[dict[str, object] | None] = ContextVar("context", default=None)


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON, without any secret in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; `extra={"fields": {…}}` of the call becomes fields of the object."""
        entry: dict[str, object] = {
            "severity": "WARNING" if record.levelname == "WARN" else record.levelname,
            "message": record.getMessage(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            **(context.get() or {}),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["stack_trace"] = self.formatException(record.exc_info)
        return without_secrets(json_line(entry))


class PlainFormatter(logging.Formatter):
    """Formats a record for a person's terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the message, with what could steer a terminal made visible."""
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        text = without_secrets(level + record.getMessage())
        return printable(text, keep="\n")


def configure(stream: TextIO | None = None, level: int = logging.INFO, *, json: bool | None = None) -> None:
    """Send this package's log to `stream` (standard error): JSON unless it is a terminal, or as `json` says."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    as_json = not stream.isatty() if json is None else json
    handler.setFormatter(JsonFormatter() if as_json else PlainFormatter())
    logger = logging.getLogger("mulesoft_audit")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
