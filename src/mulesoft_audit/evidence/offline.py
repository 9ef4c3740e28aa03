"""The archive against itself: every object against what others say of it. Needs nothing but the archive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING

from mulesoft_audit.archive import layout
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.evidence import judge
from mulesoft_audit.evidence.day import Asked, Judged, Loaded, conclude, load, look
from mulesoft_audit.evidence.finding import NOTES, Finding, Kind, Remedy
from mulesoft_audit.evidence.inventory import DayObjects, Inventory, objects_of
from mulesoft_audit.evidence.standing import Standing, read_standing
from mulesoft_audit.evidence.workers import READERS, Ahead, Measuring
from mulesoft_audit.memory import spare_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.evidence.judge import Wrong
    from mulesoft_audit.evidence.measure import Measured
    from mulesoft_audit.ledger.head import Counted


@dataclass(slots=True)
class Progress:
    """How far a verification is, for whoever shows it. All numbers are of what is done."""

    organizations: int = 0
    days: int = 0
    parts: int = 0
    entries: int = 0
    size: int = 0
    read: int = 0  #: entries that the source gave, for those who compare keys


@dataclass(slots=True)
class Held:
    """What an archive holds of an organization, as its manifests say.

    Attributes:
        id: of the organization.
        name: as it was last called; not to be trusted in a terminal.
        since: Unix ms since when everything is to be held; 0 if nobody said.
        counted: what each manifest counts, by day (YYYY-MM-DD).
        parts: how many parts are there.
        transferred: how many are gone, as after a feed that deletes what it has read.
        newest: Unix ms of the newest entry; 0 if there is none.
    """

    id: str
    name: str = ""
    since: int = 0
    counted: dict[str, Counted] = field(default_factory=dict)
    parts: int = 0
    transferred: int = 0
    newest: int = 0

    @property
    def entries(self) -> int:
        """How many entries are held."""
        return sum(one.held for one in self.counted.values())


@dataclass(slots=True)
class Result:
    """What a verification found.

    Attributes:
        held: what is held, by organization.
        findings: problems and notes, in the order in which they were found.
        progress: how much was looked at.
        standing: what registry and heads say.
    """

    standing: Standing
    held: dict[str, Held] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)

    @property
    def problems(self) -> list[Finding]:
        """What is wrong."""
        return [one for one in self.findings if one.is_problem]

    @property
    def notes(self) -> list[Finding]:
        """What is told, and is nothing wrong."""
        return [one for one in self.findings if not one.is_problem]


class Offline:
    """One verification of an archive against itself."""

    def __init__(
        self,
        store: Store,
        *,
        deep: bool = False,
        require_parts: bool = False,
        cores: int = 0,
        started: Callable[[Progress], None] = lambda _: None,
        each: Callable[[Loaded, Judged], list[Wrong]] = lambda *_: [],
    ) -> None:
        """Prepare to verify.

        Args:
            store: the archive.
            deep: whether to make the keys of every line again.
            require_parts: whether a part that is gone is missing, though its keys are there.
            cores: processes to measure with; 0 for one a core.
            started: called with the progress as it fills.
            each: called with each day as it was read and judged; returns what else is wrong with it.
        """
        self._store = store
        self._deep = deep
        self._require_parts = require_parts
        self._measuring = Measuring(cores)
        self._started = started
        self._each = each
        self._inventory = Inventory(store)

    def run(self) -> Result:
        """Look at everything once.

        Raises:
            ArchiveError: there is no archive, it cannot be read, or a newer version wrote it.
        """
        spare_memory()
        result = Result(read_standing(self._store))
        self._started(result.progress)
        asked = Asked(self._deep, self._require_parts, result.standing.repeats)
        try:
            with ThreadPool(READERS) as pool:
                for loaded, judged in self._judged(pool, asked):
                    self._take(result, loaded, judged)
        finally:
            self._measuring.close()
        if result.standing.registry and set(result.held) - set(result.standing.known):
            result.standing.read_registry(self._store)  # a run may have entered an organization meanwhile
        known = {*result.held, *result.standing.known, *self._inventory.heads}
        if not known and not result.standing.wrong and not self._inventory.strangers:
            raise ArchiveError(
                f"There is no archive at {self._store.url}.", "Check the name of the directory or bucket."
            )
        for organization in sorted(known):
            held = _held(result, organization)
            result.findings += self._of_organization(result, held)
        result.findings += result.standing.wrong
        result.findings += [_stranger(item.name) for item in self._inventory.strangers]
        result.progress.organizations = len(known)
        return result

    # A day after the other.

    def _judged(self, pool: ThreadPool, asked: Asked) -> Iterator[tuple[Loaded, Judged]]:
        """Yield each day as it is judged; one that has problems is looked at again, as runs may be writing it."""
        measured: dict[int, Measured] = {}
        ahead: Ahead[tuple[Loaded, int], Measured | None] = Ahead(self._look, pool, weigh=_weight)
        for (loaded, number), seen in ahead.of(self._jobs(pool)):
            if seen is not None:
                measured[number] = seen
                continue
            judged = conclude(self._store, loaded, measured, asked)
            measured = {}
            sound = all(one.kind in NOTES for one in judged.wrong)
            yield (loaded, judged) if sound else again(self._store, loaded.objects, self._measuring, asked)

    def _jobs(self, pool: ThreadPool) -> Iterator[tuple[Loaded, int]]:
        """Yield the parts of each day, and after them the day itself, as number 0."""
        loading: Ahead[DayObjects, Loaded] = Ahead(lambda day: load(self._store, day), pool, weigh=lambda _: 0)
        for _, loaded in loading.of(self._inventory.days()):
            yield from ((loaded, number) for number in loaded.numbers())
            yield loaded, 0

    def _look(self, job: tuple[Loaded, int]) -> Measured | None:
        loaded, number = job
        return look(self._store, loaded, number, self._measuring, deep=self._deep) if number else None

    def _take(self, result: Result, loaded: Loaded, judged: Judged) -> None:
        objects = loaded.objects
        if objects.organization not in result.held and objects.organization not in result.standing.known:
            result.standing.read_head(self._store, objects.organization)
        held = _held(result, objects.organization)
        counted = loaded.counted()
        if counted:
            held.counted[objects.day.isoformat()] = counted
        if loaded.manifest and loaded.manifest.held:
            last = max((one.last for one in loaded.manifest.parts if one.entries), default=0)
            held.newest = max(held.newest, objects.start + last)
        wrong = self._against_head(result.standing, loaded)
        lost = loaded.manifest is None and bool(wrong)  # then what no manifest names is no run's that was stopped
        wrong = [*(one for one in judged.wrong if not (lost and one.kind is Kind.UNFINISHED)), *wrong]
        wrong += self._each(loaded, judged)
        if loaded.manifest:
            result.standing.say(objects.organization, loaded.manifest.since)
        held.parts += judged.parts
        held.transferred += sum(one.kind is Kind.TRANSFERRED for one in wrong)
        result.findings += [one.told(held.id, held.name, objects.day) for one in wrong]
        progress = result.progress
        progress.days += 1
        progress.parts += judged.parts
        progress.entries += judged.entries
        progress.size += sum(one.size for one in judged.measured.values())

    def _against_head(self, standing: Standing, loaded: Loaded) -> list[Wrong]:
        objects = loaded.objects
        known = standing.counted(objects.organization, objects.day)
        if known is None or loaded.damaged:
            return []
        by_content = bool(objects.manifest) and not (objects.manifest and objects.manifest.generation)
        return judge.against_head(loaded.names, known, loaded.counted(), by_content=by_content)

    # An organization as a whole.

    def _of_organization(self, result: Result, held: Held) -> list[Finding]:
        """Return what is wrong with what concerns an organization, but no day that lists an object."""
        standing = result.standing
        first = min((day for day, one in held.counted.items() if one.held), default="")
        found = standing.of_organization(held.id, first)
        for day in standing.head_days(held.id):
            if day not in held.counted and not any(f.day == day and f.organization == held.id for f in result.findings):
                found += self._lost_day(standing, held, date.fromisoformat(day))
        return found

    def _lost_day(self, standing: Standing, held: Held, day: date) -> list[Finding]:
        """Return that nothing is left of a day that the head counts; unless it came meanwhile."""
        names, known = layout.DayNames(held.id, day), standing.counted(held.id, day)
        if known is None or self._store.read(names.manifest):
            return []
        wrong = judge.against_head(names, known, None, by_content=False)
        return [replace(one, remedy=Remedy.FETCH).told(held.id, held.name, day) for one in wrong]


def again(store: Store, objects: DayObjects, measuring: Measuring, asked: Asked) -> tuple[Loaded, Judged]:
    """List, read and judge one day anew, line by line: where something is wrong, a checksum is too little to go by.

    Raises:
        ArchiveError: the archive cannot be read.
    """
    loaded = load(store, objects_of(store, objects.organization, objects.day))
    measured = {number: look(store, loaded, number, measuring, deep=True) for number in loaded.numbers()}
    return loaded, conclude(store, loaded, measured, asked)


def _held(result: Result, organization: str) -> Held:
    standing = result.standing
    made = Held(organization, standing.name(organization), standing.since(organization))
    return result.held.setdefault(organization, made)


def _weight(job: tuple[Loaded, int]) -> int:
    loaded, number = job
    listed = loaded.objects.parts.get(number)
    return 2 * listed.size if listed else 0


def _stranger(name: str) -> Finding:
    feed = name.startswith(layout.AUDIT)
    expected = "parts alone" if feed else "no such name"
    advice = "the feed may read it: see what it is, and remove it" if feed else "see what it is, and remove it"
    remedy = Remedy.SET_ASIDE if feed else Remedy.NOTHING
    return Finding(Kind.MISPLACED, name, expected, "an object of a name that does not belong here", remedy, advice)
