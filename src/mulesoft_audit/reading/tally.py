"""What a report counts, in one pass over the entries."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.archive.layout import DAY_MS
from mulesoft_audit.reading.view import view

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mulesoft_audit.reading.entry import Entry
    from mulesoft_audit.reading.view import View

NEWEST = 200  #: privileged changes that are kept
#: Objects whose change changes who may do what (Anypoint's page "Audit Logging", object types).
_POWERS = frozenset(
    {
        "role",
        "team",
        "permission",
        "permissions",
        "identity management",
        "identity provider",
        "external authorization",
        "organization",
        "secretgroup",
    }
)
_OF_PEOPLE = frozenset({"user", "connected application"})
_USE = frozenset({"login", "logout", "view"})  #: is no change


@dataclass(slots=True)
class Tally:
    """Counts of entries.

    Attributes:
        entries: how many.
        by_day: by organization's id and day (days since 1970, UTC).
        logins: by day, that succeeded.
        failures: by day, logins that did not.
        actors: by name.
        actions: by platform and what was done.
        privileged: how many changes of who may do what.
        changes: the newest of them.
    """

    entries: int = 0
    by_day: Counter[tuple[str, int]] = field(default_factory=Counter)
    logins: Counter[int] = field(default_factory=Counter)
    failures: Counter[int] = field(default_factory=Counter)
    actors: Counter[str] = field(default_factory=Counter)
    actions: Counter[tuple[str, str]] = field(default_factory=Counter)
    privileged: int = 0
    changes: deque[Entry] = field(default_factory=lambda: deque(maxlen=NEWEST))

    def add(self, found: Iterable[Entry]) -> Tally:
        """Count entries."""
        for _ in self.passing(found):
            pass
        return self

    def passing(self, found: Iterable[Entry]) -> Iterator[Entry]:
        """Count entries on their way to somebody else who looks at them."""
        by_day, actors, actions = self.by_day, self.actors, self.actions
        for entry in found:
            said = view(entry)
            self.entries += 1
            day = entry.time // DAY_MS
            by_day[entry.organization, day] += 1
            actors[said.who] += 1
            actions[said.platform or "", said.what_was_done] += 1
            if (said.action or "").casefold() == "login":
                (self.failures if said.has_failed else self.logins)[day] += 1
            elif is_privileged(said):
                self.privileged += 1
                self.changes.append(entry)
            yield entry


def is_privileged(said: View) -> bool:
    """Return whether an entry changes who may do what: permissions, roles, people, apps, identity providers."""
    action = (said.action or "").casefold()
    if action in _USE:
        return False
    if action.startswith("permission"):
        return True
    return any((one.object_type or "").casefold() in _POWERS | _OF_PEOPLE for one in said.objects or ())
