"""Several threads are the first to read a document: msgspec makes what it knows of a type then, with no lock."""

from __future__ import annotations

import subprocess
import sys

FIRST_AT_ONCE = """
import importlib, sys, threading
from mulesoft_audit.ledger import manifest

sys.setswitchinterval(1e-6)
for _ in range(1000):
    importlib.reload(manifest)  # its types are new ones
    data = manifest.encode(manifest.Manifest("o", "2026-10-01"))
    begin = threading.Barrier(8)
    threads = [threading.Thread(target=lambda: begin.wait() and None or manifest.decode(data, "n")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_threads_that_are_the_first_to_read_a_manifest_crash_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", FIRST_AT_ONCE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
