"""The keys of a day, compactly: 24 bytes an entry, in the order of the part's lines.

A record is the millisecond of the day (4 bytes), the identity (16) and the checksum (4), big-endian, so that records
sort by time. Keys are kept beside the parts because a feed may delete a part once it has read it.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections import Counter
from sys import byteorder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORD = struct.Struct(">I16sI")
SIZE = RECORD.size
_FOUR_BYTES = "I" if array("I").itemsize == 4 else "L"  #: of an array


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

    def __iter__(self) -> Iterator[tuple[int, bytes, int]]:
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
        """Return the same records in order of time: itself, for a source that answers in order."""
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


class Multiset:
    """What is held, as a multiset of identities from which entries that are seen again are taken out.

    Two entries of one identity are told apart by the checksum of their bytes where that is possible: the one whose
    bytes are held is taken first. Where a name was rewritten since, the count decides.
    """

    def __init__(self) -> None:
        self._held: dict[bytes, list[int]] = {}
        self._times: Counter[int] = Counter()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def any(self) -> bool:
        """Whether anything was ever added: what was taken since may still excuse."""
        return bool(self._size or self._times)

    def add(self, keys: Keys) -> None:
        """Add records."""
        held = self._held
        for _, identity, checksum in keys:
            held.setdefault(identity, []).append(checksum)
        self._times.update(keys.times())
        self._size += len(keys)

    def merge(self, other: Multiset) -> None:
        """Add what another multiset holds, which is then known by identity only."""
        for identity, checksums in other._held.items():
            self._held.setdefault(identity, []).extend(checksums)
        self._size += len(other)

    def take(self, seen: list[tuple[bytes, int]]) -> list[bool]:
        """Take entries out; return for each whether it was held.

        Args:
            seen: identity and checksum of entries that may share identities: all of one millisecond.
        """
        answers = [self._take_same(identity, checksum) for identity, checksum in seen]
        for index, (identity, _) in enumerate(seen):
            if not answers[index]:
                answers[index] = self._take_any(identity)
        return answers

    def excuse(self, times: list[int], taken: list[bool]) -> int:
        """Take for held what was not recognized, as far as something else that is held of its millisecond was not seen.

        Then the source gives an entry otherwise than it did before. Writing it would deliver it twice.

        Args:
            times: milliseconds of the day of all entries of these milliseconds.
            taken: whether each was recognized; changed in place.

        Returns:
            How many were excused.
        """
        left = self._times
        for time, known in zip(times, taken, strict=True):
            if known:
                left[time] -= 1
        excused = 0
        for index, time in enumerate(times):
            if not taken[index] and left[time] > 0:
                left[time] -= 1
                taken[index] = True
                excused += 1
        return excused

    def _take_same(self, identity: bytes, checksum: int) -> bool:
        checksums = self._held.get(identity)
        if checksums is None or checksum not in checksums:
            return False
        checksums.remove(checksum)
        return self._taken(identity, checksums)

    def _take_any(self, identity: bytes) -> bool:
        checksums = self._held.get(identity)
        if checksums is None:
            return False
        checksums.pop()
        return self._taken(identity, checksums)

    def _taken(self, identity: bytes, left: list[int]) -> bool:
        if not left:
            del self._held[identity]
        self._size -= 1
        return True
