"""Numbers in sentences."""

from __future__ import annotations


def number_of(count: int, one: str, many: str = "") -> str:
    """Return a number with what is counted: `1 entry`, `3,199 entries`; `many` is `one` with an s if it is empty."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
