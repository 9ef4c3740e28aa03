"""Events as UDM: checked against the messages that Google publishes (google-backstory)."""

from __future__ import annotations

import copy
from typing import Any

from google.backstory.types import udm
from google.protobuf import json_format

DESCRIPTOR = udm.UDM.pb(udm.UDM()).DESCRIPTOR


def udm_of(event: dict[str, Any]) -> Any:
    """Return the UDM message of an event as a parser puts it out: its `idm.read_only_udm`.

    Raises:
        json_format.ParseError: a field, a type or an enum is not UDM's.
    """
    found = copy.deepcopy(event["idm"]["read_only_udm"])
    extra = found.get("additional", {})
    if "fields" in extra:
        found["additional"] = {one["key"]: _struct_value(one["value"]) for one in extra["fields"]}
    return parsed(found)


def parsed(document: dict[str, Any]) -> Any:
    """Return the UDM message that a JSON document is.

    Raises:
        json_format.ParseError: a field, a type or an enum is not UDM's.
    """
    return json_format.ParseDict(document, udm.UDM.pb(udm.UDM()))


def document_of(message: Any) -> dict[str, Any]:
    """Return a UDM message as a JSON document, with the names of the .proto files."""
    found: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return found


def _struct_value(value: dict[str, Any]) -> Any:
    """Return what a `google.protobuf.Value` holds, as a parser writes it."""
    if "list_value" in value:
        return [_struct_value(one) for one in value["list_value"]["values"]]
    return next(iter(value.values()))
