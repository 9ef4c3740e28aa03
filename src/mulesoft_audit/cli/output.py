"""The process's own streams: what happens when one is closed, full, or cannot show a character."""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mulesoft_audit.errors import OutputError, ReaderGone, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import ReadableBuffer

A_DAY = 86_400  #: seconds
_ADVICE = "What was committed is kept. Make room, or direct the output elsewhere."


class _Output(io.FileIO):
    """Standard output, which fails with an error of this package, so that nothing else is taken for it."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            raise ReaderGone("Whoever reads the output has gone.") from None
        except OSError as error:
            raise OutputError(f"The output cannot be written: {error.strerror}.", _ADVICE) from None


#: What Cloud Run sets for a service or function, and for a job ("Container runtime contract").
_CLOUD_RUN = ("K_SERVICE", "CLOUD_RUN_JOB")
_said: set[str] = set()  # of what `prepare` was told


def json_wanted() -> bool:
    """Whether a program reads what is printed: --json was given, or this runs in Cloud Run."""
    return "--json" in _said or any(os.environ.get(name) for name in _CLOUD_RUN)


def quiet() -> bool:
    """Whether --quiet was given: only what went wrong is told."""
    return bool(_said & {"-q", "--quiet"})


def start_log(*, briefly: bool = False) -> None:
    """Send the log to standard error, as much of it as -q and -v ask for; `briefly`: by default warnings alone."""
    import logging  # here, for the sake of --help

    from mulesoft_audit.logs import configure

    usual = logging.WARNING if briefly else logging.INFO
    level = logging.DEBUG if _said & {"-v", "--verbose"} else logging.ERROR if quiet() else usual
    configure(level=level, json=json_wanted())


def prepare(arguments: Sequence[str] = ()) -> None:
    """Set the streams up: none is missing, and each can show every character, if need be escaped.

    Args:
        arguments: of the command line: what it asks for is known before it is parsed, for the errors of that too.

    Raises:
        UsageError: TZ is nonsense.
        OutputError: standard output is closed.
    """
    _said.clear()
    _said.update(arguments)
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open()  # noqa: SIM115 - lasts as long as the process
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - there is nobody to be told
    _check_time_zone()
    if sys.stdout is None:
        raise OutputError("Standard output is closed; nothing was done.", "Direct it to /dev/null if nobody reads it.")
    if sys.stdout is not sys.__stdout__ or not isinstance(sys.stdout, io.TextIOWrapper):
        return  # somebody has put another one in its place
    plain = sys.stdout
    plain.flush()
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Output(plain.fileno(), "wb", closefd=False)),
        encoding=plain.encoding,
        errors="backslashreplace",
        line_buffering=plain.isatty(),
    )


def _check_time_zone() -> None:
    """Refuse a TZ that the system takes, as UTC+25, though Python has no such times."""
    if abs(time.localtime().tm_gmtoff) >= A_DAY:
        raise UsageError(
            f"TZ is {os.environ.get('TZ')!r}: no zone is a day from UTC.", "Such as Europe/Berlin, or UTC."
        )


def coloured() -> bool:
    """Whether standard output is a terminal whose user wants colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def flush() -> None:
    """Write out what is still held back.

    Raises:
        OutputError, ReaderGone: it cannot be written.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def drop() -> None:
    """Drop what could not be written to standard output, so that it is not tried again when the process ends."""
    if sys.stdout is not None:
        _to_nowhere(1)


def drop_untold() -> None:
    """Drop what standard error cannot take: nobody can be told of it, and the exit status is to stay what it is."""
    try:
        sys.stderr.flush()
    except OSError:
        _to_nowhere(2)


def _to_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
