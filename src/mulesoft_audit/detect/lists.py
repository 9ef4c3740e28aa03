"""Allow lists: who and what the rules let pass, from the table `[detect]` of the settings file."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import msgspec

from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESSES = "known_addresses"
#: What each list holds. The name of a user is its userName, that of a connected app its clientName.
LISTS = {
    "administrators": "names of users and apps that may grant rights, reset secrets and remove users",
    "deployers": "names of users and apps that may stop applications, purge queues and remove policies",
    ADDRESSES: "addresses and networks from which connected apps ask for tokens",
    "network_team": "names of users and apps that may change VPCs, VPNs, private spaces and load balancers",
    "publishers": "names of users and apps that may make things public",
}


def allow_lists(table: Mapping[str, object]) -> dict[str, list[str]]:
    """Return the lists that the table `[detect]` of the settings file gives, by name.

    Raises:
        UsageError: one is unknown, is no list of texts, or has an address that is none or a text that is empty.
    """
    unknown = sorted(set(table) - set(LISTS))
    if unknown:
        raise UsageError(f"[detect] names an unknown list {unknown[0]!r}.", f"The lists are: {', '.join(LISTS)}.")
    lists = {name: _texts(name, value) for name, value in table.items()}
    for text in lists.get(ADDRESSES, ()):
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise UsageError(f"{ADDRESSES} of [detect] has {text!r}, which is no address and no network.") from None
    return lists


def _texts(name: str, value: object) -> list[str]:
    try:
        texts = msgspec.convert(value, list[str])
    except msgspec.ValidationError:
        hint = f'For example: {name} = ["one", "another"].'
        raise UsageError(f"[detect] is malformed: {name} is no list of texts.", hint) from None
    for text in texts:
        if not text or text != text.strip():  # an empty one would let pass whatever has no name
            raise UsageError(f"{name} of [detect] has {text!r}: nothing, or blanks around it.")
    return texts
