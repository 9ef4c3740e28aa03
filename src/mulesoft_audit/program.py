"""The program: what `mulesoft-audit` and `python -m mulesoft_audit` start."""

from __future__ import annotations

import os
import signal
import threading


def program() -> None:
    """Run what the command line says and end the process with the documented status."""
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:  # Ctrl-C while the command line is loaded ends it without a traceback
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from mulesoft_audit.cli import main

    signal.signal(signal.SIGINT, usual)
    try:
        main()
    except SystemExit as ended:
        if threading.active_count() > 1 and isinstance(ended.code, int):
            os._exit(ended.code)  # a thread still waits for a server: it must not meet a half dismantled interpreter
        raise
