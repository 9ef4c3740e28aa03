"""The entries that rules are tested with: data in `cases/`, one file a rule, written out here as Anypoint would."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from mulesoft_audit.reading.entry import Entry
from mulesoft_audit.times import duration

FOLDER = Path(__file__).parent / "cases"
DAY = datetime(2026, 11, 20, tzinfo=UTC)
ORGANIZATION = "10000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Case:
    """Entries, and what a rule must find in them.

    Attributes:
        entries: each entry's bytes, as Anypoint would give them.
        findings: of each finding what is to be compared, in order of time.
        lists: allow lists by name.
    """

    rule: str
    name: str
    entries: list[bytes]
    findings: list[dict[str, Any]]
    lists: dict[str, list[str]]

    def __str__(self) -> str:
        return f"{self.rule}: {self.name}"


def cases(rule: str = "") -> list[Case]:
    """Return all cases, or those of one rule."""
    found = []
    for file in sorted(FOLDER.glob(f"{rule or '*'}.toml")):
        for case in tomllib.loads(file.read_text("utf-8"))["case"]:
            lines = [line for one in case["entries"] for line in written_out(one)]
            found.append(Case(file.stem, case["name"], lines, case["findings"], case.get("lists", {})))
    return found


def written_out(short: dict[str, Any]) -> list[bytes]:
    """Return the entries that a line of a case stands for; `#` is the number of the repetition."""
    at, step = milliseconds(short.get("at", "08:00")), duration(short.get("every", "1s"), "every")
    count = short.get("repeat", 1)
    return [entry(numbered(short, number + 1), at + number * step, number) for number in range(count)]


def milliseconds(text: str) -> int:
    days, _, clock = text.rpartition("d ")
    hours, minutes = clock.split(":")
    return int(DAY.timestamp() * 1000) + ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60_000


def numbered(value: Any, number: int) -> Any:
    return json.loads(json.dumps(value).replace("#", str(number)))


def entry(short: dict[str, Any], moment: int, number: int) -> bytes:
    objects = []
    if "type" in short:
        name, environment = short["object"], short.get("environment")
        one = {"objectType": short["type"], "objectId": f"id-{name}", "objectName": name}
        objects.append(one | {"environmentId": environment and f"id-{environment}", "environmentName": environment})
    if "user" in short:
        objects.insert(0, {"objectType": "User", "objectId": f"id-{short['user']}", "objectName": short["user"]})
    subaction = {"subaction": short["subaction"]} if "subaction" in short else {}
    document = {
        "timestamp": moment,
        "platform": short.get("platform", "CoreServices"),
        "action": short["action"],
        "objects": objects,
        "payload": short.get("payload", subaction | {"properties": short.get("properties", {})}),
        "failed": short.get("failed", "failure" in short.get("subaction", "").lower()),
        "userId": f"id-{short['by']}" if "by" in short else None,
        "userName": short.get("by", short.get("by_name")),
        "anypointTransactionId": f"{moment}-{number}",
    }
    if "app" in short:
        document |= {"clientId": f"id-{short['app']}", "clientName": short["app"]}
    return json.dumps(document, ensure_ascii=False).encode()


def in_order(lines: list[bytes]) -> list[Entry]:
    """Return entries as the engine takes them."""
    times = [json.loads(line)["timestamp"] for line in lines]
    return [Entry(time, ORGANIZATION, line) for time, line in sorted(zip(times, lines, strict=True), key=itemgetter(0))]
