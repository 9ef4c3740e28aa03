"""A secret that shows itself only when asked to."""

from __future__ import annotations


class Secret:
    """Wraps a secret so that it does not appear in reprs, tracebacks, logs or dataclass dumps."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__
