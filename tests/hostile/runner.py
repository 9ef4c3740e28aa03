"""Runs the command line with a few of its surroundings replaced; `python -m mulesoft_audit` wherever that will do.

Only this file knows the collector's inside. From the environment:
    HOSTILE_SHIFT     seconds that the machine's clock is ahead (negative: behind)
    HOSTILE_HASTE     how many times shorter waits between tries are
    HOSTILE_SLOW_KEYS seconds that writing a keys object takes
    HOSTILE_LONGEST   seconds for one response, instead of minutes
"""

from __future__ import annotations

import os
import time

from mulesoft_audit.anypoint import transport
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.clock import Stop, SystemClock
from mulesoft_audit.program import program

shift = float(os.environ.get("HOSTILE_SHIFT", "0"))
haste = float(os.environ.get("HOSTILE_HASTE", "1"))
slow_keys = float(os.environ.get("HOSTILE_SLOW_KEYS", "0"))
longest = os.environ.get("HOSTILE_LONGEST")

if shift:
    SystemClock.time = lambda self: time.time() + shift

if haste != 1:
    slept = Stop.sleep
    Stop.sleep = lambda self, seconds: slept(self, seconds / haste)

if slow_keys:
    created = LocalStore.create

    def create(self, name, data, *more, **named):
        if ".keys/" in name:
            time.sleep(slow_keys)
        return created(self, name, data, *more, **named)

    LocalStore.create = create

if longest:
    for name in dir(transport):
        if name.startswith("LONGEST"):
            setattr(transport, name, float(longest))

if __name__ == "__main__":
    program()
