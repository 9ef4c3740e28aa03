"""Keeping the process small."""

from __future__ import annotations

import ctypes
import functools

_M_ARENA_MAX, _ARENAS = -8, 1
_M_MMAP_THRESHOLD, _MAPPED = -3, 512 << 10


@functools.cache
def _c_library() -> ctypes.CDLL | None:
    """Return the C library if its allocator can be told how to behave, as glibc's can ("mallopt(3)")."""
    try:
        library = ctypes.CDLL(None)
        library.mallopt.argtypes = ctypes.c_int, ctypes.c_int
        library.malloc_trim.argtypes = (ctypes.c_size_t,)
    except (OSError, AttributeError, TypeError):
        return None
    return library


@functools.cache
def spare_memory() -> None:
    """Let the C library's allocator keep little of what was freed.

    By default it makes an arena for each thread, and each keeps what it once had; and it learns to take parts of some
    megabytes from them, where they leave holes. Where the C library is another, nothing happens.
    """
    library = _c_library()
    if library:
        library.mallopt(_M_ARENA_MAX, _ARENAS)
        library.mallopt(_M_MMAP_THRESHOLD, _MAPPED)


def give_back() -> None:
    """Return to the system what the allocator holds free: holes between what is held ("malloc_trim(3)").

    Half a millisecond. For after a part, whose pages came and went while others stayed.
    """
    library = _c_library()
    if library:
        library.malloc_trim(0)
