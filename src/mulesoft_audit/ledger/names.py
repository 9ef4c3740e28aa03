"""Organizations by the names that people know them by, as an archive keeps them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from mulesoft_audit.errors import UsageError
from mulesoft_audit.ledger import registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.ledger.registry import Known


class Names:
    """The organizations of an archive, each with a name that no other has.

    Attributes:
        by_id: what each is shown as: its name, or its id where it has none or shares it.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        """Take the name of each organization by its id."""
        self._ids: dict[str, list[str]] = {}
        for one, name in names.items():
            if name:
                self._ids.setdefault(name.casefold(), []).append(one)
        self.by_id = {one: name if len(self._ids.get(name.casefold(), ())) == 1 else one for one, name in names.items()}

    def of(self, organization: str) -> str:
        """Return what an organization is shown as."""
        return self.by_id.get(organization, organization)

    def ids(self, wanted: Iterable[str]) -> list[str]:
        """Return the ids of organizations that are named, in any case, or given by their ids.

        Raises:
            UsageError: there is none of that name, or several.
        """
        return list(dict.fromkeys(self._id(text.strip()) for text in wanted))

    def _id(self, text: str) -> str:
        if text in self.by_id:
            return text
        found = self._ids.get(text.casefold(), [])
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"{text!r} is the name of {len(found)} organizations.", f"Give an id: {', '.join(found)}.")
        raise UsageError(f"No organization {text!r} is known here.", self._advice(text))

    def _advice(self, text: str) -> str:
        names = sorted(self.by_id.values())
        near = get_close_matches(text.casefold(), self._ids, 1)
        if near:
            return f"Did you mean {self.by_id[self._ids[near[0]][0]]!r}?"
        some = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        return f"There are: {some}." if names else "Nothing was collected into this archive yet."


def organizations_of(store: Store) -> tuple[dict[str, Known], Names]:
    """Return the organizations of an archive by id, and what they are called.

    Raises:
        UsageError: there is nothing in it.
        ArchiveError: it cannot be read, or a newer version wrote it.
    """
    held = registry.load(store)[0].organizations
    if not held:
        raise UsageError(
            f"{store.url} holds no archive, or nothing was collected into it yet.",
            "Say with --archive where it is, or collect one with `mulesoft-audit collect`.",
        )
    return held, Names({one: known.name for one, known in held.items()})


def names_of(store: Store) -> Names:
    """Return what the organizations of an archive are called; raises as `organizations_of`."""
    return organizations_of(store)[1]
