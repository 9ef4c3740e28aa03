"""The sample logs of `mulesoft-audit secops check`, with the events that the emulator makes of them.

    python -m tests.secops.samples

writes them again, after a change of the parser, the catalogue or the simulator's payloads.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf import json_format
from tests.detect.cases import entry
from tests.secops.parsing import parser
from tests.secops.udm import udm_of

from anypoint_simulator import World
from anypoint_simulator.catalogue import KINDS
from anypoint_simulator.scenario import quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anypoint_simulator.catalogue import Kind

MOMENT = 1_795_161_600_123
FILE = Path(str(resources.files("mulesoft_audit.secops").joinpath("parser", "samples.ndjson")))
#: What the catalogue's payloads have too little of: values in lists and maps, addresses of both kinds.
SHAPES = {
    "a payload of lists and maps": {"a": "x", "b": 7, "c": True, "d": [1.5, {"e": "y"}], "f": {"g": "z", "h": ["i"]},
                                    "j": [], "k": None},
    "an IPv6 address": {"remoteIpAddress": "2001:db8::9"},
    "an IPv4 address written as IPv6, and a proxy's": {"clientIP": "::ffff:192.0.2.7, 10.0.0.1"},
    "an address that is none": {"clientIP": "unknown"},
}  # fmt: skip


def text() -> str:
    """Return what the file is to hold: a sample a line."""
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in written())


def written() -> Iterator[dict[str, object]]:
    """Yield the samples."""
    world = World(quiet(now=MOMENT / 1000))
    forge = world.forge(world.root.id)
    for number, kind in enumerate(chosen()):
        subaction = f" - {kind.subaction}" if kind.subaction else ""
        name = f"{kind.platform}: {kind.action}{subaction} ({', '.join(kind.types)})"
        yield _sample(name, forge.make(kind, MOMENT + number).body)
    token = {"action": "Login", "subaction": "Token", "type": "Connected Application", "object": "ci", "app": "ci"}
    for number, (name, properties) in enumerate(SHAPES.items()):
        yield _sample(name, entry(token | {"properties": properties}, MOMENT, number))


def chosen() -> list[Kind]:
    """Return every kind of Access Management's; of each other product a creation, a deletion and one of the rest."""
    found: dict[tuple[str, ...], Kind] = {}
    for kind in KINDS:
        what = next((word for word in ("create", "delete") if kind.action.lower().startswith(word)), "")
        key = (kind.platform, what) if kind.platform != "CoreServices" else (*kind.types, kind.action, kind.subaction)
        found.setdefault(key, kind)
    return list(found.values())


def _sample(name: str, line: bytes) -> dict[str, object]:
    [event] = parser().run(line.decode())
    found = json_format.MessageToDict(udm_of(event))
    return {"name": name, "log": line.decode(), "event": json.loads(json.dumps(found, sort_keys=True))}


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
