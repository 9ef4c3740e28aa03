"""What entries lie in: parts, and entries too long for one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from mulesoft_audit.archive.layout import DAY_MS, day_start, keys_name, part_name
from mulesoft_audit.archive.part import read_lines
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.ledger.keys import RECORD, SIZE, Keys
from mulesoft_audit.ledger.manifest import Damaged, Manifest, Oversize, PartEntry, digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from mulesoft_audit.archive.store import Store

CHUNK = 1 << 18  #: bytes of lines at a time, about
SORTED_AT_ONCE = 16 << 20  #: bytes of lines, of a part that is not in order


@dataclass(frozen=True, slots=True)
class Piece:
    """A part, or an entry too long for one; `first` and `last` are Unix ms."""

    organization: str
    day: date
    what: PartEntry | Oversize
    first: int
    last: int

    @property
    def name(self) -> str:
        """Its object's name."""
        what = self.what
        return what.name if isinstance(what, Oversize) else part_name(self.organization, self.day, what.number)

    @property
    def size(self) -> int:
        """Bytes of the object, about."""
        return self.what.size


def pieces_of(manifest: Manifest, organization: str, day: date) -> Iterator[Piece]:
    """Yield what a manifest names."""
    start = day_start(day)
    for part in manifest.parts:
        yield Piece(organization, day, part, start + part.first, start + part.last)
    for item in manifest.oversize:
        time = start + (RECORD.unpack(item.key)[0] if len(item.key) == SIZE else 0)
        yield Piece(organization, day, item, time, time)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A piece with its bytes and its lines' times (milliseconds of the day)."""

    piece: Piece
    data: bytes
    times: list[int]

    def chunks(self, since: int, until: int) -> Iterator[tuple[list[int], list[bytes]]]:
        """Yield its lines from `since` up to but not including `until` (Unix ms); see `blocks.Content`."""
        start = day_start(self.piece.day)
        times = sorted(self.times)
        low, high = bisect_left(times, since - start), bisect_left(times, until - start)
        if times == self.times:
            lines: Iterator[bytes] = islice(self._all(), low, high)
        else:
            lines = (line for _, line in self._sorted(since - start, until - start))
        what = self.piece.what
        at_once = CHUNK if isinstance(what, Oversize) else max(1, CHUNK * what.entries // max(1, what.inflated))
        while low < high:
            last = min(low + at_once, high)
            end = bisect_right(times, times[last - 1], last, high)
            yield [start + time for time in times[low:end]], list(islice(lines, end - low))
            low = end

    def _all(self) -> Iterator[bytes]:
        return read_lines(self.data, self.piece.name, CHUNK)

    def _sorted(self, since: int, until: int) -> Iterator[tuple[int, bytes]]:
        """Yield the lines in order of time, inflating the part once for each stretch of time that is held at once."""
        sizes: dict[int, int] = {}
        for time, line in zip(self.times, self._all(), strict=True):
            if since <= time < until:
                sizes[time] = sizes.get(time, 0) + len(line)
        begin = size = 0
        bounds = []
        for time in sorted(sizes):
            if size and size + sizes[time] > SORTED_AT_ONCE:
                bounds.append((begin, time))
                begin, size = time, 0
            size += sizes[time]
        for low, high in [*bounds, (begin, DAY_MS)]:
            chosen = [
                (time, line)
                for time, line in zip(self.times, self._all(), strict=True)
                if max(low, since) <= time < min(high, until)
            ]
            chosen.sort(key=lambda pair: pair[0])
            yield from chosen


def gone(piece: Piece) -> Damaged:
    """Return what is raised where an object is not there."""
    return Damaged(
        f"{piece.name} is gone: its entries of organization {piece.organization} on {piece.day} are not shown.",
        "A feed that deletes what it has read removes parts; otherwise restore it from a backup.",
    )


def damaged(piece: Piece) -> Damaged:
    """Return what is raised where an object is not what was written."""
    return Damaged(
        f"{piece.name} is not what was written there: its entries of organization {piece.organization} on "
        f"{piece.day} are not shown.",
        "Nothing was changed. Restore it from a backup or an older version of it.",
    )


def is_sound(piece: Piece, data: bytes) -> bool:
    """Return whether an object is what was written there."""
    if isinstance(piece.what, PartEntry):
        return digest(data) == piece.what.sha256
    try:
        lines = list(islice(read_lines(data, piece.name), 2))
    except ArchiveError:
        return False
    return len(lines) == 1 and digest(lines[0]) in piece.name


def load(store: Store, piece: Piece) -> Loaded:
    """Read a piece and the times of its lines.

    Raises:
        Damaged: it is lost or damaged.
    """
    held = store.read(piece.name)
    if held is None:
        raise gone(piece)
    if not is_sound(piece, held.data):
        raise damaged(piece)
    if isinstance(piece.what, Oversize):
        return Loaded(piece, held.data, [piece.first - day_start(piece.day)])
    keys = store.read(keys_name(piece.organization, piece.day, piece.what.number))
    if keys and digest(keys.data) == piece.what.keys_sha256:
        return Loaded(piece, held.data, Keys(keys.data).times())
    from mulesoft_audit.ledger.parts import derive_keys  # seldom needed, and slow to import

    return Loaded(piece, held.data, derive_keys(held.data, piece.name, day_start(piece.day)).keys.times())
