"""A secret that shows itself only when asked to, and is struck out of whatever is printed."""

from __future__ import annotations

_MASK = "(secret)"
_SHORTEST = 4  #: what is shorter than this is not struck out: it would take half the words with it
_values: set[str] = set()


class Secret:
    """Wraps a secret so that it does not appear in reprs, tracebacks, logs or dataclass dumps."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        strike_out(value)

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


def strike_out(value: str) -> None:
    """Have `without_secrets` strike a value out from now on."""
    if len(value) >= _SHORTEST:
        if len(_values) > 1000:  # a process that fetches tokens for years
            _values.clear()
        _values.add(value)


def without_secrets(text: str) -> str:
    """Return `text` with every secret this process has known struck out: the last line of defence for output."""
    for value in list(_values):
        if value in text:
            text = text.replace(value, _MASK)
    return text
