"""Several threads are the first to read a document: msgspec makes what it knows of a type then, with no lock."""

from __future__ import annotations

import subprocess
import sys

FIRST_AT_ONCE = """
import sys, threading
import msgspec
from mulesoft_audit.ledger.manifest import decode_document

def new_kind():
    class Inner(msgspec.Struct):
        x: int = 0
        y: list[tuple[int, int]] = []
        z: dict[str, str] = {}
    class Document(msgspec.Struct):
        a: Inner
        b: list[Inner] = []
        c: dict[str, Inner] = {}
    return Document

sys.setswitchinterval(1e-6)
for _ in range(300):
    kind, begin = new_kind(), threading.Barrier(4)
    def read():
        begin.wait()
        decode_document(b'{"a":{"x":1},"b":[{"x":2}],"c":{"k":{"x":3}}}', "a name", kind)
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_threads_that_are_the_first_to_read_a_document_crash_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", FIRST_AT_ONCE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
