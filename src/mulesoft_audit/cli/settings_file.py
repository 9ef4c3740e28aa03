"""The settings file: written by hand, because the standard library reads TOML only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PRIVATE = 0o600


def settings_file(values: Mapping[str, str | int], organization: str = "") -> str:
    """Return the text of a settings file: what of `values` differs from the defaults, in the order of `Settings`.

    Args:
        values: settings by name.
        organization: the root's name, for people.

    Raises:
        UsageError: a value is not text that TOML can hold.
    """
    from mulesoft_audit.printable import printable
    from mulesoft_audit.settings import Settings

    default = Settings()
    lines = ["# Written by `mulesoft-audit init`. Every setting is described in docs/settings.md."]
    for name in Settings.__struct_fields__:
        value = values.get(name, getattr(default, name))
        if value != getattr(default, name):
            note = f"  # {printable(organization)}" if name == "mule_org_id" and organization else ""
            lines.append(f"{name} = {quoted(value) if isinstance(value, str) else value}{note}")
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """Return `text` as a TOML basic string, with whatever could steer a terminal escaped as well.

    Raises:
        UsageError: it holds a half of a surrogate pair, which is no character.
    """
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise UsageError(f"{text!a} is not valid text.")
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\u{ord(char):04X}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08X}"


def write_private(target: Path, text: str, *, force: bool) -> None:
    """Write a file that only its owner can read, whole or not at all.

    Raises:
        UsageError: it exists and is not to be replaced, or cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        if force:
            temporary.replace(target)
        else:
            os.link(temporary, target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or type(error).__name__}.") from None
    finally:
        temporary.unlink(missing_ok=True)
