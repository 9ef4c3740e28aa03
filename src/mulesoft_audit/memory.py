"""Keeping the process small."""

from __future__ import annotations

import ctypes
import functools

_M_ARENA_MAX, _ARENAS = -8, 2
_M_MMAP_THRESHOLD, _MAPPED = -3, 512 << 10


@functools.cache
def spare_memory() -> None:
    """Let the C library's allocator keep little of what was freed.

    By default it makes an arena for each thread, and each keeps what it once had; and it learns to take parts of some
    megabytes from them, where they leave holes. Where the C library is another, nothing happens ("mallopt(3)").
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _MAPPED)
    except (OSError, AttributeError, TypeError):
        return
