"""The keys of a day, compactly: 24 bytes an entry, in the order of the part's lines; taking multisets apart.

A record is the millisecond of the day (4 bytes), the identity (16) and the checksum (4), big-endian, so that records
sort by time. Keys are kept beside the parts because a feed may delete a part once it has read it.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from sys import byteorder
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

RECORD = struct.Struct(">I16sI")
SIZE = RECORD.size
_FOUR_BYTES = "I" if array("I").itemsize == 4 else "L"  #: of an array

Key = tuple[int, bytes, int]  #: time in milliseconds, identity, checksum


class Keys:
    """An immutable run of records.

    Attributes:
        data: the records, `SIZE` bytes each.
    """

    __slots__ = ("_ordered", "data")

    def __init__(self, data: bytes) -> None:
        if len(data) % SIZE:
            raise ValueError("the keys are cut")
        self.data = data
        self._ordered: Keys | None = None

    def __len__(self) -> int:
        return len(self.data) // SIZE

    def __iter__(self) -> Iterator[Key]:
        return RECORD.iter_unpack(self.data)

    def times(self) -> list[int]:
        """Return the millisecond of the day of each record."""
        times = array(_FOUR_BYTES, self.data)[:: SIZE // 4]  # the first word of each record
        if byteorder == "little":
            times.byteswap()
        return times.tolist()

    def at(self, index: int) -> int:
        """Return the millisecond of the day of record `index`."""
        return int.from_bytes(self.data[index * SIZE : index * SIZE + 4])

    def ordered(self) -> Keys:
        """Return the same records in order of time: itself, for a source that responds in order."""
        if self._ordered is None:
            self._ordered = self._sorted()
        return self._ordered

    def _sorted(self) -> Keys:
        times = self.times()
        if times == sorted(times):
            return self
        records = sorted(self.data[i : i + SIZE] for i in range(0, len(self.data), SIZE))
        return Keys(b"".join(records))

    def between(self, start: int, end: int) -> Keys:
        """Return the records of milliseconds `start` up to but not including `end`, in order of time."""
        ordered = self.ordered()
        everything = range(len(ordered))
        low = bisect_left(everything, start, key=ordered.at)
        high = bisect_left(everything, end, key=ordered.at)
        return ordered if (low, high) == (0, len(ordered)) else Keys(ordered.data[low * SIZE : high * SIZE])


class Unseen(NamedTuple):
    """What taking the held entries from the seen ones leaves.

    Attributes:
        new: indices of seen entries that are held nowhere.
        repeated: indices of seen entries that are held elsewhere: by an organization whose log this one repeats.
        missing: how many held entries were not seen.
    """

    new: Sequence[int]
    repeated: list[int]
    missing: int


def unseen(seen: Sequence[Key], held: Iterable[Key], elsewhere: Iterable[Key] = ()) -> Unseen:
    """Take what is held from what was seen, as multisets: two equal entries are two.

    An entry is held if its identity and bytes are, or else if its identity is: a renamed object does not make a new
    entry, and of two entries with one identity the right one counts as held. Elsewhere, bytes decide too. Nothing is
    decided by time alone: an entry that shares a millisecond with one that vanished is new.

    Args:
        seen: entries of whole milliseconds, as the source gave them.
        held: what the archive holds of these milliseconds.
        elsewhere: what it holds of them for organizations whose entries may be among those seen.
    """
    left = _by_identity(held)
    size = sum(map(len, left.values()))
    rest = range(len(seen))
    if left:
        unequal = [index for index in rest if not _take(left, seen[index][1], seen[index][2])]
        unknown = [index for index in unequal if not _take_any(left, seen[index][1])]
        size -= len(seen) - len(unknown)
        rest = unknown  # type: ignore[assignment]
    others = _by_identity(elsewhere) if rest else {}
    repeated = [index for index in rest if _take(others, seen[index][1], seen[index][2])] if others else []
    gone = set(repeated)
    return Unseen([index for index in rest if index not in gone], repeated, size)


def _by_identity(keys: Iterable[Key]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    for _, identity, checksum in keys:
        found.setdefault(identity, []).append(checksum)
    return found


def _take(left: dict[bytes, list[int]], identity: bytes, checksum: int) -> bool:
    checksums = left.get(identity)
    if not checksums or checksum not in checksums:
        return False
    checksums.remove(checksum)
    return True


def _take_any(left: dict[bytes, list[int]], identity: bytes) -> bool:
    checksums = left.get(identity)
    if not checksums:
        return False
    checksums.pop()
    return True
