"""What the program does before its command line is there."""

from __future__ import annotations

import signal
import subprocess
import sys

INTERRUPTED_WHILE_LOADING = """
import os, signal, sys

class Interrupts:
    def find_spec(self, name, *_):
        if name == "mulesoft_audit.cli":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
from mulesoft_audit.program import program
program()
"""


def test_ctrl_c_while_the_command_line_is_loaded_leaves_no_traceback() -> None:
    line = [sys.executable, "-c", INTERRUPTED_WHILE_LOADING]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
