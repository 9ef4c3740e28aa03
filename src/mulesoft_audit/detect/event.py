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
_OTHERS = re.compile(r"\s*,.*\Z", re.DOTALL)  #: addresses after the first of several
REPEATED = 500  #: letters of what may well come again, such as the payload of an app's tokens, and is remembered
STAFF = "anypoint staff"
_LONGEST_ADDRESS = 64  #: characters
_DEEPEST = 16  #: levels of a payload that are looked at


class Object(msgspec.Struct, gc=False):
    """One of the objects of an entry."""

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
    objects: list[Object] | None = None
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
    known = [_texts(one, Object) for one in objects if isinstance(one, dict)] if isinstance(objects, list) else []
    read = _read_odd_payload(payload) if isinstance(payload, dict) else None
    entry: Entry = _texts(document, Entry, failed=document.get("failed") is True, objects=known, payload=read)
    return entry


def _read_odd_payload(payload: dict[str, Any]) -> _Payload:
    subaction, properties = payload.get("subaction"), payload.get("properties", payload)
    return _Payload(subaction if isinstance(subaction, str) else None, Raw(json.dumps(properties).encode()))


def _texts(document: dict[str, Any], kind: type[Any], **others: object) -> Any:  # noqa: ANN401 - the kind asked for
    texts = {name: document[name] for name in kind.__struct_fields__ if isinstance(document.get(name), str)}
    return kind(**{**texts, **others})


_NOTHING = Object()


def objects_of(entry: Entry) -> tuple[Object, Object | None]:
    """Return the object that an entry is about (the first that is no user, else the first), and the first user."""
    main = user = None
    for one in entry.objects or ():
        if (one.objectType or "").lower() == "user":
            user = user or one
        else:
            main = main or one
    return main or user or _NOTHING, user


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


def spelled_kind(entry: Entry, main: Object) -> SpelledKind:
    """Return the fields of the `Kind` of an entry as they are spelled; `main` is the object that it is about."""
    name, payload = entry.userName or (None if entry.userId else entry.clientName), entry.payload
    staff = name.lower() == STAFF if name else not (entry.userId or entry.clientId)
    subaction = (payload.subaction if payload else None) or entry.subaction
    return entry.platform, entry.action, subaction, main.objectType, entry.failed is True, staff


def kind_of(spelled: SpelledKind) -> Kind:
    """Return the kind of entry that is spelled like this."""
    platform, action, subaction, type_, failed, staff = spelled
    failed = failed or _FAILURE.search(subaction or "") is not None
    low = [(text or "").lower() for text in (platform, action, subaction, type_)]
    return Kind(low[0], low[1], low[2], low[3], failed, staff)


class Event(msgspec.Struct, gc=False, eq=False):
    """The fields that rules compare, in small letters; see `FIELDS` in rule.py. Each is made when it is asked for.

    Attributes:
        entry: as `read_entry` gives it.
        line: its bytes.
        main, user_object: as `objects_of` gives them.
        platform, action, subaction, type, failed, staff: of its `Kind`.
    """

    entry: Entry
    line: bytes
    main: Object
    user_object: Object | None
    platform: str
    action: str
    subaction: str
    type: str
    failed: bool
    staff: bool
    _properties: bytes = b""

    @property
    def transaction(self) -> str:
        """As Anypoint has it, or empty."""
        return self.entry.anypointTransactionId or ""

    @property
    def actor(self) -> str:
        """Id of the user, else of the connected app, else a name; empty for neither."""
        entry = self.entry
        return (entry.userId or entry.userName or entry.clientId or entry.clientName or "").lower()

    @property
    def shown_actor(self) -> str:
        """The actor's name, or an id where there is none, as it is spelled."""
        entry = self.entry
        return entry.userName or entry.userId or entry.clientName or entry.clientId or ""

    @property
    def actor_name(self) -> str:
        """The name of the user, else of the connected app."""
        entry = self.entry
        return (entry.userName or ("" if entry.userId else entry.clientName) or "").lower()

    @property
    def user(self) -> str:
        """Id of the object that is a user, else its name; of a log-in without one, the actor."""
        user = self.user_object
        if user is None:
            return self.actor if self.action in _BY_ACTOR else ""
        return (user.objectId or user.objectName or "").lower()

    @property
    def user_name(self) -> str:
        """The name of the object that is a user; of a log-in without one, the actor's."""
        user = self.user_object
        if user is None:
            return self.actor_name if self.action in _BY_ACTOR else ""
        return (user.objectName or "").lower()

    @property
    def shown_user(self) -> str:
        """The user's name, or the id where there is none, as it is spelled."""
        user = self.user_object
        if user is None:
            return self.shown_actor if self.action in _BY_ACTOR else ""
        return user.objectName or user.objectId or ""

    @property
    def object(self) -> str:
        """Id of the object that the entry is about, else its name."""
        return (self.main.objectId or self.main.objectName or "").lower()

    @property
    def object_name(self) -> str:
        """The name of the object that the entry is about."""
        return (self.main.objectName or "").lower()

    @property
    def shown_object(self) -> str:
        """The object's name, or the id where there is none, as it is spelled."""
        return self.main.objectName or self.main.objectId or ""

    @property
    def environment(self) -> str:
        """The name of the object's environment, else its id."""
        return (self.main.environmentName or self.main.environmentId or "").lower()

    @property
    def ip(self) -> str:
        """The address that the payload names for the client, the first of several; else empty."""
        return read_properties(self.properties)[0]

    @property
    def payload(self) -> frozenset[str]:
        """Every value under the payload."""
        return read_properties(self.properties)[1]

    @property
    def properties(self) -> bytes:
        """The payload's properties as they stand there, or the whole payload if it names none."""
        if not self._properties:  # made once: its hash is computed once then
            payload = self.entry.payload
            raw = payload.properties if payload else _NULL
            self._properties = bytes(_decode_flat(self.line).payload if raw is _ABSENT else raw)
        return self._properties


_BY_ACTOR = ("login", "logout")  #: actions of a user without an object that says who
SHOWN = {"actor": "shown_actor", "user": "shown_user", "object": "shown_object"}  #: how a field is shown to people


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
            if _ADDRESS_KEY.search(key):
                addresses += _address(_OTHERS.sub("", value))
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


@lru_cache(maxsize=4096)  # they come again, in payloads that do not
def _address(text: str) -> tuple[str, ...]:
    """Return the address that a text is, in its one spelling; nothing if it is none."""
    try:
        address = ipaddress.ip_address(text) if len(text) <= _LONGEST_ADDRESS else None
    except ValueError:
        return ()
    return (str(getattr(address, "ipv4_mapped", None) or address),) if address else ()
