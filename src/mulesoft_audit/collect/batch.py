"""Entries of one day on their way into a part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.archive.part import Part, PartWriter, read_lines
from mulesoft_audit.ledger.keys import RECORD, SIZE, Keys, Multiset

if TYPE_CHECKING:
    from datetime import date

    from msgspec import Raw

#: A feed fails on a line of 4 MB or more (SecOps "Use the Feed Management UI": MaxLogLineSize4MBExceeded). The
#: megabyte may be the decimal one, and the newline may count.
LINE_LIMIT = 4_000_000 - 1


@dataclass(frozen=True, slots=True)
class Known:
    """Which objects were taken into account when a batch was filled: part numbers, and names of oversize entries."""

    parts: frozenset[int] = frozenset()
    oversize: tuple[str, ...] = ()

    def with_part(self, number: int) -> Known:
        """Return the same with one more part taken into account."""
        return Known(self.parts | {number}, self.oversize)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A finished part with the keys of its lines, not yet in the archive."""

    part: Part
    keys: Keys

    def overlaps(self, first: int, last: int) -> bool:
        """Return whether an entry of it may lie between the milliseconds `first` and `last` of the day."""
        ordered = self.keys.ordered()
        return ordered.at(0) <= last and ordered.at(len(ordered) - 1) >= first

    def without(self, held: Keys) -> Sealed | None:
        """Return what is left once `held` is taken out, as multisets; None if nothing is."""
        multiset = Multiset()
        multiset.add(held)
        gone = multiset.take([(identity, checksum) for _, identity, checksum in self.keys])
        if all(gone):
            return None
        if not any(gone):
            return self
        writer, left = PartWriter(), bytearray()
        for index, line in enumerate(read_lines(self.part.data, "a part being written")):
            if not gone[index]:
                writer.add(line + b"\n", 1)
                left += self.keys.data[index * SIZE : (index + 1) * SIZE]
        return Sealed(writer.finish(), Keys(bytes(left)))


@dataclass(slots=True)
class Batch:
    """New entries of one day, in the order received.

    Attributes:
        day: whose entries.
        known: which objects of the archive were taken into account when it was filled.
        oversize: entries too long for a line of the feed, each with its record.
        sealed: the finished part, once no more entries come.
    """

    day: date
    known: Known
    oversize: list[tuple[bytes, bytes]] = field(default_factory=list)
    sealed: Sealed | None = None
    _writer: PartWriter | None = None
    _records: bytearray = field(default_factory=bytearray)

    @property
    def entries(self) -> int:
        """How many entries it holds."""
        return (self._writer.entries if self._writer else 0) + self._sealed_entries + len(self.oversize)

    @property
    def _sealed_entries(self) -> int:
        return self.sealed.part.entries if self.sealed else 0

    @property
    def packed(self) -> int:
        """About how many bytes of memory it takes."""
        part = len(self.sealed.part.data) + len(self.sealed.keys.data) if self.sealed else 0
        packed = self._writer.packed + len(self._records) if self._writer else 0
        return part + packed + sum(len(line) for line, _ in self.oversize)

    def add(self, lines: list[Raw | bytes], times: list[int], keys: list[tuple[bytes, int]]) -> None:
        """Add entries: their lines, milliseconds of the day, and identities with checksums."""
        pack = RECORD.pack
        records = [pack(time, identity, checksum) for time, (identity, checksum) in zip(times, keys, strict=True)]
        block = b"\n".join([*lines, b""])
        if len(block) > LINE_LIMIT and max(len(bytes(line)) for line in lines) > LINE_LIMIT:
            self._add_oversize(lines, records)
            return
        self._writer = self._writer or PartWriter()
        self._records += b"".join(records)
        self._writer.add(block, len(lines))

    def _add_oversize(self, lines: list[Raw | bytes], records: list[bytes]) -> None:
        """Add entries one by one, setting those aside that are too long for a line."""
        for raw, record in zip(lines, records, strict=True):
            line = bytes(raw)
            if len(line) > LINE_LIMIT:
                self.oversize.append((line, record))
                continue
            self._writer = self._writer or PartWriter()
            self._records += record
            self._writer.add(line + b"\n", 1)

    def seal(self) -> Sealed | None:
        """Finish the part and free the compressor; None if there is nothing in it."""
        if self._writer:
            self.sealed = Sealed(self._writer.finish(), Keys(bytes(self._records)))
            self._writer, self._records = None, bytearray()
        return self.sealed
