"""What rules look at in an entry. Any JSON is taken: what is not there, or of another kind, is empty.

Comparisons ignore case, because the products spell their own names in several ways ("Access Management: Audit Logging":
`API version`, `API Version`). The names of the payload's properties are documented nowhere, so only its values count.
"""

from __future__ import annotations

import ipaddress
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import Raw

if TYPE_CHECKING:
    from collections.abc import Iterator

_NULL = Raw(b"null")
_FAILURE = re.compile(r"failure\s*\Z", re.IGNORECASE)
_ADDRESS_KEY = re.compile(r"(client|source|remote)_?ip(_?address)?\Z", re.IGNORECASE)
_DEEPEST = 16  #: levels of a payload that are looked at


class _Object(msgspec.Struct, gc=False):
    objectType: str | None = None  # noqa: N815 - Anypoint's spelling
    objectId: str | None = None  # noqa: N815
    objectName: str | None = None  # noqa: N815
    environmentName: str | None = None  # noqa: N815
    environmentId: str | None = None  # noqa: N815


class Entry(msgspec.Struct, gc=False):
    """An entry as far as rules look at it; `payload` is not decoded yet."""

    platform: str | None = None
    action: str | None = None
    userId: str | None = None  # noqa: N815
    userName: str | None = None  # noqa: N815
    clientId: str | None = None  # noqa: N815
    clientName: str | None = None  # noqa: N815
    anypointTransactionId: str | None = None  # noqa: N815
    failed: bool | None = None
    objects: list[_Object] | None = None
    payload: Raw = _NULL
    subaction: Any = None


class _Payload(msgspec.Struct, gc=False):
    subaction: Any = None


_decode_entry = msgspec.json.Decoder(Entry).decode
_decode_payload = msgspec.json.Decoder(_Payload).decode


def read_entry(line: bytes) -> Entry | None:
    """Return an entry; None if it is no JSON object."""
    try:
        return _decode_entry(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _read_odd_entry(line)


def _read_odd_entry(line: bytes) -> Entry | None:
    """Read what the fast reader refuses though it is JSON, or what has fields of other kinds than expected."""
    try:
        document = json.loads(line, strict=False)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    objects = document.get("objects")
    known = [_texts(one, _Object) for one in objects if isinstance(one, dict)] if isinstance(objects, list) else []
    entry: Entry = _texts(document, Entry, failed=document.get("failed") is True, objects=known)
    entry.payload = Raw(json.dumps(document.get("payload")).encode())
    entry.subaction = document.get("subaction")
    return entry


def _texts(document: dict[str, Any], kind: type[Any], **others: object) -> Any:  # noqa: ANN401 - the kind asked for
    texts = {name: document[name] for name in kind.__struct_fields__ if isinstance(document.get(name), str)}
    return kind(**{**texts, **others})


class Event(NamedTuple):
    """The fields that rules compare, in small letters where they are not shown; see `FIELDS` in rule.py.

    Attributes:
        actor: id of the user, else of the connected app, else a name; empty for neither.
        user: id of the object that is a user, else its name; of a log-in without one, the actor.
        type: of the first object that is no user, else of the first; and so `object` (its id, else its name),
            `object_name` and `environment`.
        ip: the address that the payload names for the client.
        payload: every value under the payload.
        shown_actor, shown_user, shown_object: a name, or an id where there is no name, as they were spelled.
    """

    platform: str
    action: str
    subaction: str
    failed: bool
    actor: str
    actor_name: str
    user: str
    user_name: str
    type: str
    object: str
    object_name: str
    environment: str
    ip: str
    payload: frozenset[str]
    shown_actor: str
    shown_user: str
    shown_object: str


SHOWN = {"actor": "shown_actor", "user": "shown_user", "object": "shown_object"}  #: how a field is shown to people


def event_of(entry: Entry, *, with_payload: bool) -> Event:
    """Return what rules look at in an entry; its payload's values (and `ip`) only if that is asked for."""
    subaction = _subaction(entry)
    action = (entry.action or "").lower()
    actor_id = entry.userId or entry.userName or entry.clientId or entry.clientName or ""
    actor_name = entry.userName or ("" if entry.userId else entry.clientName) or ""
    main, user = _objects(entry)
    user_id, user_name = (user.objectId or user.objectName or "", user.objectName or "") if user else ("", "")
    if user is None and action in ("login", "logout"):
        user_id, user_name = actor_id, actor_name
    ip, values = _payload(entry.payload) if with_payload else ("", frozenset())
    return Event(
        (entry.platform or "").lower(),
        action,
        subaction.lower(),
        entry.failed is True or _FAILURE.search(subaction) is not None,
        actor_id.lower(),
        actor_name.lower(),
        user_id.lower(),
        user_name.lower(),
        (main.objectType or "").lower(),
        (main.objectId or main.objectName or "").lower(),
        (main.objectName or "").lower(),
        (main.environmentName or main.environmentId or "").lower(),
        ip,
        values,
        actor_name or actor_id,
        user_name or user_id,
        main.objectName or main.objectId or "",
    )


_NOTHING = _Object()


def _objects(entry: Entry) -> tuple[_Object, _Object | None]:
    """Return the object that an entry is about, and the user among its objects."""
    main = user = None
    for one in entry.objects or ():
        if (one.objectType or "").lower() == "user":
            user = user or one
        else:
            main = main or one
    return main or user or _NOTHING, user


def _subaction(entry: Entry) -> str:
    try:
        subaction = _decode_payload(entry.payload).subaction
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        subaction = None
    subaction = subaction or entry.subaction
    return subaction if isinstance(subaction, str) else ""


def _payload(raw: Raw) -> tuple[str, frozenset[str]]:
    """Return the client's address, if the payload names it, and every value under the payload, in small letters."""
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        document = json.loads(bytes(raw), strict=False)
    if not isinstance(document, dict):
        return "", frozenset()
    below = document.get("properties", document)
    found = list(_values("", below, _DEEPEST))
    addresses = (value for key, value in found if _ADDRESS_KEY.search(key) and _is_address(value))
    return next(addresses, ""), frozenset(value for _, value in found)


def _values(key: str, value: object, deepest: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and deepest:
        for name, one in value.items():
            yield from _values(name, one, deepest - 1)
    elif isinstance(value, list) and deepest:
        for one in value:
            yield from _values(key, one, deepest - 1)
    elif isinstance(value, bool):
        yield key, "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield key, str(value).lower()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
