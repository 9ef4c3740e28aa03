"""What rules look at in an entry. Any JSON is taken: what is not there, or of another kind, is empty.

Comparisons ignore case, because the products spell their own names in several ways ("Access Management: Audit Logging":
`API version`, `API Version`). The names of the payload's properties are documented nowhere, so only its values count.
"""

from __future__ import annotations

import ipaddress
import json
import re
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

_NULL, _ABSENT = Raw(b"null"), Raw(b"")
_FAILURE = re.compile(r"failure\s*\Z", re.IGNORECASE)
_ADDRESS_KEY = re.compile(r"(client|source|remote)_?ip(_?address)?\Z", re.IGNORECASE)
REPEATED = 2000  #: bytes of a payload that may well come again: those of an app's tokens are all alike
STAFF = "anypoint staff"
_DEEPEST = 16  #: levels of a payload that are looked at


class _Object(msgspec.Struct, gc=False):
    objectType: str | None = None  # noqa: N815 - Anypoint's spelling
    objectId: str | None = None  # noqa: N815
    objectName: str | None = None  # noqa: N815
    environmentName: str | None = None  # noqa: N815
    environmentId: str | None = None  # noqa: N815


class _Payload(msgspec.Struct, gc=False):
    subaction: str | None = None
    properties: Raw = _ABSENT


class Entry(msgspec.Struct, gc=False):
    """An entry as far as rules look at it; the payload's properties are not decoded yet."""

    platform: str | None = None
    action: str | None = None
    userId: str | None = None  # noqa: N815
    userName: str | None = None  # noqa: N815
    clientId: str | None = None  # noqa: N815
    clientName: str | None = None  # noqa: N815
    anypointTransactionId: str | None = None  # noqa: N815
    failed: bool | None = None
    objects: list[_Object] | None = None
    payload: _Payload | None = None
    subaction: str | None = None


class _Flat(msgspec.Struct, gc=False):
    """An entry whose payload has its properties not below a name of their own."""

    payload: Raw = _NULL


_decode_entry = msgspec.json.Decoder(Entry).decode
_decode_flat = msgspec.json.Decoder(_Flat).decode


def read_entry(line: bytes) -> Entry | None:
    """Return an entry; None if it is no JSON object. Quick."""
    try:
        return _decode_entry(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _read_odd_entry(line)


def _read_odd_entry(line: bytes) -> Entry | None:
    """Read what the fast reader refuses though it is JSON, or what has fields of other kinds than expected."""
    document = _odd_json(line)
    if not isinstance(document, dict):
        return None
    objects, payload = document.get("objects"), document.get("payload")
    known = [_texts(one, _Object) for one in objects if isinstance(one, dict)] if isinstance(objects, list) else []
    read = _read_odd_payload(payload) if isinstance(payload, dict) else None
    entry: Entry = _texts(document, Entry, failed=document.get("failed") is True, objects=known, payload=read)
    return entry


def _read_odd_payload(payload: dict[str, Any]) -> _Payload:
    subaction, properties = payload.get("subaction"), payload.get("properties", payload)
    return _Payload(subaction if isinstance(subaction, str) else None, Raw(json.dumps(properties).encode()))


def _texts(document: dict[str, Any], kind: type[Any], **others: object) -> Any:  # noqa: ANN401 - the kind asked for
    texts = {name: document[name] for name in kind.__struct_fields__ if isinstance(document.get(name), str)}
    return kind(**{**texts, **others})


SpelledKind = tuple[str | None, str | None, str | None, str | None, bool, bool]


class Kind(NamedTuple):
    """What kind of entry it is, in small letters: few among millions, so that rules are compared with each kind once.

    Attributes:
        type: of the object that the entry is about: the first that is no user, else the first.
        failed: whether the entry says so, or its subaction does ("Failure").
        staff: whether the actor is "Anypoint Staff", or nobody is named.
    """

    platform: str
    action: str
    subaction: str
    type: str
    failed: bool
    staff: bool


def spelled_kind(entry: Entry) -> SpelledKind:
    """Return the fields of the `Kind` of an entry as they are spelled."""
    name, objects, payload = entry.userName, entry.objects, entry.payload
    staff = name.lower() == STAFF if name else not (entry.userId or entry.clientName or entry.clientId)
    kind = objects[0].objectType if objects else None
    if objects and len(objects) > 1 and kind and kind.lower() == "user":
        kind = next((one.objectType for one in objects if (one.objectType or "").lower() != "user"), kind)
    subaction = (payload.subaction if payload else None) or entry.subaction
    return entry.platform, entry.action, subaction, kind, entry.failed is True, staff


def kind_of(spelled: SpelledKind) -> Kind:
    """Return the kind of entry that is spelled like this."""
    platform, action, subaction, type_, failed, staff = spelled
    failed = failed or _FAILURE.search(subaction or "") is not None
    low = [(text or "").lower() for text in (platform, action, subaction, type_)]
    return Kind(low[0], low[1], low[2], low[3], failed, staff)


class Event:
    """The fields that rules compare, in small letters; see `FIELDS` in rule.py.

    Attributes:
        transaction: as Anypoint has it, or empty.
        platform, action, subaction, type, failed, staff: as of `Kind`.
        actor: id of the user, else of the connected app, else a name; empty for neither.
        user: id of the object that is a user, else its name; of a log-in without one, the actor.
        object: id of the object that the entry is about, else its name.
        shown_actor, shown_user, shown_object: a name, or an id where there is no name, as they were spelled.
    """

    __slots__ = (
        *("_raw", "_properties", "transaction", "platform", "action", "subaction", "type", "failed", "staff"),
        *("actor", "_actor_name", "shown_actor", "user", "_user_name", "shown_user"),
        *("object", "_object", "shown_object"),
    )

    def __init__(self, entry: Entry, kind: Kind, line: bytes) -> None:
        payload = entry.payload
        flat = payload is not None and payload.properties is _ABSENT
        self._raw = _decode_flat(line).payload if flat else payload.properties if payload else _NULL
        self._properties = b""
        self.platform, self.action, self.subaction, self.type, self.failed, self.staff = kind
        self.transaction = entry.anypointTransactionId or ""
        name = entry.userName or ("" if entry.userId else entry.clientName) or ""
        actor = entry.userId or entry.userName or entry.clientId or entry.clientName or ""
        self.actor, self._actor_name, self.shown_actor = actor.lower(), name, name or actor
        main, user = _objects(entry)
        id_ = main.objectId or main.objectName or ""
        self.object, self._object, self.shown_object = id_.lower(), main, main.objectName or id_
        if user is None and self.action in ("login", "logout"):
            self.user, self._user_name, self.shown_user = self.actor, name, self.shown_actor
            return
        name, id_ = (user.objectName or "", user.objectId or user.objectName or "") if user else ("", "")
        self.user, self._user_name, self.shown_user = id_.lower(), name, name or id_

    @property
    def actor_name(self) -> str:
        """The name of the user, else of the connected app."""
        return self._actor_name.lower()

    @property
    def user_name(self) -> str:
        """The name of the object that is a user; of a log-in without one, the actor's."""
        return self._user_name.lower()

    @property
    def object_name(self) -> str:
        """The name of the object that the entry is about."""
        return (self._object.objectName or "").lower()

    @property
    def environment(self) -> str:
        """The name of the object's environment, else its id."""
        return (self._object.environmentName or self._object.environmentId or "").lower()

    @property
    def ip(self) -> str:
        """The address that the payload names for the client; else empty."""
        return read_properties(self.properties)[0]

    @property
    def payload(self) -> frozenset[str]:
        """Every value under the payload."""
        return read_properties(self.properties)[1]

    @property
    def properties(self) -> bytes:
        """The payload's properties as they stand there, or the whole payload if it names none."""
        self._properties = self._properties or bytes(self._raw)  # one object: its hash is computed once
        return self._properties


SHOWN = {"actor": "shown_actor", "user": "shown_user", "object": "shown_object"}  #: how a field is shown to people


_NOTHING = _Object()


def _objects(entry: Entry) -> tuple[_Object, _Object | None]:
    """Return the object that an entry is about, and the user among its objects."""
    if entry.objects and len(entry.objects) == 1:
        one = entry.objects[0]
        return one, one if (one.objectType or "").lower() == "user" else None
    main = user = None
    for one in entry.objects or ():
        if (one.objectType or "").lower() == "user":
            user = user or one
        else:
            main = main or one
    return main or user or _NOTHING, user


def _odd_json(text: bytes) -> object:
    """Return what a JSON text holds that the fast reader refuses; None if it is none, or beyond what Python reads."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


@lru_cache(maxsize=1024)
def _values_of(raw: bytes) -> tuple[str, frozenset[str]]:
    try:
        properties = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        properties = _odd_json(raw)
    values: set[str] = set()
    addresses: list[str] = []
    waiting: list[tuple[str, object, int]] = [("", properties, _DEEPEST)]
    for key, value, deepest in waiting:  # grows as it goes
        if isinstance(value, str):
            values.add(value.lower())
            if _ADDRESS_KEY.search(key) and _is_address(value):
                addresses.append(value.lower())
        elif isinstance(value, dict) and deepest:
            waiting.extend((name, one, deepest - 1) for name, one in value.items())
        elif isinstance(value, list) and deepest:
            waiting.extend((key, one, deepest - 1) for one in value)
        elif isinstance(value, bool):
            values.add("true" if value else "false")
        elif isinstance(value, int | float):
            values.add(str(value))
    return addresses[0] if addresses else "", frozenset(values)


def read_properties(raw: bytes) -> tuple[str, frozenset[str]]:
    """Return the client's address, if the properties name it, and every value under them, in small letters."""
    if len(raw) > REPEATED:
        return _values_of.__wrapped__(raw)
    return _values_of(raw)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
