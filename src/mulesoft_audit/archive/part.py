"""Parts: gzip NDJSON, an entry a line, built as entries arrive and never held inflated.

Compressed with ISA-L at level 1: a fifteenth of zlib's time at level 6 for a seventh more bytes (`make bench`).
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING

from isal import isal_zlib

from mulesoft_audit.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

LEVEL = 1
#: Without a modification time, so that equal lines make equal objects on one machine.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_RAW_DEFLATE = -15
_CHUNK = 1 << 20
LONGEST = 64 << 20  #: bytes of a line: twice the largest response. What is longer was made to fill the memory
MOST_LINES = 1 << 22  #: eight times what a run writes into a part. More were made to fill the memory, too


class PartWriter:
    """Lines on their way into a part.

    Attributes:
        entries: lines so far.
        size: bytes of them, inflated.
    """

    def __init__(self) -> None:
        self.entries = 0
        self.size = 0
        self._data = BytesIO()  # grows in place and is not copied at the end; a list of pieces leaves holes in memory
        self._data.write(_HEADER)
        self._deflate = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, _RAW_DEFLATE)
        self._crc = 0

    def add(self, lines: bytes, entries: int) -> None:
        """Add whole lines, each ended by a newline."""
        self.entries += entries
        self.size += len(lines)
        self._crc = isal_zlib.crc32(lines, self._crc)
        self._data.write(self._deflate.compress(lines))

    @property
    def packed(self) -> int:
        """Bytes of the part so far: what is through the compressor."""
        return self._data.tell()

    def finish(self) -> Part:
        """Close the part."""
        self._data.write(self._deflate.flush())
        self._data.write(struct.pack("<II", self._crc & 0xFFFFFFFF, self.size & 0xFFFFFFFF))
        return Part(self._data.getvalue(), self.entries, self.size)


class Part:
    """A finished part.

    Attributes:
        data: the gzip object.
        entries: its lines.
        size: bytes inflated.
    """

    __slots__ = ("data", "entries", "size")

    def __init__(self, data: bytes, entries: int, size: int) -> None:
        self.data = data
        self.entries = entries
        self.size = size


def read_lines(data: bytes, name: str, chunk: int = _CHUNK) -> Iterator[bytes]:
    """Yield the lines of a part, without their newlines, holding about `chunk` bytes of them at a time.

    Raises:
        ArchiveError: it is not a whole gzip object of whole lines.
    """
    inflate = isal_zlib.decompressobj(31)
    rest, count = b"", 0
    pending = data
    try:
        while not inflate.eof:
            block = inflate.decompress(pending, chunk)
            pending = inflate.unconsumed_tail
            if not block and not pending and not inflate.eof:
                raise _damaged(name, "it is cut")
            lines = (rest + block).split(b"\n")
            rest = lines.pop()
            if len(rest) > LONGEST:
                raise _damaged(name, "a line of it has no end")
            count += len(lines)
            if count > MOST_LINES:
                raise _damaged(name, f"it has more than {MOST_LINES:,} lines")
            yield from lines
    except isal_zlib.IsalError as error:  # type: ignore[misc]
        raise _damaged(name, "it is not gzip, or its checksum is wrong") from error
    if rest or inflate.unused_data:
        raise _damaged(name, "it does not end with a line")


def _damaged(name: str, why: str) -> ArchiveError:
    return ArchiveError(
        f"The part {name} is damaged: {why}.",
        "It was left as it is. Move it aside and run again: what it should hold is collected anew.",
    )
