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

_NULL = Raw(b"null")
_SUBACTION = b'"subaction"'
_FAILURE = re.compile(r"failure\s*\Z", re.IGNORECASE)
_ADDRESS_KEY = re.compile(r"(client|source|remote)_?ip(_?address)?\Z", re.IGNORECASE)
_REPEATED = 2000  #: bytes of a payload that may well come again: those of an app's tokens are all alike
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


SpelledKind = tuple[str | None, str | None, str, str | None, bool]


class Kind(NamedTuple):
    """What kind of entry it is, in small letters: few among millions, so that rules are compared with each kind once.

    Attributes:
        type: of the object that the entry is about: the first that is no user, else the first.
        failed: whether the entry says so, or its subaction does ("Failure").
    """

    platform: str
    action: str
    subaction: str
    type: str
    failed: bool


class Event:
    """The fields that rules compare, in small letters; see `FIELDS` in rule.py. Each is found when it is asked for.

    Attributes:
        raw_payload: the payload's bytes.
        platform, action, subaction, type, failed: as of `Kind`.
        actor: id of the user, else of the connected app, else a name; empty for neither.
        user: id of the object that is a user, else its name; of a log-in without one, the actor.
        object, object_name, environment: of the object that the entry is about; `object` is its id, else its name.
        ip: the address that the payload names for the client.
        payload: every value under the payload.
        shown_actor, shown_user, shown_object: a name, or an id where there is no name, as they were spelled.
    """

    __slots__ = (
        *("_entry", "raw_payload", "platform", "action", "subaction", "type", "failed"),
        *("actor", "actor_name", "shown_actor", "user", "user_name", "shown_user"),
        *("object", "object_name", "environment", "shown_object", "ip", "payload"),
    )

    def __init__(self, entry: Entry, kind: Kind) -> None:
        self._entry = entry
        self.raw_payload = bytes(entry.payload)
        self.platform, self.action, self.subaction, self.type, self.failed = kind

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - called for fields that were not found yet
        if name in ("ip", "payload"):
            self.ip, self.payload = _payload(self.raw_payload)
        elif name in ("actor", "actor_name", "shown_actor"):
            self._find_actor()
        else:
            self._find_objects()
        return object.__getattribute__(self, name)

    def _find_actor(self) -> None:
        entry = self._entry
        name = entry.userName or ("" if entry.userId else entry.clientName) or ""
        actor = entry.userId or entry.userName or entry.clientId or entry.clientName or ""
        self.actor, self.actor_name, self.shown_actor = actor.lower(), name.lower(), name or actor

    def _find_objects(self) -> None:
        main, user = _objects(self._entry)
        name, id_ = main.objectName or "", main.objectId or main.objectName or ""
        self.object, self.object_name, self.shown_object = id_.lower(), name.lower(), name or id_
        self.environment = (main.environmentName or main.environmentId or "").lower()
        if user is None and self.action in ("login", "logout"):
            self.user, self.user_name, self.shown_user = self.actor, self.actor_name, self.shown_actor
            return
        name, id_ = (user.objectName or "", user.objectId or user.objectName or "") if user else ("", "")
        self.user, self.user_name, self.shown_user = id_.lower(), name.lower(), name or id_


SHOWN = {"actor": "shown_actor", "user": "shown_user", "object": "shown_object"}  #: how a field is shown to people


def spelled_kind(entry: Entry) -> SpelledKind:
    """Return the fields of an entry's `Kind` as they are spelled; quick, for millions of entries."""
    subaction = _subaction(entry)
    failed = entry.failed is True or _FAILURE.search(subaction) is not None
    return entry.platform, entry.action, subaction, _objects(entry)[0].objectType, failed


def kind_of(spelled: SpelledKind) -> Kind:
    """Return the kind of entry that is spelled like this."""
    platform, action, subaction, type_, failed = spelled
    return Kind((platform or "").lower(), (action or "").lower(), subaction.lower(), (type_ or "").lower(), failed)


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
    subaction, raw = entry.subaction, bytes(entry.payload)
    if _SUBACTION in raw or b"\\u" in raw:  # looking is quicker than decoding
        subaction = _subaction_of(raw) or subaction
    return subaction if isinstance(subaction, str) else ""


def _subaction_of(raw: bytes) -> object:
    try:
        return _decode_payload(raw).subaction
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        document = json.loads(raw, strict=False)
    return document.get("subaction") if isinstance(document, dict) else None


@lru_cache(maxsize=1024)
def _payload_of(raw: bytes) -> tuple[str, frozenset[str]]:
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        document = json.loads(raw, strict=False)
    if not isinstance(document, dict):
        return "", frozenset()
    values: set[str] = set()
    addresses: list[str] = []
    waiting: list[tuple[str, object, int]] = [("", document.get("properties", document), _DEEPEST)]
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


def _payload(raw: bytes) -> tuple[str, frozenset[str]]:
    """Return the client's address, if the payload names it, and every value under the payload, in small letters."""
    if len(raw) > _REPEATED:
        return _payload_of.__wrapped__(raw)
    return _payload_of(raw)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
