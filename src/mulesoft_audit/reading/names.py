"""Organizations by the names that people know them by, as an archive keeps them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from mulesoft_audit.errors import UsageError
from mulesoft_audit.ledger import registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mulesoft_audit.archive.store import Store


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


def names_of(store: Store) -> Names:
    """Return the names that an archive keeps of its organizations.

    Raises:
        ArchiveError: it cannot be read, or a newer version wrote it.
    """
    held, _ = registry.load(store)
    return Names({one: known.name for one, known in held.organizations.items()})
