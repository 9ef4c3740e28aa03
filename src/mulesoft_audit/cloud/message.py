"""What a Pub/Sub message asks of the function, and where its trace leads.

An empty message, or `{}`, is the incremental run. Otherwise a JSON object with any of:

    organizations  ids; none for the root and every business group below it
    since, until   ISO 8601, a date, or how long ago (7d)
    continued      how many runs at their deadline led to this message; the function's own
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.anypoint.tree import organization_id
from mulesoft_audit.collect.period import Period
from mulesoft_audit.errors import UsageError
from mulesoft_audit.times import moment

# "W3C Trace Context", version 00, and "Cloud Trace: X-Cloud-Trace-Context".
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_CLOUD_TRACE = re.compile(r"([0-9a-f]{32})(?:/\d+)?(?:;.*)?")
_SOURCE = re.compile(r"//pubsub\.googleapis\.com/projects/([^/]+)/topics/[^/]+")


class Malformed(UsageError):
    """A message that no delivery will make right: it is reported and dropped."""


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to collect; see the module."""

    organizations: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    continued: Annotated[int, msgspec.Meta(ge=0)] = 0

    def encoded(self) -> bytes:
        """Return the message as it is published."""
        return msgspec.json.encode(self)

    def next(self, period: Period, left: Sequence[str] = ()) -> Message:
        """Return the message that continues this one, read as `period`: later, "7d" would mean another day.

        Args:
            period: what this message asked for.
            left: ids of the organizations that are not through; none if that is not known.
        """
        since = iso(period.since) if self.since and period.since is not None else ""
        until = iso(period.until) if self.until and period.until is not None else ""
        return Message(tuple(left) or self.organizations, since, until, self.continued + 1)


def payload(data: object) -> bytes:
    """Return what was published, from the data of the event that carries it.

    Raises:
        Malformed: the event carries no Pub/Sub message.
    """
    message = data.get("message") if isinstance(data, Mapping) else None
    if not isinstance(message, Mapping):
        raise Malformed(f"The event carries no Pub/Sub message, but {_shown(data)}.")
    encoded = message.get("data") or ""
    try:
        return base64.b64decode(encoded, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise Malformed(f"The message's data is {_shown(encoded)}; expected base64.") from error


def decode(published: bytes) -> Message:
    """Return the message that was published.

    Raises:
        Malformed: not JSON, an unknown field, or not an organization's id.
    """
    if not published.strip():
        return Message()
    try:
        message = msgspec.json.decode(published, type=Message)
        for name in message.organizations:
            organization_id(name)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, UsageError) as error:
        raise Malformed(
            f"The message is {_shown(published)}: {error}",
            'Expected {} or {"organizations": [ID, …], "since": TIME, "until": TIME}, each optional.',
        ) from error
    return message


def period_of(message: Message, look_back: int, now: int) -> Period:
    """Return the period a message asks for. An end in the future is now: clocks differ a little.

    Args:
        message: the message.
        look_back: milliseconds within which entries may still arrive.
        now: Unix ms.

    Raises:
        Malformed: a time is unreadable, or the wrong way round.
    """
    ahead = message.until and moment_or_malformed(message.until, now) > now
    try:
        return Period.parse(message.since, "" if ahead else message.until, now, look_back, names=("since", "until"))
    except UsageError as error:
        raise Malformed(error.message, error.hint) from error


def moment_or_malformed(text: str, now: int) -> int:
    """Return a message's time in Unix ms.

    Raises:
        Malformed: it is unreadable.
    """
    try:
        return moment(text, now, "until")
    except UsageError as error:
        raise Malformed(error.message, error.hint) from error


def trace_fields(
    attributes: Mapping[str, object], data: object, headers: Mapping[str, str], project: str
) -> dict[str, object]:
    """Return the fields by which Cloud Logging ties a line to its trace and to the message.

    Args:
        attributes: the CloudEvent's.
        data: the CloudEvent's.
        headers: of the HTTP request that brought it.
        project: whose trace; taken from the event's source if it is empty.
    """
    message = data.get("message") if isinstance(data, Mapping) else None
    message = message if isinstance(message, Mapping) else {}
    inner = message.get("attributes")
    inner = inner if isinstance(inner, Mapping) else {}
    candidates = (
        attributes.get("traceparent"),
        inner.get("googclient_traceparent"),
        inner.get("traceparent"),
        headers.get("traceparent"),
        headers.get("X-Cloud-Trace-Context"),
    )
    found = _SOURCE.fullmatch(str(attributes.get("source", "")))
    project = project or (found.group(1) if found else "")
    fields: dict[str, object] = {}
    trace, span = next(filter(None, map(_trace, candidates)), ("", ""))
    if trace and project:
        fields["logging.googleapis.com/trace"] = f"projects/{project}/traces/{trace}"
        if span:
            fields["logging.googleapis.com/spanId"] = span
    identity = str(message.get("messageId") or attributes.get("id") or "")
    fields["logging.googleapis.com/labels"] = {"message_id": identity} if identity else {}
    return fields


def _trace(value: object) -> tuple[str, str] | None:
    """Return the ids of trace and span in a header's value."""
    if found := _TRACEPARENT.fullmatch(str(value).strip()):
        return found.group(1), found.group(2)
    if found := _CLOUD_TRACE.fullmatch(str(value).strip()):
        return found.group(1), ""
    return None


def _shown(value: object) -> str:
    """Return the start of something for a log."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:199]}…"
