"""Entries of one day on their way into a part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.archive.part import Part, PartWriter, read_lines
from mulesoft_audit.ledger.keys import RECORD, SIZE, Keys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from msgspec import Raw

#: A feed fails on a line of 4 MB or more (SecOps "Use the Feed Management UI": MaxLogLineSize4MBExceeded). The
#: megabyte may be the decimal one, and the newline may count.
LINE_LIMIT = 4_000_000 - 1


@dataclass(frozen=True, slots=True)
class Sealed:
    """A finished part with the keys of its lines, not yet in the archive."""

    part: Part
    keys: Keys

    def only(self, indices: Sequence[int]) -> Sealed:
        """Return a part of the lines with these indices, which are in order."""
        if len(indices) == len(self.keys):
            return self
        wanted = set(indices)
        writer, records = PartWriter(), bytearray()
        for index, line in enumerate(read_lines(self.part.data, "a part being written")):
            if index in wanted:
                writer.add(line + b"\n", 1)
                records += self.keys.data[index * SIZE : (index + 1) * SIZE]
        return Sealed(writer.finish(), Keys(bytes(records)))


@dataclass(slots=True)
class Batch:
    """Entries of one day: of each millisecond that is in it, all that the source gave.

    Attributes:
        day: whose entries.
        oversize: entries too long for a line of the feed, each with its record.
    """

    day: date
    oversize: list[tuple[bytes, bytes]] = field(default_factory=list)
    _sealed: Sealed | None = None
    _writer: PartWriter | None = None
    _records: bytearray = field(default_factory=bytearray)

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        sealed = len(self._sealed.part.data) + len(self._sealed.keys.data) if self._sealed else 0
        written = self._writer.packed + len(self._records) if self._writer else 0
        return sealed + written + sum(len(line) for line, _ in self.oversize)

    def add(self, lines: Sequence[Raw | bytes], times: Sequence[int], keys: Sequence[tuple[bytes, int]]) -> None:
        """Add entries: their lines, milliseconds of the day, and identities with checksums."""
        pack = RECORD.pack
        records = [pack(time, identity, checksum) for time, (identity, checksum) in zip(times, keys, strict=True)]
        block = b"\n".join([*lines, b""])
        if len(block) > LINE_LIMIT and max(len(bytes(line)) for line in lines) > LINE_LIMIT:
            self._add_one_by_one(lines, records)
            return
        self._writer = self._writer or PartWriter()
        self._records += b"".join(records)
        self._writer.add(block, len(lines))

    def _add_one_by_one(self, lines: Sequence[Raw | bytes], records: list[bytes]) -> None:
        """Add entries, setting those aside that are too long for a line."""
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
            self._sealed = Sealed(self._writer.finish(), Keys(bytes(self._records)))
            self._writer, self._records = None, bytearray()
        return self._sealed
