"""What an entry says, under one name each: who did what to which object, where, and whether it failed.

An entry is decoded only as far as that takes. One of another shape than the documented one is read all the same:
a value that should be text and is not is shown as its JSON.
"""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - msgspec reads the types
from typing import TYPE_CHECKING, Any

import msgspec

from mulesoft_audit.printable import json_line
from mulesoft_audit.reading.entry import decode

if TYPE_CHECKING:
    from mulesoft_audit.reading.entry import Entry


class Named(msgspec.Struct, gc=False, rename="camel"):
    """One of the objects of an entry, as far as a line shows it."""

    object_type: str | None = None
    object_name: str | None = None
    environment_id: str | None = None
    environment_name: str | None = None


class Thing(Named, gc=False, rename="camel"):
    """One of the objects of an entry."""

    object_id: str | None = None
    parent_id: str | None = None

    @property
    def name(self) -> str:
        """What it is called, else its id."""
        return self.object_name or self.object_id or ""


class _Properties(msgspec.Struct, gc=False):
    clientIP: str | None = None  # noqa: N815 - Anypoint's spelling


class _Subaction(msgspec.Struct, gc=False):
    subaction: str | None = None


class _Payload(_Subaction, gc=False):
    properties: _Properties | None = None


class Glance(msgspec.Struct, gc=False, rename="camel"):
    """What a line shows of an entry; what it does not say is None.

    Attributes:
        platform: the product that wrote it.
        action: what was done.
        user_name: of the person.
        client_name: of the connected app.
        objects: what it was done to.
        failed: as the entry says it; see `has_failed`.
        environment_id: of the entry; usually its objects have it.
        environment_name: of the entry; usually its objects have it.
        payload: where the subaction is.
        top_subaction: the subaction where an entry has it at its top.
    """

    platform: str | None = None
    action: str | None = None
    user_name: str | None = None
    client_name: str | None = None
    objects: Sequence[Named] | None = None
    failed: bool | None = None
    environment_id: str | None = None
    environment_name: str | None = None
    payload: _Subaction | None = None
    top_subaction: str | None = msgspec.field(default=None, name="subaction")

    @property
    def subaction(self) -> str | None:
        """What was done in particular."""
        return (self.payload.subaction if self.payload else None) or self.top_subaction

    @property
    def what_was_done(self) -> str:
        """Action and subaction: `Login - Failure`."""
        return joined(self.action, self.subaction)

    @property
    def environment(self) -> str | None:
        """Name of the environment, else its id: the first that an object names, else the entry's own."""
        for one in self.objects or ():
            if found := one.environment_name or one.environment_id:
                return found
        return self.environment_name or self.environment_id

    @property
    def has_failed(self) -> bool:
        """Whether it says so, by itself or by a subaction such as `Failure`."""
        return self.failed is True or (self.subaction is not None and is_failure(self.subaction))


class View(Glance, gc=False, rename="camel"):
    """All that is asked of entries; what one does not say is None.

    Attributes:
        user_id: of the person.
        client_id: of the connected app.
        objects: what it was done to.
        transaction: id that entries of one request share.
        payload: where the subaction and the client's address are.
    """

    user_id: str | None = None
    client_id: str | None = None
    objects: list[Thing] | None = None
    transaction: str | None = msgspec.field(default=None, name="anypointTransactionId")
    payload: _Payload | None = None

    @property
    def who(self) -> str:
        """Who did it: the person's name, else the app's, else an id; empty if nobody is named."""
        return self.user_name or self.client_name or self.user_id or self.client_id or ""

    @property
    def first(self) -> Thing:
        """The first object; an empty one if there is none."""
        return self.objects[0] if self.objects else _NOTHING

    @property
    def ip(self) -> str | None:
        """Address of the client, where the payload has it."""
        return self.payload.properties.clientIP if self.payload and self.payload.properties else None


def joined(action: str | None, subaction: str | None) -> str:
    """Return action and subaction as Anypoint's page joins them: `Login - Failure`."""
    return f"{action or ''} - {subaction}" if subaction else action or ""


def is_failure(subaction: str) -> bool:
    """Return whether a subaction says that something failed: `Failure`."""
    return subaction[-7:].casefold() == "failure"


_NOTHING = Thing()
_decode = msgspec.json.Decoder(View).decode
_glance = msgspec.json.Decoder(Glance).decode


def view(entry: Entry) -> View:
    """Return what an entry says; it is decoded once."""
    if entry.view is None:
        entry.view = _view(entry.line)
    return entry.view


def _view(line: bytes) -> View:
    try:
        return _decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _from_fields(decode(line))


def glance(line: bytes) -> Glance:
    """Return what a line shows of an entry: quicker than `view`, and whoever and whatever has no name has its id."""
    try:
        said = _glance(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _with_names(_view(line))
    if not (said.user_name or said.client_name):
        return _with_names(_view(line))
    for one in said.objects or ():
        if not one.object_name:
            return _with_names(_view(line))
    return said


def _with_names(said: View) -> View:
    said.user_name = said.who
    for one in said.objects or ():
        one.object_name = one.name
    return said


def _from_fields(fields: dict[str, Any]) -> View:
    payload = fields.get("payload")
    payload = payload if isinstance(payload, dict) else {}
    properties = payload.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    objects = fields.get("objects")
    things = [one for one in (objects if isinstance(objects, list) else [objects]) if isinstance(one, dict)]
    failed = fields.get("failed")
    return View(
        objects=[Thing(**_texts(Thing, one)) for one in things],
        failed=failed if isinstance(failed, bool) else str(failed).casefold() == "true" if failed else None,
        payload=_Payload(
            subaction=_text(payload.get("subaction")), properties=_Properties(_text(properties.get("clientIP")))
        ),
        **{name: text for name, text in _texts(View, fields).items() if name not in ("objects", "failed", "payload")},
    )


def _texts(kind: type[msgspec.Struct], fields: dict[str, Any]) -> dict[str, Any]:
    names = zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
    return {name: _text(fields.get(spelt)) for name, spelt in names}


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json_line(value)
